"""What moves between galleries is whole and comparable, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import GalleryError, SigkdError
from sigkd.gallery import Gallery
from sigkd.gallery.transfer import export_writers, import_writers, read_export
from tests.gallery.conftest import BINDING, stored


@pytest.fixture
def export(gallery: Gallery, tmp_path: Path) -> Path:
    gallery.enroll("Ada", stored(1, 3, 16, b"an image"), BINDING)
    gallery.enroll("Bob", stored(2, 2, 16, b"another"), BINDING)
    export_writers(gallery, tmp_path / "out.npz", images=True)
    return tmp_path / "out.npz"


def _changed(path: Path, change) -> Path:
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    document = json.loads(str(arrays["metadata"]))
    change(arrays, document)
    if "metadata" in arrays:
        arrays["metadata"] = np.asarray(json.dumps(document))
    np.savez(path, **arrays)
    return path


CHANGES = {
    "not a number": lambda arrays, _: arrays["features"].__setitem__((1, 2), np.nan),
    "infinite": lambda arrays, _: arrays["features"].__setitem__((0, 0), np.inf),
    "a row is missing": lambda arrays, _: arrays.update(features=arrays["features"][:-1]),
    "no matrix": lambda arrays, _: arrays.update(features=arrays["features"].reshape(-1)),
    "an owner is missing": lambda arrays, _: arrays.update(writer=arrays["writer"][:-1]),
    "a foreign owner": lambda arrays, _: arrays["writer"].__setitem__(0, 7),
    "a negative owner": lambda arrays, _: arrays["writer"].__setitem__(0, -1),
    "a writer without references": lambda _, document: document["writers"].append("Cleo"),
    "a writer twice": lambda _, document: document.update(writers=["Ada", "Ada"]),
    "a bad name": lambda _, document: document.update(writers=["Ada", "\u0000"]),
    "images go back": lambda arrays, _: arrays["image_ends"].__setitem__(1, 0),
    "images are cut": lambda arrays, _: arrays.update(images=arrays["images"][:-1]),
    "an odd measure": lambda _, document: document["references"][0]["ink"].update(width="wide"),
    "a measure that is none": lambda _, document: document["references"][0]["ink"].update(width=float("nan")),
    "a measure more": lambda _, document: document["references"][0]["ink"].update(depth=1),
    "no hash": lambda _, document: document["references"][0].update(digest="x" * 64),
    "no facts": lambda _, document: document["references"].__setitem__(0, None),
    "another format": lambda _, document: document.update(format="other"),
    "a newer version": lambda _, document: document.update(version=99),
    "no metadata": lambda arrays, _: arrays.pop("metadata"),
    "a canvas that is none": lambda _, document: document.update(canvas=["x"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_export_is_refused(export: Path, tmp_path: Path, change: str) -> None:
    _changed(export, CHANGES[change])
    with Gallery.create(tmp_path / "to.sigkd") as target:
        with pytest.raises(SigkdError, match=r"out\.npz: ") as caught:
            import_writers(target, export)
        assert "\n" not in str(caught.value)
        assert len(target) == 0


def test_deep_json(export: Path) -> None:
    with np.load(export, allow_pickle=False) as archive:
        np.savez(export, **{**archive, "metadata": np.asarray("[" * 100_000)})
    with pytest.raises(GalleryError, match=r"out\.npz: not a readable gallery export"):
        read_export(export)


def test_damaged_bytes_are_found(export: Path) -> None:
    content, whole = bytearray(export.read_bytes()), repr(read_export(export))
    found = 0
    for place in range(10, len(content), 61):
        damaged = content.copy()
        damaged[place] ^= 255
        export.write_bytes(damaged)
        try:
            assert repr(read_export(export)) == whole  # a time stamp of the archive
        except GalleryError:
            found += 1
    assert found > 10


def test_foreign_lengths_are_refused(gallery: Gallery, export: Path, tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "to.sigkd") as target:
        target.enroll("Zoe", stored(3, 2, 32), BINDING)
        with pytest.raises(GalleryError, match=r"of lengths \[16, 32\] cannot be compared"):
            import_writers(target, export)
        assert len(target) == 1
    infinite = stored(5, 2, 16)
    infinite[1].features[3] = np.inf
    with pytest.raises(GalleryError, match="not finite cannot be compared"):
        gallery.enroll("Eve", infinite, BINDING)
    assert "Eve" not in gallery
