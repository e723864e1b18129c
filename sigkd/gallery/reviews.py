"""What people decided about answers: read from the gallery's log, and written into it, never over what is there.

A decision is an entry of the log (``review``) about an earlier one (``verify``): sealed, chained and signed like all
others. How an answer stands is worked out from its decisions each time, so nothing but the log can be wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sigkd.errors import ConflictError, GalleryError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.audit import Entry
from sigkd.gallery.digests import digest
from sigkd.gallery.records import clean_name
from sigkd.gallery.store import Gallery
from sigkd.registry import check_name

OUTCOMES = ("genuine", "forgery", "undecided")
"""What a person may say of a signature; ``undecided``: that it cannot be told."""
ALWAYS = ("inconclusive", "suspected copy")
"""Answers that a person looks at, each of them."""
LONGEST = 2000
"""Characters of a reason."""
_TELLING = 5  # letters of a name from which a reason with it in it is about the person


class Standing(StrEnum):
    """How an answer stands with the people who look at answers."""

    OPEN = "open"
    """Nobody has decided."""
    SECOND = "second person"
    """One person has, and another one has to."""
    DISPUTED = "disputed"
    """People disagree, and none of their outcomes has more voices than the others."""
    DECIDED = "decided"


UNDECIDED = (Standing.OPEN, Standing.SECOND, Standing.DISPUTED)
"""What is left to do."""


@dataclass(frozen=True)
class Opinion:
    """What one person decided."""

    number: int
    """Of its entry in the log."""
    at: str
    """UTC, ISO 8601."""
    by: str
    outcome: str
    """``genuine``, ``forgery`` or ``undecided``."""
    reason: str


@dataclass(frozen=True)
class Review:
    """An answer, and what people decided about it."""

    entry: int
    """Its number in the log."""
    at: str
    """When it was given: UTC, ISO 8601."""
    writer: str | None
    """Null: the writer was removed."""
    subject: str
    """What the log calls the writer."""
    answer: str
    """``accepted``, ``rejected``, ``inconclusive``, ``suspected copy`` or ``refused``."""
    listed: str
    """Why a person looks at it: the answer itself, or ``sample``; empty: nobody has to."""
    share: float
    """Of such answers that are looked at: 1, or that of the sample; 0: nobody has to."""
    standing: Standing
    outcome: str | None
    """What it was decided to be; null: not yet."""
    people: int
    """How many have to agree."""
    opinions: tuple[Opinion, ...]
    """All of them, in order; of one person the last one counts."""
    seen: int
    """Number of the newest entry about it: say it with a decision, and one that came meanwhile is not overlooked."""
    detail: dict[str, Any]
    """What the log keeps of the answer: score, thresholds, log10 LR, policy, remarks, calibration, model."""


@dataclass(frozen=True)
class Wanted:
    """Which answers to list."""

    standing: Sequence[str] = UNDECIDED
    """Empty: any."""
    answers: Sequence[str] = ()
    """Empty: any."""
    writer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not itself."""
    everything: bool = False
    """Also answers that nobody has to look at."""


@dataclass
class _Answer:
    """What is known of an answer while the log is read."""

    entry: Entry
    subject: str
    answer: str
    listed: str
    share: float
    opinions: list[Opinion] = field(default_factory=list)
    people: int = 1


class Reviews:
    """The answers of a gallery and what people decided about them; read on where the log has grown. Thread-safe.

    Example:
        >>> reviews = Reviews(gallery)  # doctest: +SKIP
        >>> total, first = reviews.page(limit=20)  # doctest: +SKIP
        >>> reviews.decide(first[0].entry, "genuine", reason="same pen", seen=first[0].seen)  # doctest: +SKIP
    """

    def __init__(self, gallery: Gallery) -> None:
        """Read nothing yet."""
        self.gallery = gallery
        self._answers: dict[int, _Answer] = {}
        self._place = audit.START
        # what became of a name: renamed to another (subject), or removed (None), each with its entry's number
        self._events: dict[str, list[tuple[int, str | None]]] = {}
        self._asked: set[tuple[str, str, str]] = set()

    def get(self, entry: int) -> Review:
        """Return an answer.

        Raises:
            UsageError: the log has no verification of this number; GalleryError: the log was changed.
        """
        with self.gallery.reading():
            self._read()
            return self._review(self._answer(entry))

    def page(self, wanted: Wanted = Wanted(), *, offset: int = 0, limit: int | None = None) -> tuple[int, list[Review]]:
        """Return how many answers there are, and some of them, the oldest first.

        Args:
            wanted: which ones.
            offset: how many to leave out.
            limit: how many at most; None: all.

        Raises:
            GalleryError: the log was changed.
        """
        with self.gallery.reading():
            self._read()
            found = list(self._chosen(wanted))
            end = None if limit is None else offset + limit
            return len(found), [self._review(one) for one in found[offset:end]]

    def tallies(self, wanted: Wanted = Wanted()) -> dict[str, int]:
        """Return how many of the answers stand how, whatever standing is wanted."""
        with self.gallery.reading():
            self._read()
            counts = Counter(_standing(one)[0] for one in self._chosen(replace(wanted, standing=())))
        return {standing.value: counts[standing] for standing in Standing}

    def decide(
        self,
        entry: int,
        outcome: str,
        *,
        reason: str,
        by: str | None = None,
        people: int = 1,
        seen: int | None = None,
    ) -> Review:
        """Write what a person decided about an answer into the log.

        Args:
            entry: the answer's number in the log.
            outcome: one of :data:`OUTCOMES`.
            reason: why, in words that do not name the writer: the log outlives the writer's removal.
            by: who; the user by default.
            people: how many different ones have to agree.
            seen: :attr:`Review.seen` as the person saw it. None: no matter what others said meanwhile, as long as the
                answer is not decided, nor by this person already.

        Raises:
            ConflictError: somebody decided meanwhile, or it is decided already. UsageError: no such answer or outcome,
                no reason. GalleryError: the gallery keeps no log, or it was changed.
        """
        check_name(outcome, OUTCOMES, "outcome")
        reason, who = " ".join(reason.split()), clean_name(by or audit.default_actor())
        if not reason or len(reason) > LONGEST:
            raise UsageError(f"a `reason` has 1 to {LONGEST} characters, not {len(reason)}")
        gallery = self.gallery
        self.get(entry)  # a long log is read before others have to wait for the write
        with gallery.writing():
            self._read()
            answer = self._answer(entry)
            if not gallery.audited:
                raise GalleryError(f"{gallery.path}: its log is switched off, and decisions are kept in it")
            self._check_unseen(answer, who, seen)
            _, name = self._whose(answer)
            if name is not None and _names(name, reason):
                raise UsageError(
                    "`reason` names the writer, and the log must not: it stays when the writer is removed. Say 'the "
                    "client', 'the writer'"
                )
            detail = {"entry": entry, "outcome": outcome, "reason": reason, "people": people}
            gallery.log(who, "review", subject=bytes.fromhex(self._current(answer)), detail=detail)
        return self.get(entry)

    def _check_unseen(self, answer: _Answer, who: str, seen: int | None) -> None:
        entry, newest = answer.entry.number, _newest(answer)
        if seen is not None:
            if seen != newest:
                told = _told(answer) or "nobody decided yet"
                raise ConflictError(f"entry {entry}: {told}; read it again ('sigkd review show {entry}')")
            return
        standing, _ = _standing(answer)
        if standing is Standing.DECIDED or any(_person(one.by) == _person(who) for one in answer.opinions):
            raise ConflictError(
                f"entry {entry}: {_told(answer)}; to decide once more say that you have seen it (`seen={newest}`)"
            )

    # -- reading the log

    def _read(self) -> None:
        """Read what the log has more than before, inside a transaction.

        Raises:
            GalleryError: it was changed.
        """
        gallery = self.gallery
        for entry, place in audit.follow(gallery.connection, gallery.vault, gallery.pepper, self._place):
            try:
                self._take(entry, place.link)
            except (KeyError, ValueError, TypeError) as error:
                raise GalleryError(
                    f"entry {entry.number} of the log is damaged ({type(error).__name__}): restore a backup"
                ) from None
            self._place = place

    def _take(self, entry: Entry, link: bytes) -> None:
        subject, detail = entry.subject or "", entry.detail
        if entry.action == "verify":
            decision = str(detail.get("decision", ""))
            listed, share = self._due(entry, decision, link)
            self._answers[entry.number] = _Answer(entry, subject, decision, listed, share)
        elif entry.action == "review":
            answer = self._answers.get(int(detail["entry"]))
            if answer is None:
                raise GalleryError(f"entry {entry.number} of the log reviews no verification: restore a backup")
            reason, outcome = str(detail["reason"]), str(detail["outcome"])
            answer.opinions.append(Opinion(entry.number, entry.at, entry.actor, outcome, reason))
            answer.people = int(detail["people"])
        elif entry.action == "remove":
            self._events.setdefault(subject, []).append((entry.number, None))
        elif entry.action == "rename" and "to" in detail:
            self._events.setdefault(subject, []).append((entry.number, str(detail["to"])))

    def _due(self, entry: Entry, decision: str, link: bytes) -> tuple[str, float]:
        """Return why a person looks at an answer, and which share of such answers that is."""
        question = (entry.subject or "", str(entry.detail.get("query", "")), decision)
        again = "repeated" in entry.detail.get("remarks", ()) and question in self._asked
        self._asked.add(question)
        if again:  # the same question with the same answer: whoever asks often enough must not choose the sample
            return "", 0.0
        if decision in ALWAYS:
            return decision, 1.0
        share = float(entry.detail.get("sample") or 0.0)
        drawn = int.from_bytes(digest(self.gallery.pepper, "sample", link)[:8], "big") / 2**64
        return ("sample" if drawn < share else ""), share

    def _answer(self, entry: int) -> _Answer:
        if entry not in self._answers:
            raise UsageError(f"entry {entry} of the log is no verification; 'sigkd review list' shows which are")
        return self._answers[entry]

    def _chosen(self, wanted: Wanted) -> Iterable[_Answer]:
        since = "" if wanted.since is None else audit.stamp(wanted.since)
        until = "" if wanted.until is None else audit.stamp(wanted.until)
        whose = None if wanted.writer is None else self.gallery.subject(wanted.writer).hex()
        for one in self._answers.values():
            if not (one.listed or one.opinions or wanted.everything):
                continue
            if one.entry.at < since or (until and one.entry.at >= until):
                continue
            if wanted.answers and one.answer not in wanted.answers:
                continue
            if wanted.standing and _standing(one)[0] not in wanted.standing:
                continue
            if whose is not None and whose not in (one.subject, self._current(one)):
                continue
            yield one

    def _current(self, answer: _Answer) -> str:
        """Return what the log calls the writer of an answer now: who was renamed has another subject."""
        return self._fate(answer)[0]

    def _fate(self, answer: _Answer) -> tuple[str, bool]:
        """Return the writer's subject now, and whether the writer was removed since."""
        subject, number = answer.subject, answer.entry.number
        while True:
            event = next((one for one in self._events.get(subject, ()) if one[0] > number), None)
            if event is None:
                return subject, False
            number, other = event
            if other is None:
                return subject, True
            subject = other

    def _whose(self, answer: _Answer) -> tuple[str, str | None]:
        """Return the writer's subject and name now; None: removed."""
        subject, removed = self._fate(answer)
        row = self.gallery.connection.execute(
            "SELECT enrolled_at FROM writer WHERE subject = ?", (bytes.fromhex(subject),)
        ).fetchone()
        # while a log is switched off nobody's removal is in it
        if removed or row is None or row[0] > answer.entry.at:
            return subject, None
        return subject, self.gallery.name_of(bytes.fromhex(subject))

    def _review(self, answer: _Answer) -> Review:
        standing, outcome = _standing(answer)
        subject, name = self._whose(answer)
        entry = answer.entry
        return Review(
            entry=entry.number,
            at=entry.at,
            writer=name,
            subject=subject,
            answer=answer.answer,
            listed=answer.listed,
            share=answer.share,
            standing=standing,
            outcome=outcome,
            people=answer.people,
            opinions=tuple(answer.opinions),
            seen=_newest(answer),
            detail=entry.detail,
        )


def _standing(answer: _Answer) -> tuple[Standing, str | None]:
    """Return how an answer stands: decided where enough people say the same, and more of them than anything else."""
    latest = {_person(one.by): one.outcome for one in answer.opinions}
    voices = Counter(latest.values()).most_common(2)
    if not voices:
        return Standing.OPEN, None
    outcome, most = voices[0]
    if len(voices) > 1 and voices[1][1] == most:
        return Standing.DISPUTED, None
    return (Standing.DECIDED, outcome) if most >= answer.people else (Standing.SECOND, None)


def _person(name: str) -> str:
    return clean_name(name).casefold()


def _newest(answer: _Answer) -> int:
    return answer.opinions[-1].number if answer.opinions else answer.entry.number


def _told(answer: _Answer) -> str:
    """Return in words what was decided last."""
    if not answer.opinions:
        return ""
    last = answer.opinions[-1]
    return f"{last.by} decided '{last.outcome}' on {last.at[:16].replace('T', ' ')} UTC"


def _names(name: str, reason: str) -> bool:
    """Tell whether a reason has a name in it; a short one may be any word."""
    words = re.escape(name.casefold())
    return len(name) >= _TELLING and re.search(rf"(?<!\w){words}(?!\w)", reason.casefold()) is not None


def day(text: str, *, end: bool = False) -> datetime:
    """Return the moment in UTC that a text names.

    Args:
        text: a day (``2026-12-01``), or a moment of ISO 8601, in UTC where it says no zone.
        end: of a day that after its end.

    Raises:
        UsageError: neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment + timedelta(days=1) if end and len(text.strip()) <= len("2026-12-01") else moment
    except (ValueError, OverflowError):  # also the last day that there is, which has no end
        raise UsageError(f"'{text}' is no day: 2026-12-01 is expected, or 2026-12-01T09:30") from None
