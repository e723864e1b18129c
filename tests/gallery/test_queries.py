"""What is kept of queries: sealed, signed, erased with their writer, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import GalleryError
from sigkd.gallery import Gallery, vault
from sigkd.gallery.maintenance import check, rekey_passphrase
from sigkd.gallery.queries import EarlierQuery, earlier_queries, keep_queries
from sigkd.gallery.transfer import export_writers, import_writers
from sigkd.images.copies import SIZE
from sigkd.images.scan_facts import pack_picture
from tests.gallery.conftest import BINDING, damage_is_found, stored


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)


def _query(seed: int, pictured: bool = True) -> EarlierQuery:
    picture = np.random.default_rng(seed).integers(0, 256, SIZE, np.uint8) if pictured else None
    return EarlierQuery(f"2026-12-01T0{seed}:00:00.000+00:00", f"{seed:064x}", picture)


def _filled(path: Path, passphrase: str | None = None) -> Gallery:
    gallery = Gallery.create(path, passphrase=passphrase, actor="tester")
    for number, name in enumerate(("Ada", "Bob")):
        gallery.enroll(name, stored(number), BINDING)
        with gallery.writing():
            keep_queries(gallery, name, [_query(2 * number + 1), _query(2 * number + 2, pictured=number == 0)])
    return gallery


def _assert_same(found: list[EarlierQuery], expected: list[EarlierQuery]) -> None:
    assert [(one.at, one.digest) for one in found] == [(one.at, one.digest) for one in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.picture, other.picture)


@pytest.mark.parametrize("passphrase", [None, "pass"])
def test_queries_come_back_in_their_order(tmp_path: Path, passphrase: str | None) -> None:
    with _filled(tmp_path / "g", passphrase) as gallery, gallery.writing():
        keep_queries(gallery, "Ada", [_query(7)])
    with Gallery(tmp_path / "g", passphrase=passphrase) as gallery:
        _assert_same(earlier_queries(gallery, "Ada"), [_query(1), _query(2), _query(7)])
        _assert_same(earlier_queries(gallery, "Bob"), [_query(3), _query(4, pictured=False)])
        health = check(gallery)
        assert (health.problems, health.queries) == ([], 5)


@pytest.mark.parametrize("passphrase", [None, "pass"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE query SET facts = zeroblob(300) WHERE id = 1",
        "UPDATE query SET facts = (SELECT facts FROM query WHERE id = 3), digest = (SELECT digest FROM query WHERE "
        "id = 3) WHERE id = 1",
        "UPDATE query SET ordinal = 9 WHERE id = 1",
        "UPDATE query SET writer_id = 2, ordinal = 9 WHERE id = 1",
        "UPDATE query SET digest = zeroblob(32) WHERE id = 1",
        "DELETE FROM query WHERE id = 1",
        "INSERT INTO query SELECT 99, writer_id, 9, facts, digest FROM query WHERE id = 1",
        "UPDATE meta SET value = zeroblob(2048) WHERE key = 'queries'",
    ],
)
def test_changes_behind_the_programs_back_are_found(tmp_path: Path, change: str, passphrase: str | None) -> None:
    _filled(tmp_path / "g", passphrase).close()
    damage_is_found(tmp_path / "g", change, passphrase)


def test_a_changed_query_is_not_used(tmp_path: Path) -> None:
    with _filled(tmp_path / "g") as gallery:
        gallery.connection.execute("UPDATE query SET facts = zeroblob(300) WHERE id = 1")
        with pytest.raises(GalleryError, match="query 1 of 'Ada' was changed"):
            earlier_queries(gallery, "Ada")
        assert len(earlier_queries(gallery, "Bob")) == 2


def _content(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_an_encrypted_gallery_tells_nothing_of_them(tmp_path: Path) -> None:
    marks = [_query(1).digest.encode(), pack_picture(_query(1).picture).encode()[1000:1048], b"T01:00:00"]
    for passphrase in (None, "pass"):
        path = tmp_path / f"g {passphrase}"
        with _filled(path, passphrase):
            assert [mark in _content(path) for mark in marks] == [passphrase is None] * 3


@pytest.mark.parametrize(("before", "after"), [(None, "new"), ("old", "new"), ("old", None)])
def test_another_passphrase_keeps_them(tmp_path: Path, before: str | None, after: str | None) -> None:
    path = tmp_path / "g"
    with _filled(path, before) as gallery:
        rekey_passphrase(gallery, after)
        assert not check(gallery).problems
    assert (_query(1).digest.encode() in _content(path)) is (after is None)
    with Gallery(path, passphrase=after) as gallery:
        _assert_same(earlier_queries(gallery, "Ada"), [_query(1), _query(2)])


def test_they_are_erased_with_their_writer(tmp_path: Path) -> None:
    with _filled(tmp_path / "g") as gallery:
        packed = pack_picture(_query(1).picture).encode()
        pieces = [packed[start : start + 48] for start in range(0, len(packed) - 48, 48)] + [_query(1).digest.encode()]
        assert any(piece in _content(gallery.path) for piece in pieces)
        assert gallery.remove("Ada")
        assert not any(piece in _content(gallery.path) for piece in pieces)
        health = check(gallery)
        assert (health.problems, health.queries) == ([], 2)
        gallery.enroll("Ada", stored(5), BINDING)  # she does not inherit them
        assert earlier_queries(gallery, "Ada") == []


def test_other_references_keep_them_and_exports_do_not(tmp_path: Path) -> None:
    with _filled(tmp_path / "g") as gallery:
        gallery.enroll("Ada", stored(5), BINDING, mode="replace")
        assert len(earlier_queries(gallery, "Ada")) == 2
        export_writers(gallery, tmp_path / "out.npz")
        with Gallery.create(tmp_path / "other") as other:
            import_writers(other, tmp_path / "out.npz")
            assert check(other).queries == 0
