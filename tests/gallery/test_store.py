"""Enrolling, finding, forgetting."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import AlreadyEnrolledError, GalleryError, NotEnrolledError, UsageError
from sigkd.gallery import Gallery
from sigkd.gallery.templates import keep_template, load_pool, load_template
from sigkd.models.binding import Binding
from tests.gallery.conftest import BINDING, stored


def test_round_trip(gallery: Gallery) -> None:
    references = stored(1)
    gallery.enroll("Ada", references, BINDING)
    again = gallery.references("Ada")
    assert [one.name for one in again] == [one.name for one in references]
    assert np.allclose([one.features for one in again], [one.features for one in references], rtol=1e-3)
    assert again[0].ink == references[0].ink
    assert gallery.binding == BINDING
    assert "Ada" in gallery and "Bob" not in gallery and len(gallery) == 1


def test_large_features_keep_their_precision(gallery: Gallery) -> None:
    references = stored(1)
    object.__setattr__(references[0], "features", references[0].features * 1e6)
    gallery.enroll("Ada", references, BINDING)
    assert np.array_equal(gallery.references("Ada")[0].features, references[0].features)


def test_modes(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1, 2), BINDING)
    with pytest.raises(AlreadyEnrolledError, match="`mode='add'`"):
        gallery.enroll("Ada", stored(2), BINDING)
    gallery.enroll("Ada", stored(2, 3), BINDING, mode="add")
    assert gallery.writers("Ada")[0].references == 5
    gallery.enroll("Ada", stored(3, 1), BINDING, mode="replace")
    assert [one.name for one in gallery.references("Ada")] == ["3-0.png"]


def test_a_batch_is_all_or_nothing(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    with pytest.raises(GalleryError):
        gallery.enroll_many([("Bob", stored(2)), ("Ada", stored(3))], BINDING)
    assert "Bob" not in gallery


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "a\nb", "x" * 201])
def test_bad_names(gallery: Gallery, name: str) -> None:
    with pytest.raises(UsageError):
        gallery.enroll(name, stored(1), BINDING)


def test_names_are_found_in_any_unicode_form(gallery: Gallery) -> None:
    gallery.enroll("Zoe\u0301", stored(1), BINDING)
    assert "Zo\u00e9" in gallery


@pytest.mark.parametrize(
    "other",
    [
        Binding("ff" * 32, "1", (952, 1360), "other"),
        Binding("ab" * 32, "2", (952, 1360)),
        Binding("ab" * 32, "1", (1, 2)),
    ],
)
def test_another_model_is_refused_with_the_remedy(gallery: Gallery, other: Binding) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    with pytest.raises(GalleryError, match="gallery rekey --model"):
        gallery.enroll("Bob", stored(2), other)


def _pieces(blob: bytes) -> list[bytes]:
    return [blob[start : start + 48] for start in range(0, len(blob) - 48, 48)]


def _present(path: Path, pieces: list[bytes]) -> int:
    files = [path, Path(f"{path}-wal"), Path(f"{path}-journal")]
    content = b"".join(file.read_bytes() for file in files if file.exists())
    return sum(piece in content for piece in pieces)


def test_removal_erases_the_bytes(gallery: Gallery) -> None:
    image = np.random.default_rng(0).integers(1, 255, 20_000, np.uint8).tobytes()
    for number in range(12):
        gallery.enroll(f"writer {number}", stored(number, 3, 2048, image if number == 5 else None), BINDING)
    keep_template_of(gallery, "writer 5")
    target = gallery.references("writer 5", images=True)
    pieces = [piece for one in target for piece in _pieces(one.features.astype("<f2").tobytes())] + _pieces(image)
    pieces += [b"writer 5", target[0].digest.encode()]
    gallery.erase()
    assert _present(gallery.path, pieces) > 0.9 * len(pieces)
    assert gallery.remove("writer 5")
    assert _present(gallery.path, pieces) == 0
    assert len(gallery) == 11
    for absent in (gallery.remove, gallery.row, gallery.state, gallery.references, gallery.writers):
        with pytest.raises(NotEnrolledError, match="'writer 5' is not enrolled"):
            absent("writer 5")


def keep_template_of(gallery: Gallery, name: str) -> None:
    with gallery.writing():
        keep_template(gallery, name, "wd", "cohort:x", {"rows": np.arange(5), "intercept": np.ones(2)})


def test_removal_says_when_another_process_still_reads(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    gallery.connection.execute("PRAGMA busy_timeout = 50")
    reader = sqlite3.connect(gallery.path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM writer").fetchone()
    assert gallery.remove("Ada") is False
    reader.close()
    assert gallery.erase() is True


def test_templates_belong_to_their_negatives(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    keep_template_of(gallery, "Ada")
    kept = load_template(gallery, "Ada", "wd", "cohort:x")
    assert kept is not None and np.array_equal(kept["rows"], np.arange(5))
    assert load_template(gallery, "Ada", "wd", "cohort:y") is None
    gallery.enroll("Ada", stored(2), BINDING, mode="add")
    assert load_template(gallery, "Ada", "wd", "cohort:x") is None


def test_the_pool_follows_enrolments_and_removals(gallery: Gallery) -> None:
    states = []
    for number in range(3):
        gallery.enroll(f"w{number}", stored(number), BINDING)
        states.append(load_pool(gallery)[0])
    _, subjects, features = load_pool(gallery)
    assert features.shape == (6, 64) and len(set(subjects)) == 3
    gallery.remove("w1")
    states.append(load_pool(gallery)[0])
    assert len(set(states)) == 4
    assert load_pool(gallery)[2].shape == (4, 64)


def test_private_by_default(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    for file in gallery.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert gallery.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert gallery.connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert gallery.connection.execute("PRAGMA secure_delete").fetchone()[0] == 1
