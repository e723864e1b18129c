"""Decisions about answers: kept in the log, by several people at once, and not to be changed behind its back."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import ConflictError, GalleryError, PassphraseError, UsageError
from sigkd.gallery import Gallery, vault
from sigkd.gallery.changes import rename_writer
from sigkd.gallery.maintenance import check, rekey_passphrase
from sigkd.gallery.reviews import Reviews, Standing, Wanted, day
from tests.gallery.conftest import BINDING, stored


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)


def answer(gallery: Gallery, name: str, decision: str, query: int = 0, **more: object) -> int:
    """Log an answer and return its number."""
    with gallery.writing():
        detail = {"decision": decision, "query": f"{query:016x}", "remarks": [], **more}
        gallery.log("asker", "verify", name, detail)
    return gallery.entries()[-1].number


@pytest.fixture
def filled(gallery: Gallery) -> Gallery:
    gallery.enroll("Ada Lovelace", stored(1), BINDING)
    gallery.enroll("Bob", stored(2), BINDING)
    return gallery


def test_what_is_listed(filled: Gallery) -> None:
    doubtful = answer(filled, "Bob", "inconclusive", 1)
    copy = answer(filled, "Bob", "suspected copy", 2)
    every = answer(filled, "Ada Lovelace", "accepted", 3, sample=1.0)
    never = answer(filled, "Ada Lovelace", "rejected", 4, sample=0.0)
    refused = answer(filled, "Ada Lovelace", "refused", 5)
    total, found = Reviews(filled).page()
    assert total == 3 and [one.entry for one in found] == [doubtful, copy, every]
    assert [one.listed for one in found] == ["inconclusive", "suspected copy", "sample"]
    everything = Reviews(filled).page(Wanted(everything=True))[1]
    assert [one.entry for one in everything] == [doubtful, copy, every, never, refused]
    with pytest.raises(UsageError, match="entry 1 of the log is no verification"):
        Reviews(filled).get(1)


def test_pages_and_filters(filled: Gallery) -> None:
    numbers = [answer(filled, ("Bob", "Ada Lovelace")[n % 2], "inconclusive", n) for n in range(7)]
    reviews = Reviews(filled)
    reviews.decide(numbers[0], "genuine", reason="x", by="eve")
    assert [one.entry for one in reviews.page(offset=2, limit=3)[1]] == numbers[3:6]
    assert reviews.page(offset=2, limit=3)[0] == 6
    assert [one.entry for one in reviews.page(Wanted(writer="Ada Lovelace"))[1]] == numbers[1::2]
    assert [one.entry for one in reviews.page(Wanted([Standing.DECIDED.value]))[1]] == numbers[:1]
    assert reviews.page(Wanted(answers=["rejected"]))[0] == 0
    assert reviews.tallies() == {"open": 6, "second person": 0, "disputed": 0, "decided": 1}
    today = filled.entries()[-1].at[:10]
    assert reviews.page(Wanted(since=day(today), until=day(today, end=True)))[0] == 6
    assert reviews.page(Wanted(until=day(today)))[0] == 0 and reviews.page(Wanted(since=day(today, end=True)))[0] == 0
    with pytest.raises(UsageError, match="is no day"):
        day("yesterday")
    with pytest.raises(UsageError, match="is no day"):
        day("9999-12-31", end=True)


def test_the_sample_is_drawn_by_chance_and_the_same_for_everybody(filled: Gallery) -> None:
    with filled.writing():
        for number in range(1000):
            detail = {"decision": "accepted", "query": f"{number:016x}", "remarks": [], "sample": 0.1}
            filled.log("asker", "verify", "Bob", detail)
    drawn = [one.entry for one in Reviews(filled).page()[1]]
    assert 60 < len(drawn) < 145  # 100, and four standard deviations
    with Gallery(filled.path) as other:
        assert [one.entry for one in Reviews(other).page()[1]] == drawn
    gaps = np.diff(drawn)
    assert gaps.min() < 4 and gaps.max() > 20  # not every tenth


def test_whoever_asks_again_does_not_choose_the_sample(filled: Gallery) -> None:
    answer(filled, "Bob", "accepted", 7, sample=0.0)
    again = {"remarks": ["repeated"], "sample": 1.0}
    assert Reviews(filled).get(answer(filled, "Bob", "accepted", 7, **again)).listed == ""
    assert Reviews(filled).get(answer(filled, "Bob", "inconclusive", 7, **again)).listed == "inconclusive"


def test_one_person_decides_and_nothing_is_overwritten(filled: Gallery) -> None:
    entry = answer(filled, "Ada Lovelace", "inconclusive")
    reviews = Reviews(filled)
    done = reviews.decide(entry, "forgery", reason="slow  strokes,\nno pressure", by="Eve")
    assert (done.standing, done.outcome) == (Standing.DECIDED, "forgery")
    assert done.opinions[0].reason == "slow strokes, no pressure"
    with pytest.raises(ConflictError, match=f"Eve decided 'forgery' .*`seen={done.seen}`"):
        reviews.decide(entry, "genuine", reason="x", by="Bill")
    changed = reviews.decide(entry, "genuine", reason="the client came", by="eve", seen=done.seen)
    assert (changed.standing, changed.outcome, len(changed.opinions)) == (Standing.DECIDED, "genuine", 2)
    other = reviews.decide(entry, "forgery", reason="no", by="Bill", seen=changed.seen)
    assert (other.standing, other.outcome) == (Standing.DISPUTED, None)
    third = reviews.decide(entry, "genuine", reason="yes", by="Carl")
    assert (third.standing, third.outcome) == (Standing.DECIDED, "genuine")
    assert [one.outcome for one in third.opinions] == ["forgery", "genuine", "forgery", "genuine"]
    assert check(filled).problems == []


def test_four_eyes_are_those_of_two_people(filled: Gallery) -> None:
    entry, reviews = answer(filled, "Bob", "inconclusive"), Reviews(filled)
    first = reviews.decide(entry, "genuine", reason="x", by="Eve", people=2)
    assert first.standing is Standing.SECOND
    with pytest.raises(ConflictError, match="Eve decided"):
        reviews.decide(entry, "genuine", reason="x", by=" EVE", people=2)
    reviews.decide(entry, "genuine", reason="x", by="EVE", people=2, seen=first.seen)
    assert reviews.get(entry).standing is Standing.SECOND
    assert reviews.decide(entry, "forgery", reason="x", by="Bill", people=2).standing is Standing.DISPUTED
    assert reviews.decide(entry, "forgery", reason="x", by="Carl", people=2).outcome == "forgery"


@pytest.mark.parametrize(
    ("entry", "change", "said"),
    [
        (3, {"outcome": "fake"}, "unknown outcome"),
        (3, {"reason": "  "}, "`reason` has 1 to"),
        (3, {"reason": "x" * 3000}, "`reason` has 1 to"),
        (3, {"reason": "not like Ada  LOVELACE's"}, "names the writer"),
        (2, {}, "is no verification"),
        (99, {}, "is no verification"),
    ],
)
def test_what_is_no_decision(gallery: Gallery, entry: int, change: dict[str, str], said: str) -> None:
    gallery.enroll("Ada Lovelace", stored(1), BINDING)
    assert answer(gallery, "Ada Lovelace", "inconclusive") == 3
    with pytest.raises(UsageError, match=said):
        Reviews(gallery).decide(entry, **{"outcome": "genuine", "reason": "x", **change})
    assert len(gallery.entries()) == 3


def test_of_two_reviewers_at_once_one_is_told(filled: Gallery) -> None:
    """Both saw the open entry; each has a connection and a thread of its own."""
    entry = answer(filled, "Bob", "inconclusive")
    seen = Reviews(filled).get(entry).seen
    done: list[str] = []
    start = threading.Barrier(2)

    def decide(who: str) -> None:
        with Gallery(filled.path) as own:
            reviews = Reviews(own)
            start.wait()
            try:
                reviews.decide(entry, "genuine", reason="x", by=who, seen=seen)
                done.append("decided")
            except ConflictError as error:
                done.append(str(error))

    threads = [threading.Thread(target=decide, args=(who,)) for who in ("Eve", "Bill")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    refused = [text for text in done if text != "decided"]
    assert len(done) == 2 and len(refused) == 1 and "read it again" in refused[0]
    assert len(Reviews(filled).get(entry).opinions) == 1 and check(filled).problems == []


def _decided(path: Path, passphrase: str | None = None) -> int:
    with Gallery.create(path, passphrase=passphrase, actor="tester") as gallery:
        gallery.enroll("Ada Lovelace", stored(1), BINDING)
        entry = answer(gallery, "Ada Lovelace", "inconclusive")
        Reviews(gallery).decide(entry, "forgery", reason="slow strokes", by="Eve Adams")
    return entry


@pytest.mark.parametrize("passphrase", [None, "pass"])
@pytest.mark.parametrize("change", ["forged", "gone", "cut off", "moved"])
def test_a_changed_decision_is_found(tmp_path: Path, change: str, passphrase: str | None) -> None:
    entry = _decided(tmp_path / "g", passphrase)
    connection = sqlite3.connect(tmp_path / "g")
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'")
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f"DROP TRIGGER {name}")
    if change == "forged":
        (content,) = connection.execute("SELECT entry FROM audit WHERE id = 4").fetchone()
        new = content.replace(b"forgery", b"genuine") if passphrase is None else content[:-1] + b"x"
        connection.execute("UPDATE audit SET entry = ? WHERE id = 4", (new,))
    elif change == "gone":
        connection.execute("DELETE FROM audit WHERE id = 3")
        connection.execute("UPDATE audit SET id = 3 WHERE id = 4")
    elif change == "cut off":
        connection.execute("DELETE FROM audit WHERE id = 4")
    else:
        connection.execute("UPDATE audit SET at = '2020-01-01T00:00:00.000+00:00' WHERE id = 4")
    for _, definition in kept:
        connection.execute(definition)
    connection.commit()
    connection.close()
    with Gallery(tmp_path / "g", passphrase=passphrase) as gallery:
        assert check(gallery).problems
        with pytest.raises(GalleryError):
            Reviews(gallery).get(entry)


def test_a_decision_about_nothing_is_found(filled: Gallery) -> None:
    with filled.writing():
        filled.log("Eve", "review", detail={"entry": 2, "outcome": "genuine", "reason": "x", "people": 1})
    assert any("reviews no verification" in one for one in check(filled).problems)
    with pytest.raises(GalleryError, match="reviews no verification"):
        Reviews(filled).page()


def test_names_and_reasons_are_sealed_and_outlive_a_change_of_the_passphrase(tmp_path: Path) -> None:
    entry = _decided(tmp_path / "g", "pass")
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("g*"))
    assert not any(word in raw for word in (b"Eve Adams", b"slow strokes", b"forgery"))
    with Gallery(tmp_path / "g", passphrase="pass") as gallery:
        before, reviews = Reviews(gallery).get(entry), Reviews(gallery)
        with Gallery(tmp_path / "g", passphrase="pass") as other:
            rekey_passphrase(other, "new")
        with pytest.raises(PassphraseError):
            reviews.page()
    with Gallery(tmp_path / "g", passphrase="new") as gallery:
        assert Reviews(gallery).get(entry) == before and check(gallery).problems == []


def test_a_renamed_writer_keeps_reviews_and_a_removed_one_loses_the_name(filled: Gallery) -> None:
    entry, reviews = answer(filled, "Ada Lovelace", "inconclusive"), Reviews(filled)
    rename_writer(filled, "Ada Lovelace", "Ada King")
    assert reviews.get(entry).writer == "Ada King"
    reviews.decide(entry, "genuine", reason="x", by="Eve")
    assert [one.action for one in filled.entries("Ada King")] == ["rename", "review"]
    filled.enroll("Ada Lovelace", stored(3), BINDING)
    assert reviews.get(entry).writer == "Ada King" and reviews.page(Wanted((), writer="Ada King"))[0] == 1
    filled.remove("Ada King")
    filled.enroll("Ada King", stored(4), BINDING)  # somebody else of this name
    found = reviews.get(entry)
    assert found.writer is None and found.outcome == "genuine" and check(filled).problems == []
    assert reviews.decide(entry, "forgery", reason="y", by="Bill", seen=found.seen).standing is Standing.DISPUTED


def test_without_a_log_there_are_no_decisions(filled: Gallery) -> None:
    entry = answer(filled, "Bob", "inconclusive")
    filled.switch_log("off")
    with pytest.raises(GalleryError, match="its log is switched off"):
        Reviews(filled).decide(entry, "genuine", reason="x")
    assert Reviews(filled).get(entry).standing is Standing.OPEN
