"""Weight cards: what is known of every model that somebody published, and of the ones that ship with the package.

No file behind the published cards was ever seen by the makers of this program: their hosts could not be reached. What
the cards pin was collected from public records (``docs/guides/weights.md`` says how a user checks a file).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sigkd.errors import ModelError
from sigkd.images.canvas import CANVAS
from sigkd.registry import nearest

ASSETS = Path(__file__).parent.parent / "assets"
"""Where the models shipped with the package are."""

_DRIVE = (
    "https://drive.usercontent.google.com/download?id={}&export=download&confirm=t",
    "https://drive.google.com/uc?export=download&id={}",
)

_SIGVER = "Hafemann, Sabourin, Oliveira (2017), Pattern Recognition 70, doi:10.1016/j.patcog.2017.05.012"
_FKD = (
    "Tsourounis, Theodorakopoulos, Zois, Economou: Leveraging Expert Models for Training Deep Neural Networks in "
    "Scarce Data Domains (FKD)"
)


@dataclass(frozen=True)
class WeightCard:
    """One model file that can be had from somewhere."""

    name: str
    """What ``--model`` and ``sigkd weights`` call it."""
    title: str
    """One line for people."""
    architecture: str
    """A registered architecture, or for an ONNX file the one that it is said to hold."""
    kind: Literal["pth", "onnx", "safetensors"]
    """How the file is read."""
    filename: str
    """Name in the cache, or in the package's assets for a shipped one."""
    training_data: str
    licence: str
    paper: str
    home: str = ""
    """The page on which its authors offer it."""
    urls: tuple[str, ...] = ()
    """Sources in the order in which they are tried."""
    size: int | None = None
    """Bytes, where known."""
    sha256: str | None = None
    git_blob_sha1: str | None = None
    """SHA-1 of ``b"blob <size>\\0"`` and the content: the name of the file in every git repository that holds it."""
    canvas: tuple[int, int] = CANVAS
    """Height and width in pixels of the canvas that its signatures were normalised on."""
    preprocess_version: str | None = None
    """Version of this package's preprocessing that it was trained on; None: another program's."""
    fingerprint: tuple[float, ...] | None = None
    """The expected feature fingerprint (see :mod:`sigkd.models.fingerprint`); None: never computed by us."""
    shipped: bool = False
    """Part of the package: neither downloaded nor cached."""

    @property
    def pinned(self) -> bool:
        """Whether the file's identity is known beforehand."""
        return self.sha256 is not None or self.git_blob_sha1 is not None

    @property
    def identity(self) -> str:
        """How the file is recognised, in a few words."""
        if self.shipped:
            return "hash in the file"
        if self.sha256:
            return "sha256"
        return "git blob sha1" if self.git_blob_sha1 else "none (--trust-first-use)"


def _drive(identifier: str) -> tuple[str, ...]:
    return tuple(pattern.format(identifier) for pattern in _DRIVE)


_GPDS_LICENCE = "non-commercial (GPDS)"
_SIGVER_HOME = "https://github.com/luizgh/sigver"
_FKD_HOME = "https://github.com/dimTsourounis/FKD"

_FKD_FILES = {
    "fkd-signet": ("the authors' SigNet teacher", "signet", "198E4sZVo4L5ugrS7qKuBgYK7CDXe1OIE"),
    "fkd-signet-cl": ("SigNet student, CL", "signet", "1TGiMavqcbqKuaEt6AvjiiUA7JwOYnK8w"),
    "fkd-resnet18-cl": ("ResNet-18 student, CL", "resnet18", "13diayE8QN36TUNXDmF8W-l-mYTteWD13"),
    "fkd-resnet18-geom": ("ResNet-18 student, CL+GEOM", "resnet18", "1owbbEqx38kx3bgPVB_wL5Bc6JBkteHtS"),
    "fkd-resnet18-tce": ("ResNet-18 student, CL+TCE", "resnet18", "1D1KB5VOEuAt6En7f_-TYTSjhCJSobW_C"),
    "fkd-resnet18-bt": ("ResNet-18 student, CL+BT", "resnet18", "1rKFVkLCpcAMoTTdpwsxwdetft5jiQBr3"),
    "fkd-resnet18-bc": ("ResNet-18 student, CL+BC", "resnet18", "17GgVK318Vq9jPZE5JOtTRcV2tSMbyRno"),
    "fkd-resnet18-geom-tce": ("ResNet-18 student, CL+GEOM+TCE", "resnet18", "174o9mzlpvCsFpBrHHSrLoe4fHNpHRMPz"),
    "fkd-resnet18-geom-bt": ("ResNet-18 student, CL+GEOM+BT", "resnet18", "1sGoRs9BLR19dWDuUAXmPwqMIVFpjdb9W"),
    "fkd-resnet18-geom-bc": ("ResNet-18 student, CL+GEOM+BC", "resnet18", "1m-mBhZNs4v6f7dJtPwv5XMSZOKWyTsSJ"),
}


def _fkd_card(name: str) -> WeightCard:
    title, architecture, identifier = _FKD_FILES[name]
    student = name != "fkd-signet"
    return WeightCard(
        name=name,
        title=f"{title} (ONNX)",
        architecture=architecture,
        kind="onnx",
        filename=f"{name}.onnx",
        training_data="CVL text (310 writers), teacher trained on GPDS" if student else "GPDS",
        licence="not stated; " + _GPDS_LICENCE,
        paper=_FKD,
        home=_FKD_HOME,
        urls=_drive(identifier),
    )


CARDS: tuple[WeightCard, ...] = (
    WeightCard(
        name="sigkd-resnet18",
        title="our default student",
        architecture="resnet18",
        kind="safetensors",
        filename="default.safetensors",
        training_data="IAM text (287 writers), crops matched to signatures",
        licence="research use (see the model card)",
        paper=_FKD,
        shipped=True,
    ),
    WeightCard(
        name="sigkd-signet",
        title="our own teacher",
        architecture="signet",
        kind="safetensors",
        filename="sigkd-signet.safetensors",
        training_data="Chinese names (100 writers), SigComp 2011 Dutch (21 of 43 writers)",
        licence="research use (see the model card)",
        paper=_SIGVER,
        shipped=True,
    ),
    WeightCard(
        name="signet",
        title="SigNet, the published teacher",
        architecture="signet",
        kind="pth",
        filename="signet.pth",
        training_data="GPDS",
        licence=_GPDS_LICENCE,
        paper=_SIGVER,
        home=_SIGVER_HOME,
        urls=_drive("1l8NFdxSvQSLb2QTv71E6bKcTgvShKPpx"),
        git_blob_sha1="bdfca95df4664e0d40f6caf044ecee9d691c880e",
    ),
    WeightCard(
        name="signet-f",
        title="SigNet-F (lambda 0.95), trained with forgeries",
        architecture="signet",
        kind="pth",
        filename="signet_f_lambda_0.95.pth",
        training_data="GPDS, with skilled forgeries",
        licence=_GPDS_LICENCE,
        paper=_SIGVER,
        home=_SIGVER_HOME,
        urls=_drive("1ifaUiPtP1muMjt8Tkrv7yJj7we8ttncW"),
        git_blob_sha1="0030dfe2e6fddb81a2312ea9471b4dbf0d34e88f",
    ),
    WeightCard(
        name="signet-copy",
        title="another public copy of signet.pth, perhaps not the same",
        architecture="signet",
        kind="pth",
        filename="signet-copy.pth",
        training_data="GPDS",
        licence=_GPDS_LICENCE,
        paper=_SIGVER,
        home=_SIGVER_HOME,
        size=63_217_982,
        sha256="9f23129c55e308f8409741508107286dc61296abd3891953c3ae030bca4fb931",
    ),
    WeightCard(
        name="signet-531",
        title="SigNet with its head for 531 writers",
        architecture="signet",
        kind="pth",
        filename="signet-531.pth",
        training_data="GPDS (531 writers)",
        licence=_GPDS_LICENCE,
        paper=_SIGVER,
        home=_SIGVER_HOME,
        urls=_drive("12Wg469rWpZ0jeZUxK8ZQDN8qv68OwYNx"),
        size=67_578_555,
        sha256="7f3ddee98c3fa69b1196a9cb85c6ae267a5c4381b64fd6fa28f68528fdc06852",
    ),
    *(_fkd_card(name) for name in _FKD_FILES),
)
"""Every card, the shipped models first."""


def card_names() -> list[str]:
    """Return the names of all cards."""
    return [card.name for card in CARDS]


def is_card(name: str) -> bool:
    """Return whether a card of this name exists."""
    return any(card.name == name for card in CARDS)


def find_card(name: str) -> WeightCard:
    """Return the card called ``name``.

    Raises:
        ModelError: if there is none; the message has the nearest name and the whole list.
    """
    for card in CARDS:
        if card.name == name:
            return card
    names = card_names()
    raise ModelError(f"unknown weights '{name}'.{nearest(name, names)} Known: {', '.join(names)}")


def shipped_path(card: WeightCard) -> Path:
    """Return where the file of a shipped model is, or would be."""
    return ASSETS / card.filename


def hosts() -> Iterator[str]:
    """Yield the hosts that the cards' sources live on, each once."""
    from urllib.parse import urlsplit

    seen: set[str] = set()
    for card in CARDS:
        for url in card.urls:
            host = urlsplit(url).netloc
            if host not in seen:
                seen.add(host)
                yield host
