"""Every kind of file that the program reads: how a good one is made, how it is read, how it is disturbed."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.mutate import (
    Mutation,
    damaged,
    json_changed,
    npz_changed,
    png_changed,
    rewritten,
    safetensors_changed,
    sqlite_changed,
    table_changed,
    text_changed,
)

NOTHING, DAMAGE, ALL = "nothing", "damage", "all"


@dataclass(frozen=True)
class Target:
    """A kind of file."""

    name: str
    make: Callable[[Path], list[Path]]
    """Writes good files into a folder and returns those that are disturbed, one of them at a time."""
    read: Callable[[Path], Any]
    """Reads the file (of several: the folder) and returns what it says."""
    changes: Sequence[Mutation] = ()
    """Besides damage."""
    sealed: str = NOTHING
    """What must not change unseen what is read: ``damage``, ``all`` changes, or ``nothing`` of them: the format has no
    checksum, since people and other programs write it."""
    folder: bool = False
    """Whether ``read`` is given the folder."""
    cases: int = 2000
    """Of a full run."""


TARGETS: dict[str, Target] = {}


def _target(name: str, make: Callable[[Path], list[Path]], **how: Any) -> Callable[[Callable[[Path], Any]], Any]:
    def register(read: Callable[[Path], Any]) -> Callable[[Path], Any]:
        TARGETS[name] = Target(name, make, read, **how)
        return read

    return register


def digest(value: Any) -> str:
    """Return a hash of everything that a value says."""
    found = hashlib.sha256()
    _feed(value, found)
    return found.hexdigest()


def _feed(value: Any, found: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            _feed(getattr(value, each.name), found)
    elif isinstance(value, dict):
        for key, one in value.items():
            _feed((str(key), one), found)
    elif isinstance(value, list | tuple):
        found.update(f"{len(value)}".encode())
        for one in value:
            _feed(one, found)
    elif hasattr(value, "detach"):
        _feed(value.detach().cpu().numpy(), found)
    elif isinstance(value, Path):
        _feed(value.name, found)
    else:
        found.update(repr(value).encode("utf-8", "surrogatepass"))


# -- images


def signature() -> np.ndarray:
    """A small made-up scan, grey."""
    from sigkd.synthesis import signature_image

    return signature_image(1, 0)[::2, ::2]


@cache
def image_files() -> dict[str, bytes]:
    """Pictures of one signature in every format and mode that is read."""
    from PIL import Image

    grey = Image.fromarray(signature())
    colour = Image.merge("RGB", [grey, grey, grey.point(lambda level: min(255, level + 20))])
    deep = Image.fromarray(signature().astype(np.uint16) * 257)
    clear = colour.convert("RGBA")
    clear.putalpha(grey.point(lambda level: 255 - level))
    exif = Image.Exif()
    exif[274] = 6
    made: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "grey.png": (grey, "PNG", {"dpi": (200, 200)}),
        "colour.png": (colour, "PNG", {"dpi": (200, 200)}),
        "deep.png": (deep, "PNG", {}),
        "palette.png": (colour.quantize(16), "PNG", {"transparency": 3}),
        "binary.png": (grey.convert("1"), "PNG", {}),
        "clear.png": (clear, "PNG", {}),
        "grey.jpg": (grey, "JPEG", {"quality": 80, "dpi": (200, 200), "exif": exif}),
        "colour.jpg": (colour, "JPEG", {"progressive": True}),
        "cmyk.jpg": (colour.convert("CMYK"), "JPEG", {}),
        "grey.tif": (grey, "TIFF", {"dpi": (200, 200)}),
        "lzw.tif": (colour, "TIFF", {"compression": "tiff_lzw"}),
        "fax.tif": (grey.convert("1"), "TIFF", {"compression": "group4"}),
        "pages.tif": (grey, "TIFF", {"compression": "tiff_deflate", "save_all": True, "append_images": [grey]}),
        "deep.tif": (deep, "TIFF", {}),
        "float.tif": (Image.fromarray(signature().astype(np.float32) / 255), "TIFF", {}),
        "grey.bmp": (grey, "BMP", {}),
        "binary.bmp": (grey.convert("1"), "BMP", {}),
        "colour.webp": (colour, "WEBP", {"quality": 70}),
        "clear.webp": (clear, "WEBP", {"lossless": True}),
        "grey.gif": (grey, "GIF", {}),
        "grey.jp2": (grey, "JPEG2000", {}),
        "colour.avif": (colour, "AVIF", {"quality": 60, "speed": 10}),
    }
    files = {}
    for name, (image, kind, options) in made.items():
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        files[name] = stream.getvalue()
    return files


def odd_picture(rng: random.Random, largest: int = 1 << 20) -> bytes:
    """A picture with nothing wrong about its file: patterns, speckles, stripes, extreme sides."""
    from PIL import Image

    side = int(2 ** rng.uniform(0, 13))
    height, width = side, max(1, min(int(2 ** rng.uniform(0, 14)), largest // side))
    draw = np.random.default_rng(rng.randrange(1 << 30))
    rows, columns = np.mgrid[0:height, 0:width]
    period = rng.choice((2, 3, 4, 7, 16, 50))
    kind = rng.randrange(9)
    if kind == 0:
        values = draw.integers(0, 256, (height, width))
    elif kind == 1:
        values = 255 * ((rows // period + columns // period) % 2)
    elif kind == 2:  # a halftone: every dark pixel a speck
        values = 255 * ~((rows % period == 0) & (columns % period == 0))
    elif kind == 3:
        values = 255 * (rows % period != 0)
    elif kind == 4:
        values = np.where(draw.random((height, width)) < rng.choice((0.001, 0.02, 0.3)), 0, 255)
    elif kind == 5:
        values = (rows * 255 // max(1, height - 1) + columns * 255 // max(1, width - 1)) // 2
    elif kind == 6:
        values = np.full((height, width), rng.choice((0, 1, 128, 254, 255)))
    elif kind == 7:  # rings
        values = 255 * ((np.hypot(rows - height / 2, columns - width / 2) // period) % 2)
    else:
        one = signature()
        values = np.tile(one, (height // one.shape[0] + 1, width // one.shape[1] + 1))[:height, :width]
    image = Image.fromarray(values.astype(np.uint8))
    if rng.random() < 0.3:
        image = image.convert(rng.choice(("1", "RGB", "RGBA", "P")))
    stream = io.BytesIO()
    dpi = rng.choice((None, None, 60, 200, 300, 600, 2400))
    image.save(stream, "PNG", compress_level=1, **({"dpi": (dpi, rng.choice((dpi, 100)))} if dpi else {}))
    return stream.getvalue()


def _odd(content: bytes, rng: random.Random) -> bytes:
    return odd_picture(rng)


def _pngs(content: bytes, rng: random.Random) -> bytes:
    return png_changed(content, rng) if content.startswith(b"\x89PNG") else damaged(content, rng)


def _make_images(folder: Path) -> list[Path]:
    made = []
    for name, content in image_files().items():
        made.append(folder / name)
        made[-1].write_bytes(content)
    return made


@cache
def _verifier() -> Any:
    """The default model with one enrolled writer."""
    import tempfile

    import torch

    from sigkd import Choices, Verifier
    from sigkd.synthesis import signature_image

    torch.set_num_threads(1)
    place = tempfile.TemporaryDirectory(prefix="sigkd-fuzz-")
    verifier = Verifier(Choices(device="cpu"), gallery=Path(place.name) / "g.sigkd", audit=False)
    verifier.place = place  # type: ignore[attr-defined]  # as long as the verifier
    verifier.enroll("Ada", [signature_image(1, index) for index in range(5)])
    return verifier


@_target("image", _make_images, changes=(_pngs, _odd), cases=10_000)
def read_image(path: Path) -> Any:
    """The reader, both kinds of preprocessing, and the answer."""
    from sigkd.errors import ImageError
    from sigkd.images.preprocess import normalize
    from sigkd.images.reader import read_file

    file = read_file(path)
    try:
        normal = normalize(file.grey).image
    except ImageError:
        normal = None
    answer = _verifier().verify("Ada", path)
    return [file.grey, normal, answer.score, answer.decision]


# -- sets, features, results


@cache
def _store() -> Any:
    from sigkd.datasets.prepared import PreparedSignatures
    from tests.distillation.tiny import drawings

    x, y = drawings(24, 4)
    kinds = np.arange(24, dtype=np.int8) // 4 % 3
    return PreparedSignatures(
        x, y.astype(np.int64), kinds, [f"{i}.png" for i in range(24)], list("abcd"), {"name": "w"}
    )


def _make_store(folder: Path) -> list[Path]:
    _store().save(folder / "set.npz")
    return [folder / "set.npz"]


@_target("prepared", _make_store, changes=(npz_changed,), sealed=ALL)
def read_store(path: Path) -> Any:
    """A prepared set."""
    from sigkd.datasets.prepared import PreparedSignatures

    store = PreparedSignatures.load(path)
    # what other programs wrote has no hash, and is said to have none: its name is all that is known
    known = "preprocess_version" in store.metadata or "content_hash" in store.metadata
    return [store.x, store.y, store.yforg, store.filenames, store.writers] if known else None


def _make_text_set(folder: Path) -> list[Path]:
    from tests.distillation.tiny import write_text_set

    write_text_set(folder / "text")
    return [folder / "text" / name for name in ("dataset.json", "index.npy", "images.npy")]


@_target("text set", _make_text_set, changes=(json_changed,), sealed=ALL, folder=True)
def read_text_set(folder: Path) -> Any:
    """A text set."""
    from sigkd.datasets.textset import TextDataset

    found = TextDataset.open(folder / "text")
    return [np.asarray(found.images), found.labels, found.split, found.writers]


@cache
def _features() -> Any:
    from sigkd.models.features import FeatureSet

    rng = np.random.default_rng(0)
    features = rng.gamma(1, 1, (30, 64)).astype(np.float32)
    return FeatureSet(
        features, np.arange(30) // 6, np.arange(30) % 3, [f"{i}.png" for i in range(30)], "ab" * 32, "1", "tiny"
    )


def _features_as(suffix: str) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        _features().save(folder / f"features{suffix}")
        return [folder / f"features{suffix}"]

    return make


def read_features(path: Path) -> Any:
    """Features."""
    from sigkd.models.features import FeatureSet

    found = FeatureSet.load(path)
    return [found.features, found.y, found.yforg, found.filenames, found.model_hash]


_target("features npz", _features_as(".npz"), changes=(npz_changed,), sealed=DAMAGE)(read_features)
_target("features parquet", _features_as(".parquet"), sealed=DAMAGE)(read_features)
_target("features mat", _features_as(".mat"))(read_features)
_target("features csv", _features_as(".csv"), changes=(table_changed,))(read_features)


@cache
def _results() -> Any:
    from sigkd.evaluation.evaluate import Settings, Source, evaluate_features
    from sigkd.evaluation.protocol import Protocol
    from tests.evaluation.conftest import made_up

    values, y, forged = made_up(6, 6, 3)
    return evaluate_features(
        values, y, forged, [2], splits=2,
        protocol=Protocol(genuine_test=3, skilled_test=3, gamma=2.0**-6, forgeries="both"),
        settings=Settings(bootstrap=20), source=Source(dataset="made", model="m", model_hash="m"),
    )  # fmt: skip


def _make_results(folder: Path) -> list[Path]:
    _results().save(folder / "results.json")
    return [folder / "results.json"]


@_target("results", _make_results, changes=(json_changed, rewritten), sealed=DAMAGE)
def read_results(path: Path) -> Any:
    """Results of evaluations, as ``sigkd stats`` reads them."""
    from sigkd.evaluation.results import Results

    found = Results.read(path)
    return [found.to_json() | {"seal": ""}, [one.scores() for one in found.results]]


def _make_splits(folder: Path) -> list[Path]:
    from sigkd.evaluation.manifest import save_splits
    from sigkd.evaluation.protocol import Protocol, choose_split
    from tests.evaluation.conftest import made_up

    _, y, forged = made_up(6, 6, 3)
    protocol = Protocol(genuine_test=3, skilled_test=3)
    splits = [choose_split(y, forged, range(6), 2, number, 0, protocol) for number in range(2)]
    save_splits(folder / "splits.json", splits, y, forged)
    return [folder / "splits.json"]


@_target("splits", _make_splits, changes=(json_changed,))
def read_splits(path: Path) -> Any:
    """A manifest of splits."""
    from sigkd.evaluation.manifest import load_splits, split_hash
    from tests.evaluation.conftest import made_up

    _, y, forged = made_up(6, 6, 3)
    return split_hash(load_splits(path, [2], 2, y, forged))


def _make_calibration(folder: Path) -> list[Path]:
    from sigkd.models.binding import Binding
    from sigkd.verification.calibration import CalibrationSet, fit_calibration

    rng = np.random.default_rng(0)
    trials = {"skilled": rng.normal(0, 1, 40), "random": rng.normal(-2, 1, 40)}
    one = fit_calibration(rng.normal(2, 1, 40), trials, classifier="wd", negatives="cohort", references=5, writers=8)
    binding = Binding("ab" * 32, "1", (952, 1360), "tiny")
    CalibrationSet(binding, "cd" * 32, "logistic", {"name": "made"}, (one,)).save(folder / "calibration.json")
    return [folder / "calibration.json"]


@_target("calibration", _make_calibration, changes=(json_changed, rewritten), sealed=DAMAGE)
def read_calibration(path: Path) -> Any:
    """A calibration."""
    from sigkd.verification.calibration import read_calibration as read

    return read(path).as_dict() | {"sigkd_version": "", "seal": ""}


def _make_cohort(folder: Path) -> list[Path]:
    from sigkd.classifiers.cohort import save_cohort
    from sigkd.classifiers.negatives import Negatives
    from sigkd.models.binding import Binding

    features = np.random.default_rng(0).gamma(1, 1, (20, 64)).astype(np.float16).astype(np.float32)
    binding = Binding("ab" * 32, "1", (952, 1360), "tiny")
    save_cohort(Negatives(features, "made", "cohort", None, binding, {}), folder / "cohort.npz")
    return [folder / "cohort.npz"]


@_target("cohort", _make_cohort, changes=(npz_changed,), sealed=DAMAGE)
def read_cohort(path: Path) -> Any:
    """A cohort."""
    from sigkd.classifiers.cohort import read_cohort as read

    found = read(path)
    return [found.features, found.binding]


# -- galleries


def _make_gallery(passphrase: str | None) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        from sigkd.gallery import Gallery, vault
        from sigkd.gallery.templates import keep_template
        from tests.gallery.conftest import BINDING, stored

        usual, vault.SCRYPT_N = vault.SCRYPT_N, 2**10
        try:
            made = Gallery.create(folder / "g.sigkd", passphrase=passphrase)
        finally:
            vault.SCRYPT_N = usual
        with made as gallery:
            for number in range(3):
                gallery.enroll(f"w{number}", stored(number, 3, 64, b"picture" * 20), BINDING)
            with gallery.writing():
                keep_template(gallery, "w1", "svm", "cohort", {"a": np.arange(9.0)})
        return [folder / "g.sigkd"]

    return make


def _gallery_reader(passphrase: str | None) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        from sigkd.errors import GalleryError
        from sigkd.gallery import Gallery
        from sigkd.gallery.maintenance import check
        from sigkd.gallery.templates import load_pool, load_template

        for suffix in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        with Gallery(path, passphrase=passphrase) as gallery:
            if problems := check(gallery).problems:
                raise GalleryError(f"{path}: {problems[0]}")
            names = [writer.name for writer in gallery.writers()]
            kept = [gallery.references(name, images=True) for name in names]
            kept_templates = (load_template(gallery, name, "svm", "cohort") for name in names)
            # one that is lost is fitted again
            templates = all(np.array_equal(one["a"], np.arange(9.0)) for one in kept_templates if one is not None)
            return [names, kept, templates, load_pool(gallery)[2], gallery.entries()]

    return read


_target("gallery", _make_gallery(None), changes=(sqlite_changed,), sealed=ALL)(_gallery_reader(None))
_target("encrypted gallery", _make_gallery("words"), changes=(sqlite_changed,), sealed=ALL, cases=1000)(
    _gallery_reader("words")
)


def _make_export(folder: Path) -> list[Path]:
    from sigkd.gallery import Gallery
    from sigkd.gallery.transfer import export_writers

    _make_gallery(None)(folder)
    with Gallery(folder / "g.sigkd") as gallery:
        export_writers(gallery, folder / "export.npz", images=True)
    return [folder / "export.npz"]


@_target("gallery export", _make_export, changes=(npz_changed,), sealed=DAMAGE)
def read_export(path: Path) -> Any:
    """Writers of another gallery."""
    from sigkd.gallery.transfer import read_export as read

    return read(path)


# -- models and runs


def _make_model(folder: Path) -> list[Path]:
    import torch

    from sigkd.models.io import save_model
    from tests.distillation.tiny import Tiny

    torch.manual_seed(0)
    save_model(folder / "model.safetensors", Tiny().eval(), {"canvas": [952, 1360], "preprocess_version": "1"})
    return [folder / "model.safetensors"]


@_target("model", _make_model, changes=(safetensors_changed,), sealed=DAMAGE)
def read_model(path: Path) -> Any:
    """A network."""
    import tests.distillation.tiny  # noqa: F401 - registers it
    from sigkd.models.io import load_file

    found = load_file(path)
    return [dict(found.network.state_dict()), found.canvas, found.preprocess_version, found.network.whitened]


def _make_checkpoint(folder: Path) -> list[Path]:
    import torch

    from tests.distillation.tiny import Tiny

    torch.manual_seed(0)
    torch.save(Tiny().state_dict(), folder / "model.pth")
    return [folder / "model.pth"]


@_target("checkpoint", _make_checkpoint, changes=(npz_changed,), sealed=DAMAGE)
def read_checkpoint(path: Path) -> Any:
    """Somebody's ``.pth``."""
    import tests.distillation.tiny  # noqa: F401 - registers it
    from sigkd.models.foreign import load_checkpoint

    return dict(load_checkpoint(path, "tiny").state_dict())


def _make_onnx(folder: Path) -> list[Path]:
    from onnx import TensorProto, helper, numpy_helper, save

    weights = np.random.default_rng(0).normal(size=(660, 2048)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["images"], ["pooled"], kernel_shape=[7, 7], strides=[7, 7]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["features"]),
    ]
    weights = weights[: (150 // 7) * (220 // 7)]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 150, 220])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 2048])],
        [numpy_helper.from_array(weights, "weights")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, folder / "model.onnx")
    return [folder / "model.onnx"]


@_target("onnx", _make_onnx)
def read_onnx(path: Path) -> Any:
    """A graph of another program; the hash of the file is the model's."""
    import torch

    from sigkd.models.io import load_any_file

    found = load_any_file(path)
    with torch.inference_mode():
        return [found.hash, found.network(torch.zeros(1, 1, 150, 220))]


def _make_run(folder: Path) -> list[Path]:
    import torch

    from sigkd.distillation.rundir import RunDirectory, random_state
    from tests.distillation.tiny import Tiny

    run = RunDirectory(folder / "run")
    run.path.mkdir()
    torch.manual_seed(0)
    network = Tiny(4)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    run.save_checkpoint(
        {
            "model": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": random_state(torch.device("cpu")),
            "epoch": 3,
        }
    )
    return [run.checkpoint]


@_target("run", _make_run, changes=(npz_changed,), sealed=DAMAGE, folder=True)
def read_run(folder: Path) -> Any:
    """What a training run goes on from."""
    from sigkd.distillation.rundir import RunDirectory

    return RunDirectory(folder / "run").load_checkpoint()


def _make_supervision(folder: Path) -> list[Path]:
    from sigkd.distillation.cache import CacheKey, build_cache
    from sigkd.distillation.signals.response import Response
    from tests.distillation.tiny import training_images

    data = training_images()
    signal = Response()
    said = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)

    def ask(rows: Any, signals: Any) -> Any:
        import torch

        return {one: {"response": torch.from_numpy(said[rows])} for one in signals}

    place = build_cache(folder, [CacheKey.of("teacher", data, signal)], data.training, ask)[signal]
    place.rename(folder / "words")
    return sorted((folder / "words").iterdir())


@_target("supervision", _make_supervision, changes=(json_changed,), sealed=DAMAGE, folder=True)
def read_supervision(folder: Path) -> Any:
    """What a teacher said."""
    from sigkd.distillation.cache import _open
    from tests.distillation.tiny import training_images

    found = _open(folder / "words", len(training_images().training))
    return {name: np.array(array) for name, array in found.items()}


def _make_partial(folder: Path) -> list[Path]:
    from sigkd.text.page import INDEX_DTYPE, PageResult
    from sigkd.text.store import PartialStore

    store = PartialStore(folder / "text", {"options": {"a": 1}})
    rng = np.random.default_rng(0)
    for page in range(3):
        images = rng.integers(0, 256, (4, 170, 242), dtype=np.uint8)
        result = PageResult.__new__(PageResult)
        for each in fields(PageResult):
            object.__setattr__(result, each.name, None)
        object.__setattr__(result, "images", images)
        object.__setattr__(result, "index", np.zeros(4, INDEX_DTYPE))
        store.append({"name": f"p{page}"}, result)
    store.close()
    return sorted((folder / "text.partial").iterdir())


@_target("unfinished text set", _make_partial, changes=(text_changed,), folder=True)
def read_partial(folder: Path) -> Any:
    """What a killed ``prepare-text`` goes on from."""
    from sigkd.text.store import PartialStore

    store = PartialStore(folder / "text", {"options": {"a": 1}})
    try:
        return [store.crops, store.finished, store.index()]
    finally:
        store.close()


# -- texts that people write


def _text_file(name: str, text: str) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        (folder / name).write_text(text, encoding="utf-8")
        return [folder / name]

    return make


def _make_policy(folder: Path) -> list[Path]:
    from sigkd.verification.policy import Policy

    return _text_file("policy.toml", Policy(name="ours").to_toml())(folder)


@_target("policy", _make_policy, changes=(text_changed,))
def read_policy(path: Path) -> Any:
    """A policy."""
    from sigkd.verification.policy import read_policy as read

    return read(path)


def _make_case(folder: Path) -> list[Path]:
    from sigkd.verification.report.case_file import TEMPLATE

    return _text_file("case.toml", TEMPLATE.read_text(encoding="utf-8"))(folder)


@_target("case", _make_case, changes=(text_changed,))
def read_case(path: Path) -> Any:
    """A case file."""
    from sigkd.verification.report.case_file import CaseFile

    return CaseFile.of_toml(path)


def _make_configuration(folder: Path) -> list[Path]:
    from sigkd.distillation.config import TrainingConfig, config_toml

    return _text_file("run.toml", config_toml(TrainingConfig()))(folder)


@_target("training configuration", _make_configuration, changes=(text_changed,))
def read_configuration(path: Path) -> Any:
    """A training configuration."""
    from sigkd.configuration import read_toml
    from sigkd.distillation.config import TrainingConfig

    return read_toml(path, TrainingConfig())


def _make_layout(folder: Path) -> list[Path]:
    import sigkd.datasets.layouts as layouts

    source = Path(layouts.__file__).with_name("mcyt75.toml")
    return _text_file("ours.toml", source.read_text(encoding="utf-8"))(folder)


@_target("layout", _make_layout, changes=(text_changed,))
def read_layout(path: Path) -> Any:
    """A dataset's layout."""
    from sigkd.datasets.layouts.declared import read_layout as read

    return repr(read(path))


_CLAIMS = "path,writer,dpi,note\n" + "".join(f"{i}.png,w{i % 3},300,x{i}\n" for i in range(9))


@_target("claims", _text_file("claims.csv", _CLAIMS), changes=(table_changed,))
def read_claims(path: Path) -> Any:
    """A table of claims."""
    from sigkd.verification.claims import ClaimTable
    from sigkd.verification.row_tables import read_table

    table = read_table(path)
    return [table.rows, ClaimTable.of(table).named]


def _make_parquet(folder: Path) -> list[Path]:
    from sigkd.verification.row_tables import write_table

    rows = [{"path": f"{i}.png", "writer": f"w{i}", "dpi": 300.0} for i in range(9)]
    write_table(folder / "claims.parquet", ["path", "writer", "dpi"], rows)
    return [folder / "claims.parquet"]


# pages have checksums, the names of columns have none
_target("claims parquet", _make_parquet)(read_claims)


def _make_table(folder: Path) -> list[Path]:
    for number in range(6):
        (folder / f"{number}.png").write_bytes(image_files()["binary.png"])
    rows = "".join(f"{i}.png,w{i // 3},{('genuine', 'skilled')[i % 2]},300\n" for i in range(6))
    return _text_file("set.csv", "path,writer,label,dpi\n" + rows)(folder)


@_target("table of signatures", _make_table, changes=(table_changed,))
def read_table_of_signatures(path: Path) -> Any:
    """A dataset as a table."""
    from sigkd.datasets.layouts import DATASETS

    return [(one.writer, one.kind, one.dpi) for one in DATASETS.get("csv").scan(path).records]


def _make_pages(folder: Path) -> list[Path]:
    made = _make_table(folder)
    (folder / "pages.csv").write_text(made[0].read_text().replace("label", "kind").replace("genuine", "page"))
    return [folder / "pages.csv"]


@_target("table of pages", _make_pages, changes=(table_changed,))
def read_table_of_pages(path: Path) -> Any:
    """A collection of pages as a table."""
    from sigkd.text.layouts import table

    found = table(path)
    return [(page.name, page.writer, page.kind) for page in found.pages]


@_target(
    "forms",
    _text_file("forms.txt", "# IAM\na01-000u 000 2 prt 7 5 52 36\na01-003 001 2 prt 7 5 52 36\n"),
    changes=(text_changed,),
)
def read_forms(path: Path) -> Any:
    """IAM's table of forms."""
    from sigkd.text.layouts import read_forms as read

    return read(path)


def _make_journal(folder: Path) -> list[Path]:
    from sigkd.verification.journal import Journal

    with Journal.opened(folder / "answers.csv", {"claims": "x", "gallery": "y"}) as journal:
        for row in range(5):
            journal.append({row: {"answer": "accepted", "score": row / 7}})
    return [journal.path]


@_target("journal of claims", _make_journal, changes=(text_changed,), folder=True)
def read_journal(folder: Path) -> Any:
    """What a killed run of claims goes on from."""
    from sigkd.verification.journal import Journal

    with Journal.opened(folder / "answers.csv", {"claims": "x", "gallery": "y"}) as journal:
        return [journal.read(row) for row in journal.places]
