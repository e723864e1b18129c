"""Figures of a gallery against numbers worked out by hand."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.gallery import Gallery, audit
from sigkd.gallery.reviews import Review, Reviews, Standing, day
from sigkd.measures import clopper_pearson_interval
from sigkd.verification.gallery_stats import gallery_stats, write_stats, wrong_share
from tests.gallery.conftest import BINDING, stored


def review(answer: str, share: float, outcome: str | None, listed: str = "sample") -> Review:
    standing = Standing.OPEN if outcome is None else Standing.DECIDED
    return Review(1, "2026-12-01", "a", "", answer, listed, share, standing, outcome, 1, (), 1, {})


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 30, 0.0, 1 - 0.025 ** (1 / 30)),
        (30, 30, 0.025 ** (1 / 30), 1.0),
        (1, 24, 1 - 0.975 ** (1 / 24), 0.2112),  # Clopper and Pearson's chart, and every table since
        (5, 50, 0.0333, 0.2181),
    ],
)
def test_the_exact_interval(successes: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_an_unweighted_share_is_wrong_by_decided() -> None:
    drawn = [review("accepted", 0.02, "forgery")] + [review("accepted", 0.02, "genuine")] * 23
    others = [review("accepted", 0.02, None, "")] * 1000 + [review("accepted", 0.02, "undecided")]
    unasked = [review("accepted", 0.02, "forgery", "")] * 5  # nobody drew them
    elsewhere = [review("rejected", 0.02, "genuine"), review("inconclusive", 1.0, "forgery", "inconclusive")]
    found = wrong_share("accepted", drawn + others + unasked + elsewhere)
    assert (found.of, found.drawn, found.decided, found.wrong) == (1030, 25, 24, 1)
    assert found.rate == pytest.approx(1 / 24) and found.few
    assert (found.low, found.high) == pytest.approx((0.00105, 0.2112), abs=5e-5)
    assert "about 4.2 % of the accepted are forgeries" in found.said and "too few" in found.said
    assert "1 to 218 of 1030" in found.said


def test_answers_of_a_smaller_sample_weigh_more() -> None:
    rare = [review("rejected", 0.1, "genuine")] + [review("rejected", 0.1, "forgery")] * 9  # stand for 10 each
    often = [review("rejected", 0.5, "forgery")] * 10  # for 2 each
    found = wrong_share("rejected", rare + often)
    assert found.rate == pytest.approx(10 / (10 * 10 + 10 * 2))
    trials = 120**2 / (10 * 10**2 + 10 * 2**2)
    assert (found.low, found.high) == pytest.approx(clopper_pearson_interval(found.rate * trials, trials))
    assert found.high > clopper_pearson_interval(1, 20)[1]  # unequal weights tell less


def test_without_decisions_nothing_is_said() -> None:
    found = wrong_share("accepted", [review("accepted", 0.02, None)] * 3)
    assert (found.rate, found.low, found.drawn) == (None, None, 3) and "nothing can be said" in found.said


def test_the_interval_covers_the_truth() -> None:
    """Of 1,000 galleries with 4 % of forgeries among the accepted, and two shares, at least 95 % of the intervals."""
    generator, covered = np.random.default_rng(0), 0
    for _ in range(1000):
        answers = [
            review("accepted", share, "forgery" if wrong else "genuine")
            for share, count in ((0.1, 60), (0.2, 60))
            for wrong in generator.random(count) < 0.04
        ]
        found = wrong_share("accepted", answers)
        covered += found.low <= 0.04 <= found.high
    assert covered >= 950


@pytest.fixture
def gallery(tmp_path):
    with Gallery.create(tmp_path / "gallery.sigkd", actor="tester") as made:
        yield made


@pytest.fixture
def filled(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """Two weeks apart: 3 + 1 accepted (all drawn), 1 rejected, 2 inconclusive, one copy; some decided."""
    gallery.enroll("Bob", stored(2), BINDING)
    plan = [
        ("2026-11-29", "accepted", "genuine"),  # a Sunday: week 48
        ("2026-11-29", "accepted", "forgery"),
        ("2026-11-29", "inconclusive", None),
        ("2026-12-14", "accepted", None),
        ("2026-12-14", "accepted", "genuine"),
        ("2026-12-14", "rejected", "genuine"),
        ("2026-12-14", "inconclusive", "forgery"),
        ("2026-12-15", "suspected copy", "undecided"),
    ]
    reviews = Reviews(gallery)
    for number, (when, answer, outcome) in enumerate(plan):
        monkeypatch.setattr(audit, "now", lambda when=when: f"{when}T12:00:00.000+00:00")
        with gallery.writing():
            detail = {"decision": answer, "query": f"{number:016x}", "remarks": [], "sample": 1.0}
            gallery.log("asker", "verify", "Bob", detail)
        if outcome:
            reviews.decide(gallery.entries()[-1].number, outcome, reason="x", by="Eve")
    return gallery


def test_figures_by_week_and_month(filled: Gallery, tmp_path) -> None:
    found = gallery_stats(Reviews(filled))
    assert [one.period for one in found.periods] == ["2026-W48", "2026-W49", "2026-W50", "2026-W51"]
    first, empty, _, last = found.periods
    assert first.answers == {"accepted": 2, "rejected": 0, "inconclusive": 1, "suspected copy": 0, "refused": 0}
    assert (first.listed, first.waiting, first.outcomes) == (3, 1, {"genuine": 1, "forgery": 1, "undecided": 0})
    assert (first.accepted.wrong, first.accepted.rate) == (1, 0.5)
    assert (empty.listed, empty.accepted.of, empty.accepted.rate) == (0, 0, None)
    assert last.left == {"genuine": 0, "forgery": 1, "undecided": 1} and last.rejected.rate == 1.0
    total = found.total
    assert (total.accepted.of, total.accepted.decided, total.accepted.rate) == (4, 3, pytest.approx(1 / 3))
    months = gallery_stats(Reviews(filled), by="month", since=day("2026-12-01"), until=day("2026-12-14", end=True))
    assert [one.period for one in months.periods] == ["2026-12"]
    assert sum(months.total.answers.values()) == 4
    write_stats(tmp_path / "s.csv", found)
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert [row["period"] for row in rows] == [one.period for one in found.periods]
    assert (rows[0]["accepted"], rows[0]["accepted_wrong"], rows[0]["accepted_rate"]) == ("2", "1", "0.5")
    assert rows[1]["accepted_rate"] == "" and rows[3]["suspected_copy"] == "1"
    with pytest.raises(UsageError, match="unknown period"):
        gallery_stats(Reviews(filled), by="day")


def test_stats_on_the_command_line(filled: Gallery, run_sigkd, tmp_path) -> None:
    place = ["--gallery", filled.path]
    told = run_sigkd("gallery", "stats", *place, "--csv", tmp_path / "s.csv", expect=0)
    assert "2026-W48" in told.stdout and "all" in told.stdout and "too few to go by" in told.stderr
    document = run_sigkd("gallery", "stats", *place, "--by", "month", "--since", "2026-12-01", "--json", expect=0).json
    assert [one["period"] for one in document["periods"]] == ["2026-12"]
    assert (tmp_path / "s.csv").read_text().count("\n") == 5


def test_an_empty_gallery_has_no_figures(gallery: Gallery, run_sigkd) -> None:
    assert gallery_stats(Reviews(gallery)).periods == []
    run_sigkd("gallery", "stats", "--gallery", gallery.path, expect=0)
