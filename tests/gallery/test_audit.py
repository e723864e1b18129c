"""The log: complete, append-only, nameless."""

from __future__ import annotations

import sqlite3

import pytest

from sigkd.errors import GalleryError
from sigkd.gallery import Gallery
from sigkd.gallery.audit import follow
from sigkd.gallery.maintenance import check
from tests.gallery.conftest import BINDING, stored


def test_enrolments_and_removals_are_logged(gallery: Gallery) -> None:
    gallery.enroll("Ada Lovelace", stored(1), BINDING, actor="clerk")
    gallery.remove("Ada Lovelace", actor="officer")
    entries = gallery.entries()
    assert [(one.actor, one.action) for one in entries] == [
        ("tester", "create"),
        ("clerk", "enroll"),
        ("officer", "remove"),
    ]
    assert [one.action for one in gallery.entries("Ada Lovelace")] == ["enroll", "remove"]
    assert gallery.entries(last=1)[0].action == "remove"
    assert all("Lovelace" not in str(one) for one in entries)
    assert all("features" not in str(one.detail) for one in entries)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM audit", "UPDATE audit SET at = 'never'", "REPLACE INTO audit VALUES (1, '', '', '')"]
)
def test_append_only(gallery: Gallery, statement: str) -> None:
    gallery.connection.execute("PRAGMA recursive_triggers = ON")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        gallery.connection.execute(statement)


def test_a_changed_entry_breaks_the_chain(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1), BINDING)
    assert len(list(follow(gallery.connection, gallery.vault, gallery.pepper))) == 2
    gallery.connection.execute("DROP TRIGGER audit_no_update")
    gallery.connection.execute("UPDATE audit SET at = '1999-01-01' WHERE id = 1")
    with pytest.raises(GalleryError, match="changed at entry 1"):
        list(follow(gallery.connection, gallery.vault, gallery.pepper))
    assert "entry 1" in " ".join(check(gallery).problems)


def test_switchable_and_the_switch_is_logged(gallery: Gallery) -> None:
    gallery.switch_log("off", actor="officer")
    gallery.enroll("Ada", stored(1), BINDING)
    gallery.switch_log("on", actor="officer")
    gallery.enroll("Bob", stored(2), BINDING)
    assert [one.action for one in gallery.entries()] == ["create", "audit", "audit", "enroll"]


def test_a_gallery_without_log(tmp_path) -> None:
    with Gallery.create(tmp_path / "g", log=False) as gallery:
        gallery.enroll("Ada", stored(1), BINDING)
        assert gallery.entries() == []
        assert not check(gallery).problems
