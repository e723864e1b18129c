"""Weight cards: what is known of every model that somebody published, and of the ones that ship with the package.

They stand in ``cards.toml``; ``docs/guides/weights.md`` says how a user checks a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sigkd.errors import ModelError
from sigkd.images.canvas import CANVAS
from sigkd.registry import nearest

ASSETS = Path(__file__).parent.parent / "assets"
"""Where the models shipped with the package are."""


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


def _read_cards(path: Path) -> tuple[WeightCard, ...]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    cards = []
    for name, own in document["cards"].items():
        fields = {"name": name, **document["groups"][own["group"]], **own}
        del fields["group"]
        if identifier := fields.pop("drive", None):
            fields["urls"] = tuple(pattern.format(identifier) for pattern in document["drive"])
        fields.setdefault("filename", f"{name}.{fields['kind']}")
        cards.append(WeightCard(**fields))
    return tuple(cards)


CARDS = _read_cards(Path(__file__).with_name("cards.toml"))
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
