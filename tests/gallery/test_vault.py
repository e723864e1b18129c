"""Encryption at rest, rekeying, moving between galleries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import GalleryError, PassphraseError, UsageError
from sigkd.gallery import Gallery, vault
from sigkd.gallery.maintenance import check, rekey_model, rekey_passphrase
from sigkd.gallery.transfer import export_writers, import_writers
from sigkd.models.binding import Binding
from tests.gallery.conftest import BINDING, stored


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
        with pytest.raises(GalleryError, match="changed or moved"):
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

        def extract(images: list[bytes]) -> np.ndarray:
            seen.extend(images)
            return np.full((len(images), 32), 2.0, np.float32)

        assert rekey_model(gallery, other, extract) == 5
        assert gallery.binding == other
        assert set(seen) == {b"an image's content", b"another image"}
        assert np.array_equal(gallery.references("Bob")[1].features, np.full(32, 2.0))
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
