"""Figures of a gallery: how many answers of each kind, what people decided, and how many answers seem to be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from sigkd.gallery.reviews import ALWAYS, OUTCOMES, UNDECIDED, Review, Reviews, Wanted
from sigkd.json_documents import JsonDocument
from sigkd.measures import clopper_pearson_interval
from sigkd.registry import check_name
from sigkd.verification.decision import Decision

ENOUGH = 30
"""Decided answers below which a share is called too uncertain to go by."""


@dataclass(frozen=True)
class WrongShare:
    """Which share of the accepted (rejected) answers was wrong, estimated from those that were drawn by chance."""

    answer: str
    """``accepted``, of which forgeries are wrong; ``rejected``, of which genuine signatures are."""
    of: int
    """Answers from which the sample was drawn."""
    drawn: int
    decided: int
    """Drawn ones that people decided to be genuine or a forgery."""
    wrong: int
    """Of these."""
    rate: float | None
    """Share of all of these answers that is wrong, a fraction; null: nothing is decided."""
    low: float | None
    """Of the 95 % interval."""
    high: float | None
    few: bool
    """Whether they are too few to go by the share."""
    said: str
    """All that in a sentence."""


@dataclass(frozen=True)
class PeriodFigures:
    """Figures of the answers that were given in a period, as people have decided by now."""

    period: str
    """``2026-W49`` (ISO week), ``2026-12``, or ``all``."""
    answers: dict[str, int]
    """By answer, in UTC; the same file asked again counts again."""
    repeated: int
    """Of them, files that were asked about before."""
    listed: int
    """Answers that a person looks at, or looked at unasked."""
    waiting: int
    """Of these not decided: open, waiting for a second person, disputed."""
    outcomes: dict[str, int]
    """Of the decided ones, by outcome: genuine, forgery, undecided."""
    left: dict[str, int]
    """The same of the inconclusive answers and suspected copies alone."""
    accepted: WrongShare
    rejected: WrongShare


class GalleryStats(JsonDocument, format="sigkd-gallery-stats", version=1):
    """What ``sigkd gallery stats`` prints."""

    gallery: Path
    by: str
    """``week`` or ``month``."""
    since: str | None
    """UTC, ISO 8601; null: from the beginning."""
    until: str | None
    """Not itself; null: to the end."""
    periods: list[PeriodFigures]
    """In order, also those without answers between others."""
    total: PeriodFigures


def gallery_stats(
    reviews: Reviews, *, by: str = "week", since: datetime | None = None, until: datetime | None = None
) -> GalleryStats:
    """Return the figures of a gallery's answers by week or month.

    Args:
        reviews: of an open gallery.
        by: ``week`` (of ISO 8601) or ``month``, in UTC.
        since: only answers from here on.
        until: only answers before.

    Raises:
        UsageError: another period; GalleryError: the log was changed.
    """
    check_name(by, tuple(_LABELS), "period")
    label = _LABELS[by]
    _, found = reviews.page(Wanted((), since=since, until=until, everything=True))
    days = [date.fromisoformat(one.at[:10]) for one in found]
    periods: dict[str, list[Review]] = {}
    if days:  # the log is not in the order of time where a clock was set back
        day, last = min(days), max(days)
        while day <= last:
            periods.setdefault(label(day), [])
            day += timedelta(days=1)
    for day, one in zip(days, found, strict=True):
        periods[label(day)].append(one)
    return GalleryStats(
        gallery=reviews.gallery.path,
        by=by,
        since=None if since is None else since.isoformat(),
        until=None if until is None else until.isoformat(),
        periods=[_figures(name, answers) for name, answers in periods.items()],
        total=_figures("all", found),
    )


def wrong_share(answer: str, reviews: Sequence[Review]) -> WrongShare:
    """Estimate which share of the accepted (rejected) answers is wrong.

    An answer was drawn with the probability s that held when it was given, and stands for w = 1 / s answers. With y = 1
    for a wrong answer and y = 0 for a right one,

        p = sum(w y) / sum(w)

    over the drawn ones that are decided (J. Hajek, discussion in Foundations of Statistical Inference, 1971: the
    Horvitz-Thompson estimator with the estimated total). Its 95 % interval is that of Clopper and Pearson (Biometrika
    26, 1934) for p n successes in n trials, where n = sum(w)^2 / sum(w^2) is the effective sample size (L. Kish, Survey
    Sampling, 1965, section 11.2C), as in E. Korn and B. Graubard, Survey Methodology 24 (1998). Where the share never
    changed, p is plainly wrong / decided.

    Drawn answers that are not decided, or of which it could not be told, are left out: as if they were like the others.
    Answers that were decided without being drawn (a client complained) are left out too: they are not by chance.

    Args:
        answer: ``accepted`` or ``rejected``.
        reviews: answers of any kind.
    """
    wrong_outcome = {"accepted": "forgery", "rejected": "genuine"}[answer]
    covered = [one for one in reviews if one.answer == answer and one.share > 0]
    drawn = [one for one in covered if one.listed == "sample"]
    decided = [one for one in drawn if one.outcome in ("genuine", "forgery")]
    wrong = sum(one.outcome == wrong_outcome for one in decided)
    rate = low = high = None
    if decided:
        weights = np.array([1 / one.share for one in decided])
        rate = float(weights @ [one.outcome == wrong_outcome for one in decided] / weights.sum())
        trials = float(weights.sum() ** 2 / (weights**2).sum())
        low, high = clopper_pearson_interval(rate * trials, trials)
    few = len(decided) < ENOUGH
    share = WrongShare(answer, len(covered), len(drawn), len(decided), wrong, rate, low, high, few, said="")
    return replace(share, said=_sentence(share))


def _sentence(share: WrongShare) -> str:
    answer, rate, low, high = share.answer, share.rate, share.low, share.high
    what = {"accepted": "forgeries", "rejected": "genuine signatures"}[answer]
    head = f"{answer}: {share.of}, of which {share.drawn} were drawn and {share.decided} decided"
    if rate is None or low is None or high is None:
        return f"{head}: nothing can be said of their errors"
    numbers = f"{low * share.of:.0f} to {high * share.of:.0f} of {share.of}"
    interval = f"95 % interval {100 * low:.1f} to {100 * high:.1f} %, {numbers}"
    few = f"; too few to go by: fewer than {ENOUGH}" if share.few else ""
    found = f"{share.wrong} {what} among them: about {100 * rate:.1f} % of the {answer} are {what}"
    return f"{head}, {found} ({interval}{few})"


def _figures(period: str, reviews: Sequence[Review]) -> PeriodFigures:
    answers = Counter(one.answer for one in reviews)
    listed = [one for one in reviews if one.listed or one.opinions]
    left = [one for one in listed if one.answer in ALWAYS]
    return PeriodFigures(
        period=period,
        answers={decision.value: answers[decision.value] for decision in Decision},
        repeated=sum("repeated" in one.detail.get("remarks", ()) for one in reviews),
        listed=len(listed),
        waiting=sum(one.standing in UNDECIDED for one in listed),
        outcomes=_outcomes(listed),
        left=_outcomes(left),
        accepted=wrong_share("accepted", reviews),
        rejected=wrong_share("rejected", reviews),
    )


def _outcomes(reviews: Iterable[Review]) -> dict[str, int]:
    counts = Counter(one.outcome for one in reviews)
    return {outcome: counts[outcome] for outcome in OUTCOMES}


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


_LABELS: dict[str, Callable[[date], str]] = {"week": _week, "month": lambda day: f"{day:%Y-%m}"}
_SHARES = ("of", "drawn", "decided", "wrong", "rate", "low", "high")


def write_stats(path: Path, stats: GalleryStats) -> None:
    """Write a row for each period (``.csv``, ``.tsv``, ``.parquet``).

    Raises:
        UsageError: another kind of file.
    """
    from sigkd.verification.row_tables import write_table

    rows = [_row(one) for one in stats.periods]
    write_table(path, list(_row(stats.total)), rows)


def _row(figures: PeriodFigures) -> dict[str, Any]:
    row: dict[str, Any] = {"period": figures.period}
    row |= {name.replace(" ", "_"): count for name, count in figures.answers.items()}
    row |= {"repeated": figures.repeated, "listed": figures.listed, "waiting": figures.waiting}
    row |= figures.outcomes | {f"left_{name}": count for name, count in figures.left.items()}
    for share in (figures.accepted, figures.rejected):
        row |= {f"{share.answer}_{name}": getattr(share, name) for name in _SHARES}
    return row
