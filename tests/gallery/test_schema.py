"""Older files are brought up to date; foreign objects and huge values are refused."""

from __future__ import annotations

import lzma
import sqlite3
import threading
import unicodedata
from pathlib import Path

import pytest

from sigkd.errors import GalleryError, PassphraseError
from sigkd.gallery import Gallery
from sigkd.gallery.maintenance import check
from sigkd.gallery.schema import SCHEMA_VERSION, version_of
from sigkd.gallery.templates import load_pool
from tests.gallery.conftest import BINDING, stored

OLD = Path(__file__).parent / "old"
"""Galleries that older versions of the program wrote: Ada with 3 references, Bob with 2, Cleo removed."""


def old_gallery(name: str, path: Path) -> Path:
    path.write_bytes(lzma.decompress((OLD / f"{name}.sigkd.xz").read_bytes()))
    return path


def _examine(gallery: Gallery) -> None:
    health = check(gallery)
    assert (health.problems, health.writers, health.references) == ([], 2, 5)
    assert [one.action for one in gallery.entries()] == ["create", *["enroll"] * 3, "remove", "migrate"]
    assert [one.image for one in gallery.references("Bob", images=True)] == [b"image 2 0", b"image 2 1"]
    assert gallery.references("Ada")[0].features.shape == (8,)


@pytest.mark.parametrize(("version", "pooled"), [(1, 0), (2, 4), (3, 4)])
def test_older_versions_are_migrated(tmp_path: Path, version: int, pooled: int) -> None:
    path = old_gallery(f"version_{version}_plain", tmp_path / "g.sigkd")
    with Gallery(path) as gallery:
        assert version_of(gallery.connection) == SCHEMA_VERSION
        _examine(gallery)
        assert len(load_pool(gallery)[1]) == pooled
        gallery.enroll("Dora", stored(4, 3, 8), BINDING)
        assert len(load_pool(gallery)[1]) == pooled + 2
    with Gallery(path) as gallery:
        assert not check(gallery).problems and len(gallery) == 3


def test_an_older_encrypted_gallery(tmp_path: Path) -> None:
    """Its passphrase was taken as the keyboard sent it, decomposed, and its log was chained over sealed entries."""
    path = old_gallery("version_2_encrypted", tmp_path / "g.sigkd")
    with pytest.raises(PassphraseError):
        Gallery(path, passphrase="cle secrete")
    with Gallery(path, passphrase=unicodedata.normalize("NFC", "clé secrète")) as gallery:
        _examine(gallery)
    with Gallery(path, passphrase=unicodedata.normalize("NFD", "clé secrète")) as gallery:
        assert gallery.encrypted


def test_an_older_gallery_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    path = old_gallery("version_2_plain", tmp_path / "g.sigkd")
    path.chmod(0o400)
    content = path.read_bytes()
    with Gallery(path) as gallery:
        _examine(gallery)
    assert path.read_bytes() == content


def test_processes_that_migrate_at_once(tmp_path: Path) -> None:
    path = old_gallery("version_2_plain", tmp_path / "g.sigkd")
    failures: list[Exception] = []

    def work() -> None:
        try:
            Gallery(path).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Gallery(path) as gallery:
        _examine(gallery)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, i AS value FROM n"


@pytest.mark.parametrize(
    "script",
    [
        f"ALTER TABLE meta RENAME TO m; CREATE VIEW meta AS {ENDLESS};",
        f"ALTER TABLE audit RENAME TO a; CREATE VIEW audit AS {ENDLESS};",
        f"CREATE VIEW extra AS {ENDLESS};",
        "DROP TRIGGER audit_no_update; CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT 1; END;",
        "DROP TRIGGER audit_no_delete;",
        "CREATE TRIGGER copy AFTER INSERT ON reference BEGIN DELETE FROM writer; END;",
        "CREATE TABLE extra (a);",
        "CREATE INDEX extra ON writer (name);",
        "DROP INDEX reference_pooled;",
        "ALTER TABLE template ADD COLUMN extra;",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_master SELECT * FROM sqlite_master WHERE name = 'meta';",
    ],
)
def test_foreign_objects_are_refused(gallery: Gallery, script: str) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    gallery.close()
    connection = sqlite3.connect(gallery.path)
    connection.executescript(script)
    connection.commit()
    connection.close()
    for read_only in (False, True):
        with pytest.raises(GalleryError, match="restore a backup"):
            Gallery(gallery.path, read_only=read_only)


def test_huge_values_are_not_read(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    gallery.close()
    connection = sqlite3.connect(gallery.path)
    connection.execute("UPDATE reference SET facts = zeroblob(200000000) WHERE id = 1")
    connection.commit()
    connection.close()
    with Gallery(gallery.path) as again:
        with pytest.raises(GalleryError, match="more than 64 MiB"):
            again.references("Ada")
        assert "more than 64 MiB" in check(again).problems[0]


def test_huge_images_are_not_kept(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="`keep_images`"):
        gallery.enroll("Ada", stored(1, 1, image=bytes(65 * 2**20)), BINDING)
    assert "Ada" not in gallery
