"""What is changed, moved, lost or added behind the program's back is found: by reading it, and by the check."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigkd.errors import GalleryError, UsageError
from sigkd.gallery import Gallery, vault
from sigkd.gallery.digests import EMPTY_ROLL, digest, rolled
from sigkd.gallery.maintenance import check, rekey_passphrase
from sigkd.gallery.templates import keep_template, load_pool, load_template
from tests.gallery.conftest import BINDING, damage_is_found, stored


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)


def _filled(path: Path, passphrase: str | None = None, writers: int = 6) -> Gallery:
    gallery = Gallery.create(path, passphrase=passphrase, actor="tester")
    for number in range(writers):
        gallery.enroll(f"writer {number}", stored(number, 3, 64, bytes([number + 1]) * 300), BINDING)
        with gallery.writing():
            keep_template(gallery, f"writer {number}", "wd", "cohort:x", {"rows": np.arange(5)})
    gallery.remove("writer 2")
    return gallery


CHANGES = [
    "UPDATE reference SET features = zeroblob(129) WHERE id = 1",
    "UPDATE reference SET facts = replace(facts, 'png', 'jpg') WHERE id = 1",
    "UPDATE reference SET image = zeroblob(300) WHERE id = 1",
    "UPDATE reference SET image = NULL WHERE id = 1",
    "UPDATE reference SET pooled = 0 WHERE id = 1",
    "UPDATE reference SET ordinal = 9 WHERE id = 1",
    "UPDATE reference SET writer_id = 2, ordinal = 9 WHERE id = 1",
    "DELETE FROM reference WHERE id = 1",
    "INSERT INTO reference SELECT 99, writer_id, 9, features, facts, image, pooled, image_digest, digest "
    "FROM reference WHERE id = 1",
    "UPDATE writer SET name = 'somebody else' WHERE id = 1",
    "UPDATE writer SET enrolled_at = '1999-01-01' WHERE id = 1",
    "UPDATE writer SET updated_at = '1999-01-01' WHERE id = 1",
    "UPDATE writer SET revision = 7 WHERE id = 1",
    "DELETE FROM writer WHERE id = 1",
    "UPDATE template SET arrays = zeroblob(200) WHERE writer_id = 1",
    "UPDATE template SET negatives = 'cohort:y' WHERE writer_id = 1",
    "UPDATE template SET arrays = (SELECT arrays FROM template WHERE writer_id = 2), "
    "digest = (SELECT digest FROM template WHERE writer_id = 2) WHERE writer_id = 1",
    "UPDATE meta SET value = 'off' WHERE key = 'audit'",
    "UPDATE meta SET value = value + 1 WHERE key = 'pool_version'",
    "UPDATE meta SET value = replace(value, 'tiny', 'huge') WHERE key = 'binding'",
    "UPDATE meta SET value = zeroblob(2048) WHERE key = 'roll'",
    "DELETE FROM meta WHERE key = 'head'",
    "INSERT INTO meta VALUES ('extra', 1)",
    "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE id = 8; CREATE TRIGGER audit_no_delete BEFORE DELETE ON "
    "audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "INSERT INTO audit VALUES (9, '2000-01-01', '{}', x'00')",
]


@pytest.mark.parametrize("passphrase", [None, "pass"])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_found(tmp_path: Path, change: str, passphrase: str | None) -> None:
    path = tmp_path / "g"
    with _filled(path, passphrase) as gallery:
        assert check(gallery).problems == [] and len(gallery.entries()) == 8
    damage_is_found(path, change, passphrase)


def test_changed_values_are_not_used(tmp_path: Path) -> None:
    with _filled(tmp_path / "g") as gallery:
        gallery.connection.execute("UPDATE reference SET features = zeroblob(129) WHERE writer_id = 1 AND ordinal = 1")
        gallery.connection.execute("UPDATE template SET arrays = zeroblob(200) WHERE writer_id = 2")
        gallery.connection.execute("UPDATE reference SET image = zeroblob(300) WHERE writer_id = 2 AND ordinal = 1")
        for use in (
            lambda: gallery.references("writer 0"),
            lambda: load_pool(gallery),
            lambda: load_template(gallery, "writer 1", "wd", "cohort:x"),
            lambda: gallery.references("writer 1", images=True),
        ):
            with pytest.raises(GalleryError, match="was changed: restore a backup"):
                use()
        assert len(gallery.references("writer 1")) == 3  # the image was not asked for


def _content(path: Path) -> list[str] | None:
    """Everything that the file's tables hold, but SQLite's own counter; None where SQLite cannot read them."""
    try:
        connection = sqlite3.connect(path)
        return [line for line in connection.iterdump() if "sqlite_sequence" not in line]
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, ValueError):
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_are_found(tmp_path: Path, seed: int) -> None:
    """Any bit of the file that is flipped: it changes nothing that is stored, or it is found."""
    random = np.random.default_rng(seed)
    path, damaged = tmp_path / "g", tmp_path / "damaged"
    _filled(path, writers=3).close()
    content, stored_before = path.read_bytes(), _content(path)
    found = 0
    for _ in range(100):
        flipped = bytearray(content)
        place = int(random.integers(100, len(flipped)))
        flipped[place] ^= 1 << int(random.integers(8))
        damaged.write_bytes(flipped)
        if _content(damaged) == stored_before:
            continue
        try:
            with Gallery(damaged, read_only=True) as gallery:
                assert check(gallery).problems, f"byte {place}"
        except GalleryError:
            pass
        found += 1
    assert found > 10


def test_the_log_vouches_for_the_content(tmp_path: Path) -> None:
    """Somebody who knows the file signs everything anew; the entries say what the writers were."""
    with _filled(tmp_path / "g") as gallery:
        with gallery.writing():
            gallery.connection.execute("UPDATE writer SET enrolled_at = '1999-01-01' WHERE id = 1")
            gallery.sign_writer(1)
        assert check(gallery).problems == ["writers or references were changed without an entry in the log"]


def test_a_noted_head_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "g"
    with _filled(path, "pass") as gallery:
        noted = check(gallery).log_head
        gallery.enroll("Zoe", stored(9), BINDING)
        rekey_passphrase(gallery, None)
        health = check(gallery, expect=noted[:16].upper())
        assert health.problems == [] and health.log_head != noted
        assert "unencrypted" in health.proof
        problems = check(gallery, expect="0" * 64).problems
        assert len(problems) == 1 and "since it was noted" in problems[0]
        for wrong in ("", noted[:15], "z" * 64):
            with pytest.raises(UsageError, match="`expect`"):
                check(gallery, expect=wrong)


def test_a_rewritten_log_is_found_by_a_noted_head(tmp_path: Path) -> None:
    """The keys of a plain gallery lie in it: a log that is made anew passes, but for the head that was noted."""
    path = tmp_path / "g"
    with _filled(path) as gallery:
        noted = check(gallery).log_head
    copy = tmp_path / "copy"
    with Gallery.create(copy) as forged, Gallery(path) as gallery:
        for writer in gallery.writers():
            forged.enroll(writer.name, gallery.references(writer.name), BINDING)
        assert check(forged).problems == []
        assert check(forged, expect=noted).problems


def test_a_log_that_was_off_meanwhile(tmp_path: Path) -> None:
    with _filled(tmp_path / "g") as gallery:
        gallery.switch_log("off")
        gallery.enroll("Zoe", stored(9), BINDING)
        assert check(gallery).problems == []
        gallery.switch_log("on")
        assert check(gallery).problems == []


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=6), st.randoms())
def test_the_roll_depends_on_members_only(members: list[bytes], random) -> None:
    shuffled = members.copy()
    random.shuffle(shuffled)
    roll = rolled(EMPTY_ROLL, added=members)
    assert roll == rolled(EMPTY_ROLL, added=shuffled)
    assert rolled(roll, taken=shuffled) == EMPTY_ROLL
    assert (roll == EMPTY_ROLL) == (not members)


@given(st.lists(st.one_of(st.none(), st.integers(), st.binary(max_size=4), st.text(max_size=4)), max_size=4), st.data())
def test_other_fields_have_another_digest(fields, data) -> None:
    other = data.draw(st.permutations(fields)) + data.draw(st.lists(st.none(), max_size=1))
    assert (digest(b"k", "row", *fields) == digest(b"k", "row", *other)) == (
        [(type(one), one) for one in fields] == [(type(one), one) for one in other]
    )
    assert digest(b"k", "row", b"ab", b"c") != digest(b"k", "row", b"a", b"bc")
    assert digest(b"k", "row", *fields) != digest(b"k", "other", *fields) != digest(b"l", "other", *fields)
