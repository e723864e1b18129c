"""Reviews by the gallery's policy: what a person has to look at, the facts and scans of an answer, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ImageError, InputError, UsageError
from sigkd.gallery import StoredReference
from sigkd.gallery.queries import EarlierQuery, earlier_queries
from sigkd.gallery.reviews import Review, Reviews, Wanted
from sigkd.images.reader import ImageFile, read_file
from sigkd.images.resolution import Resolution, given_resolution
from sigkd.json_documents import JsonDocument
from sigkd.verification.policy import Policy, policy_in_force
from sigkd.verification.samples import cropped, digest_on_page

SMALL = "the small picture by which copies are found, not to scale"


class ReviewList(JsonDocument, format="sigkd-reviews", version=1):
    """What ``sigkd review list`` prints: answers that a person looks at."""

    gallery: Path
    total: int
    """How many there are."""
    offset: int
    """How many were left out before the first of these."""
    standing: dict[str, int]
    """How many of them are open, wait for a second person, are disputed, decided."""
    reviews: list[Review]


@dataclass(frozen=True)
class Questioned:
    """Where the scan of an answer is."""

    file: str
    """Where it was when it was verified, or where it is said to be now; empty: it was no file, or that is not known."""
    hash: str
    """SHA-256; only its first 16 digits where nothing else was kept."""
    state: str
    """``there``; ``moved``: not there any more; ``changed``: another content; ``unknown``: no file is known."""
    said: str
    """The same in words."""


@dataclass(frozen=True)
class ReviewReference:
    """A reference as it is enrolled now."""

    name: str
    added_at: str
    image: bool
    """Whether its image was kept."""


class ReviewSheet(JsonDocument, format="sigkd-review", version=1):
    """What ``sigkd review show`` and ``decide`` print: an answer, its scans, and what people decided."""

    gallery: Path
    review: Review
    people: int
    """How many have to agree, by the policy in force."""
    query: Questioned
    references: list[ReviewReference]
    """Of the writer now; empty: removed."""
    remarks: list[str]
    """On what cannot be shown, or has changed since."""
    picture: Path | None = None
    """What was written to look at."""


@dataclass(frozen=True)
class Exhibit:
    """A scan to look at, or what is left of it."""

    title: str
    scan: bytes | ImageFile | None = field(repr=False)
    dpi: Resolution | None = None
    small: NDArray[np.uint8] | None = None
    """:func:`sigkd.images.copies.descriptor` of its ink, uint8 [96, 192], where the scan is not at hand."""
    said: str = ""
    """Why it is not."""


def list_reviews(
    reviews: Reviews, wanted: Wanted = Wanted(), *, offset: int = 0, limit: int | None = None
) -> ReviewList:
    """Return answers that a person looks at, page by page, the oldest first.

    Raises:
        UsageError: a page that cannot be; GalleryError: the log was changed.
    """
    if offset < 0 or (limit is not None and limit < 1):
        raise UsageError(f"a page begins at 0 and has at least 1 answer, not {limit} from {offset}")
    with reviews.gallery.reading():
        total, found = reviews.page(wanted, offset=offset, limit=limit)
        tallies = reviews.tallies(wanted)
    return ReviewList(gallery=reviews.gallery.path, total=total, offset=offset, standing=tallies, reviews=found)


def show_review(
    reviews: Reviews, entry: int, *, file: Path | None = None
) -> tuple[ReviewSheet, Exhibit, list[Exhibit]]:
    """Return an answer with the questioned scan and the references, as far as they are there.

    Args:
        reviews: of an open gallery.
        entry: the answer's number in the log.
        file: where the questioned scan is now.

    Raises:
        UsageError: no such answer; InputError: ``file`` cannot be read, or is not the one that was verified.
    """
    gallery = reviews.gallery
    with gallery.reading():
        review = reviews.get(entry)
        policy = policy_in_force(gallery)
        stored: Sequence[StoredReference] = ()
        kept: EarlierQuery | None = None
        if review.writer is not None:
            stored = gallery.references(review.writer, images=True)
            digest = str(review.detail["query"])
            found = (one for one in earlier_queries(gallery, review.writer) if one.digest.startswith(digest))
            kept = next(found, None)
    query, exhibit = _questioned(review, kept, file)
    others = [
        Exhibit(
            f"reference {number}: {one.name}",
            one.image,
            one.scan.resolution if one.scan is not None and one.scan.scale_known else None,
            None if one.scan is None else one.scan.picture,
            "" if one.image is not None else "its image was not kept",
        )
        for number, one in enumerate(stored, 1)
    ]
    sheet = ReviewSheet(
        gallery=gallery.path,
        review=review,
        people=_people(review, policy),
        query=query,
        references=[ReviewReference(one.name, one.added_at, one.image is not None) for one in stored],
        remarks=_remarks(review, query, stored),
    )
    return sheet, exhibit, others


def decide(
    reviews: Reviews,
    entry: int,
    outcome: str,
    *,
    reason: str,
    by: str | None = None,
    seen: int | None = None,
) -> ReviewSheet:
    """Write a person's decision into the log, as the policy in force has it; see :meth:`.reviews.Reviews.decide`.

    Raises:
        UsageError: the policy lets nobody act under another name; otherwise as there.
    """
    policy = policy_in_force(reviews.gallery)
    policy.check_actor(by)
    reviews.decide(entry, outcome, reason=reason, by=by, people=policy.people, seen=seen)
    sheet, _, _ = show_review(reviews, entry)
    return sheet


def _people(review: Review, policy: Policy) -> int:
    return review.people if review.opinions else policy.people


def _questioned(review: Review, kept: EarlierQuery | None, file: Path | None) -> tuple[Questioned, Exhibit]:
    digest = str(review.detail["query"]) if kept is None else kept.digest
    page = 1 if kept is None else kept.page
    box = None if kept is None else kept.box
    small = None if kept is None else kept.picture
    dpi = None if kept is None or kept.dpi is None else given_resolution(kept.dpi)
    named = file is not None
    place = file if file is not None else Path(kept.file) if kept is not None and kept.file else None
    if place is None:
        why = "the writer was removed, and what was kept of the query with them" if kept is None else ""
        said = f"where the scan is is not known ({why or 'it came from no file'}); name it with `query`"
        return Questioned("", digest, "unknown", said), Exhibit("questioned", None, None, small, said)
    title = f"questioned: {place.name}"
    try:
        read = read_file(place, page=page)
    except ImageError as error:
        if named:
            raise
        gone = not place.exists()
        said = f"{place}: not there any more; name it with `query`" if gone else str(error)
        query = Questioned(str(place), digest, "moved" if gone else "changed", said)
        return query, Exhibit(title, None, None, small, said)
    found = read.digest if box is None else digest_on_page(read.digest, box)
    if not found.startswith(digest):
        said = f"{place}: not the file that was verified: its SHA-256 is {found[:16]}..., not {digest[:16]}..."
        if named:
            raise InputError(said)
        return Questioned(str(place), digest, "changed", said), Exhibit(title, None, None, small, said)
    query = Questioned(str(place), found, "there", f"{place}: the very file that was verified")
    return query, Exhibit(title, read if box is None else cropped(read, box), dpi, small)


def _remarks(review: Review, query: Questioned, stored: Sequence[StoredReference]) -> list[str]:
    """Return what an eye would miss, or must know."""
    remarks = [] if query.state == "there" else [query.said]
    if review.writer is None:
        return [*remarks, "the writer was removed: there are no references to compare with"]
    bare = [str(number) for number, one in enumerate(stored, 1) if one.image is None]
    if bare:
        which = "references were" if len(bare) == len(stored) else f"references {', '.join(bare)} were"
        remarks.append(f"images of {which} not kept ('sigkd enroll `keep_images`' keeps them): {SMALL} is shown")
    later = [str(number) for number, one in enumerate(stored, 1) if one.added_at > review.at]
    if later:
        remarks.append(f"enrolled after the answer: reference {', '.join(later)}")
    return remarks
