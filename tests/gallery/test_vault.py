"""Encryption at rest, rekeying, moving between galleries."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import GalleryError, PassphraseError, UsageError
from sigkd.gallery import Gallery, StoredReference, audit, vault
from sigkd.gallery.maintenance import check, rekey_model, rekey_passphrase
from sigkd.gallery.transfer import export_writers, import_writers
from sigkd.models.binding import Binding
from tests.gallery.conftest import BINDING, INK, stored


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)


def _filled(path: Path, passphrase: str | None) -> Gallery:
    gallery = Gallery.create(path, passphrase=passphrase, actor="tester")
    gallery.enroll("Ada Lovelace", stored(1, 3, 512, b"an image's content"), BINDING)
    gallery.enroll("Bob", stored(2, 2, 512, b"another image"), BINDING)
    return gallery


def _content(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (path, Path(f"{path}-wal")) if file.exists())


def test_nothing_of_a_person_is_readable(tmp_path: Path) -> None:
    secret = _filled(tmp_path / "secret", "pass word")
    plain = _filled(tmp_path / "plain", None)
    features = stored(1, 3, 512)[0].features.astype("<f2").tobytes()
    for needle in (b"Lovelace", b"an image's content", b"1-0.png", features[:64], b'"action"'):
        assert needle in _content(plain.path)
        assert needle not in _content(secret.path)
    assert secret.references("Ada Lovelace", images=True)[0].image == b"an image's content"
    assert not check(secret).problems
    secret.close()
    plain.close()


def test_wrong_or_no_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "g"
    _filled(path, "right").close()
    with pytest.raises(PassphraseError, match=r"g: wrong passphrase$"):
        Gallery(path, passphrase="wrong")
    with pytest.raises(PassphraseError, match="is encrypted: give its `passphrase`"):
        Gallery(path)
    with Gallery(path, passphrase="right") as gallery:
        assert len(gallery) == 2


def test_values_cannot_be_moved_between_writers(tmp_path: Path) -> None:
    with _filled(tmp_path / "g", "pass") as gallery:
        gallery.connection.execute(
            "UPDATE reference SET features = (SELECT features FROM reference WHERE writer_id = 2 AND ordinal = 1) "
            "WHERE writer_id = 1 AND ordinal = 1"
        )
        with pytest.raises(GalleryError, match="reference 1 of 'Ada Lovelace' was changed"):
            gallery.references("Ada Lovelace")
        assert check(gallery).problems


@pytest.mark.parametrize(("before", "after"), [(None, "new"), ("old", "new"), ("old", None)])
def test_rekey_passphrase(tmp_path: Path, before: str | None, after: str | None) -> None:
    path = tmp_path / "g"
    with _filled(path, before) as gallery:
        rekey_passphrase(gallery, after, actor="officer")
        assert not check(gallery).problems
        assert gallery.entries()[-1].action == "rekey"
    assert (b"Lovelace" in _content(path)) is (after is None)
    if before is not None and after is not None:
        with pytest.raises(PassphraseError, match="wrong passphrase"):
            Gallery(path, passphrase=before)
    with Gallery(path, passphrase=after) as gallery:
        assert gallery.references("Ada Lovelace", images=True)[0].image == b"an image's content"
        assert [one.action for one in gallery.entries("Bob")] == ["enroll"]
        gallery.enroll("Cleo", stored(3, 2, 512), BINDING)


def test_rekey_model(tmp_path: Path) -> None:
    other = Binding("ff" * 32, "1", (952, 1360), "other")
    with _filled(tmp_path / "g", None) as gallery:
        seen: list[bytes] = []

        def extract(kept: list[StoredReference]) -> list[StoredReference]:
            seen.extend(one.image for one in kept)
            ink = replace(INK, width=77)
            return [replace(one, features=np.full(32, 2.0, np.float32), ink=ink) for one in kept]

        assert rekey_model(gallery, other, extract) == (5, [])
        assert not check(gallery).problems
        assert gallery.binding == other
        assert set(seen) == {b"an image's content", b"another image"}
        assert np.array_equal(gallery.references("Bob")[1].features, np.full(32, 2.0))
        assert gallery.references("Bob")[1].ink.width == 77
        gallery.enroll("Cleo", stored(3, 2, 32), other)
        with pytest.raises(GalleryError, match="were not kept"):
            rekey_model(gallery, BINDING, extract)
        assert gallery.binding == other


@pytest.mark.parametrize("passphrase", [None, "pass"])
def test_export_and_import(tmp_path: Path, passphrase: str | None) -> None:
    with _filled(tmp_path / "from", passphrase) as source:
        if passphrase:
            with pytest.raises(UsageError, match="plain=True"):
                export_writers(source, tmp_path / "out.npz")
        assert export_writers(source, tmp_path / "out.npz", images=True, plain=True) == 2
        assert (tmp_path / "out.npz").stat().st_mode & 0o777 == 0o600
        with Gallery.create(tmp_path / "to", passphrase=passphrase) as target:
            assert import_writers(target, tmp_path / "out.npz") == 2
            for name in ("Ada Lovelace", "Bob"):
                for one, two in zip(
                    source.references(name, images=True), target.references(name, images=True), strict=True
                ):
                    assert np.array_equal(one.features, two.features)
                    assert (one.name, one.digest, one.ink, one.image) == (two.name, two.digest, two.ink, two.image)
            with pytest.raises(GalleryError, match="enrolled already"):
                import_writers(target, tmp_path / "out.npz")
            assert import_writers(target, tmp_path / "out.npz", mode="replace") == 2


def test_export_of_some_and_import_of_rubbish(tmp_path: Path) -> None:
    with _filled(tmp_path / "g", None) as gallery:
        export_writers(gallery, tmp_path / "bob.npz", ["Bob"])
        with np.load(tmp_path / "bob.npz", allow_pickle=False) as archive:
            assert json.loads(str(archive["metadata"]))["writers"] == ["Bob"]
            assert not len(archive["images"])
        (tmp_path / "bad.npz").write_bytes(b"rubbish")
        for bad in ("bad.npz", "absent.npz"):
            with pytest.raises(GalleryError):
                import_writers(gallery, tmp_path / bad)


def test_a_new_passphrase_costs_what_owasp_recommends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert vault.SCRYPT_N * vault.SCRYPT_R >= 2**17 * 8
    _filled(tmp_path / "g", "pass").close()
    with Gallery(tmp_path / "g", passphrase="pass") as gallery:
        header = json.loads(gallery.header)
        assert (header["n"], header["r"], header["p"]) == (2**17, 8, 1)
        assert not check(gallery).remarks


def test_a_cheaper_passphrase_still_opens_and_is_remarked_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _filled(tmp_path / "g", "pass").close()
    monkeypatch.setattr(vault, "SCRYPT_N", 2**5)
    with Gallery(tmp_path / "g", passphrase="pass") as gallery:
        assert "cheaper to guess" in check(gallery).remarks[0]
        rekey_passphrase(gallery, "pass")
        assert not check(gallery).remarks
    Gallery(tmp_path / "g", passphrase="pass").close()


@pytest.mark.parametrize(("n", "r", "p"), [(2**24, 8, 1), (2**17, 2**20, 1), (2**14, 8, 99), (3, 8, 1), (0, 8, 1)])
def test_a_header_cannot_ask_for_all_the_memory(tmp_path: Path, n: int, r: int, p: int) -> None:
    with _filled(tmp_path / "g", "pass") as gallery:
        header = {**json.loads(gallery.header), "n": n, "r": r, "p": p}
    with pytest.raises(GalleryError, match="header is damaged"):
        vault.unlock(json.dumps(header), "pass", gallery.id, "g")


@pytest.mark.parametrize(("made", "typed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_passphrase_is_the_same_from_every_keyboard(tmp_path: Path, made: str, typed: str) -> None:
    _filled(tmp_path / "g", unicodedata.normalize(made, "clé à molette")).close()
    Gallery(tmp_path / "g", passphrase=unicodedata.normalize(typed, "clé à molette")).close()


@pytest.mark.parametrize("blank", ["", " ", "\t \u00a0"])
def test_a_blank_passphrase_is_refused(tmp_path: Path, blank: str) -> None:
    with pytest.raises(UsageError, match="blank"):
        Gallery.create(tmp_path / "g", passphrase=blank)
    assert not (tmp_path / "g").exists()
    with _filled(tmp_path / "plain", None) as gallery, pytest.raises(UsageError, match="blank"):
        rekey_passphrase(gallery, blank)


def test_a_passphrase_for_a_plain_gallery_is_refused(tmp_path: Path) -> None:
    _filled(tmp_path / "g", None).close()
    for opening in (Gallery, Gallery.create):
        with pytest.raises(PassphraseError, match="is not encrypted"):
            opening(tmp_path / "g", passphrase="pass")
    Gallery(tmp_path / "g").close()


_RACE = """
import sys
from pathlib import Path
from sigkd.errors import PassphraseError
from sigkd.gallery import Gallery, audit, vault
from tests.gallery.conftest import BINDING, stored
vault.SCRYPT_N = 2**4
secret = sys.argv[2] or None
try:
    with Gallery.create(Path(sys.argv[1]), passphrase=secret) as gallery:
        gallery.enroll(f"writer of {secret}", stored(1), BINDING)
except PassphraseError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("round", range(3))
def test_encrypted_beside_plain_enrolments(tmp_path: Path, round: int) -> None:
    """One of two racing processes makes the gallery; the other may not write into one of the other kind."""
    command = [sys.executable, "-c", _RACE, str(tmp_path / "g")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    both = [
        subprocess.Popen([*command, secret], env=environment, stderr=subprocess.PIPE, text=True)
        for secret in ("pass", "")
    ]
    words = [one.communicate(timeout=60)[1] for one in both]
    assert sorted(bool(one.returncode) for one in both) == [False, True], words
    with Gallery(tmp_path / "g", passphrase=None if both[0].returncode else "pass") as gallery:
        assert len(gallery) == 1
        expected = "is encrypted" if gallery.encrypted else "is not encrypted"
    assert expected in "".join(words)


@pytest.mark.parametrize(("before", "after"), [(None, "new"), ("old", "new"), ("old", None)])
def test_an_open_handle_stops_after_a_rekey(tmp_path: Path, before: str | None, after: str | None) -> None:
    path = tmp_path / "g"
    with _filled(path, before) as handle:
        with Gallery(path, passphrase=before) as other:
            rekey_passphrase(other, after)
        content = _content(path)
        for use in (
            lambda: handle.enroll("Dora", stored(4, 2, 512), BINDING),
            lambda: handle.references("Bob"),
            lambda: handle.remove("Bob"),
            handle.writers,
            handle.entries,
            lambda: rekey_passphrase(handle, "third"),
        ):
            with pytest.raises(PassphraseError, match="open it again"):
                use()
        assert _content(path) == content
    with Gallery(path, passphrase=after) as gallery:
        gallery.enroll("Dora", stored(4, 2, 512), BINDING)
        assert [one.name for one in gallery.writers()] == ["Ada Lovelace", "Bob", "Dora"]
        assert not check(gallery).problems


def _secrets() -> list[bytes]:
    return [b"Lovelace", b"an image's content", b"1-0.png", stored(1, 3, 512)[0].features.astype("<f2").tobytes()[:64]]


def test_rekey_says_what_a_reader_keeps(tmp_path: Path) -> None:
    path = tmp_path / "g"
    with _filled(path, None) as gallery:
        gallery.connection.execute("PRAGMA busy_timeout = 50")
        reader = sqlite3.connect(path)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM writer").fetchone()
        left = rekey_passphrase(gallery, "pass")
        assert len(left) == 1 and "another process reads" in left[0]
        assert any(secret in _content(path) for secret in _secrets())
        assert "another process reads" in " ".join(check(gallery).remarks)
        reader.close()
        assert not check(gallery).remarks
        assert not any(secret in _content(path) for secret in _secrets())


def test_rekey_without_room_to_rebuild_is_done_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "g"
    with _filled(path, None) as gallery:
        gallery.connection.set_authorizer(  # VACUUM attaches a database: refused, it fails as on a full disk
            lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK
        )
        left = rekey_passphrase(gallery, "pass")
        gallery.connection.set_authorizer(None)
        assert len(left) == 1 and "the change is kept" in left[0]
        assert not any(secret in _content(path) for secret in _secrets())  # secure_delete overwrote them all the same
    Gallery(path, passphrase="pass").close()


def test_rekey_without_room_at_all_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g"
    with _filled(path, None) as gallery:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6, 1000))
        with pytest.raises(GalleryError, match="nothing was changed"):
            rekey_passphrase(gallery, "pass")
        assert not gallery.encrypted
        gallery.enroll("Dora", stored(4, 2, 512), BINDING)
    Gallery(path).close()


def test_a_rekey_that_fails_leaves_the_old_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with _filled(tmp_path / "g", "pass") as gallery:
        monkeypatch.setattr(audit, "rewrite", fail)
        with pytest.raises(GalleryError, match="nothing of this change was kept"):
            rekey_passphrase(gallery, None)
        gallery.enroll("Dora", stored(4, 2, 512), BINDING)
        assert gallery.references("Dora") and not check(gallery).problems
    Gallery(tmp_path / "g", passphrase="pass").close()
