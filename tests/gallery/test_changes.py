"""Renaming, forgetting one reference, notes and flags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import AlreadyEnrolledError, GalleryError, NotEnrolledError, UsageError
from sigkd.gallery import Gallery, vault
from sigkd.gallery.changes import notes_of, remove_reference, rename_writer, write_notes
from sigkd.gallery.maintenance import check, rekey_passphrase
from sigkd.gallery.results import list_writers, show_writer

from .conftest import BINDING, stored


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)
    with Gallery.create(tmp_path / "g.sigkd", passphrase="open sesame") as store:
        store.enroll("Ada", stored(0, 3), BINDING)
        store.enroll("Bob", stored(1, 2), BINDING)
        yield store


def test_a_renamed_writer_is_the_same_writer(gallery) -> None:
    before = gallery.references("Ada")
    rename_writer(gallery, "Ada", "Ada Lovelace", actor="x")
    after = gallery.references("Ada Lovelace")
    assert all(np.array_equal(one.features, two.features) for one, two in zip(before, after, strict=True))
    assert "Ada" not in gallery and [one.name for one in gallery.writers()] == ["Ada Lovelace", "Bob"]
    assert check(gallery).problems == []
    assert gallery.entries("Ada")[-1].detail["to"] == gallery.subject("Ada Lovelace").hex()
    with pytest.raises(AlreadyEnrolledError):
        rename_writer(gallery, "Ada Lovelace", "Bob")
    with pytest.raises(NotEnrolledError):
        rename_writer(gallery, "Ada", "Eve")
    assert b"Ada" not in gallery.path.read_bytes()


def test_one_reference_is_forgotten(gallery) -> None:
    kept = gallery.references("Ada")
    assert all(one.added_at for one in kept)
    assert remove_reference(gallery, "Ada", "2")
    left = gallery.references("Ada")
    assert [one.digest for one in left] == [kept[0].digest, kept[2].digest]
    assert check(gallery).problems == [] and gallery.entries("Ada")[-1].detail["of"] == 2
    remove_reference(gallery, "Ada", left[1].name)
    with pytest.raises(GalleryError, match="the last reference"):
        remove_reference(gallery, "Ada", "1")
    with pytest.raises(GalleryError, match="by number"):
        remove_reference(gallery, "Bob", "no such")
    gallery.enroll("Ada", stored(9, 1), BINDING, mode="add")
    assert len(gallery.references("Ada")) == 2 and check(gallery).problems == []


def test_notes_go_with_their_writer(gallery) -> None:
    write_notes(gallery, "Ada", note="left hand since May")
    write_notes(gallery, "Ada", flag="cheque book stolen")
    write_notes(gallery, "Bob", note="x")
    write_notes(gallery, "Bob", note="")
    shown = show_writer(gallery, "Ada").writer
    assert (shown.note, shown.flag) == ("left hand since May", "cheque book stolen")
    assert [one.name for one in list_writers(gallery, flagged=True).writers] == ["Ada"]
    assert [one.name for one in list_writers(gallery, "b").writers] == ["Bob"]
    assert [one.name for one in list_writers(gallery, "A*").writers] == ["Ada"]
    assert not any("stolen" in str(entry) for entry in gallery.entries())
    rename_writer(gallery, "Ada", "Eve")
    rekey_passphrase(gallery, "another one")
    assert notes_of(gallery, "Eve").note == "left hand since May" and check(gallery).problems == []
    rekey_passphrase(gallery, None)
    assert b"stolen" in gallery.path.read_bytes()
    gallery.remove("Eve")
    assert b"stolen" not in gallery.path.read_bytes() and check(gallery).problems == []
    with pytest.raises(UsageError, match="at most"):
        write_notes(gallery, "Bob", note="x" * 3000)
