"""Queries that were verified against a writer, kept so that a copy of one is found when it comes back as another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import GalleryError
from sigkd.gallery.digests import query_digest, rolled
from sigkd.gallery.store import Gallery
from sigkd.images.scan_facts import pack_picture, unpack_picture


@dataclass(frozen=True)
class EarlierQuery:
    """What is kept of a query; not its features."""

    at: str
    """When it was verified first: UTC, ISO 8601."""
    digest: str
    """SHA-256 of the file."""
    picture: NDArray[np.uint8] | None
    """:func:`sigkd.images.copies.descriptor` of the ink, uint8 [96, 192]; None: of a model that reads no scale."""
    file: str = ""
    """Where the file was when it was verified first, so that a person can look at it; empty: it was none."""
    page: int = 1
    dpi: tuple[float, float] | None = None
    """Resolution across and down, where it was told."""
    box: tuple[int, int, int, int] | None = None
    """Of the signature on a document's page, pixels: left, top, right, bottom; None: the scan is the signature's."""


def earlier_queries(gallery: Gallery, name: str) -> list[EarlierQuery]:
    """Return the queries that were verified against a writer, the first one first.

    Raises:
        NotEnrolledError: nobody has this name; GalleryError: a value was changed.
    """
    with gallery.reading() as connection:
        writer, uid = gallery.row(name)
        rows = connection.execute(
            "SELECT ordinal, facts, digest FROM query WHERE writer_id = ? ORDER BY ordinal", (writer,)
        ).fetchall()
    found = []
    for ordinal, facts, own in rows:
        if own != query_digest(gallery.pepper, bytes.fromhex(uid), ordinal, facts):
            raise GalleryError(f"{gallery.path}: query {ordinal} of '{name}' was changed: restore a backup")
        found.append(_unpacked(gallery.vault.open(facts, f"query:{uid}:{ordinal}")))
    return found


def keep_queries(gallery: Gallery, name: str, queries: Iterable[EarlierQuery]) -> None:
    """Write queries of a writer behind those that are there, inside the caller's transaction."""
    connection = gallery.connection
    writer, uid = gallery.row(name)
    (last,) = connection.execute(
        "SELECT coalesce(max(ordinal), 0) FROM query WHERE writer_id = ?", (writer,)
    ).fetchone()
    digests = []
    for ordinal, query in enumerate(queries, last + 1):
        facts = gallery.vault.seal(_packed(query), f"query:{uid}:{ordinal}")
        digests.append(query_digest(gallery.pepper, bytes.fromhex(uid), ordinal, facts))
        connection.execute(
            "INSERT INTO query (writer_id, ordinal, facts, digest) VALUES (?, ?, ?, ?)",
            (writer, ordinal, facts, digests[-1]),
        )
    gallery.set_meta("queries", rolled(gallery.meta("queries"), added=digests))


def _packed(query: EarlierQuery) -> bytes:
    picture = None if query.picture is None else pack_picture(query.picture)
    facts: dict[str, Any] = {"at": query.at, "digest": query.digest, "picture": picture}
    facts |= {"file": query.file, "page": query.page} if query.file else {}
    facts |= {} if query.dpi is None else {"dpi": list(query.dpi)}
    facts |= {} if query.box is None else {"box": list(query.box)}
    return json.dumps(facts).encode()


def _unpacked(facts: bytes) -> EarlierQuery:
    """Return the query of its stored facts.

    Raises:
        GalleryError: they are damaged.
    """
    try:
        values = json.loads(facts)
        picture = values["picture"]
        # It is compared with hashes of files and printed: nothing else may stand there.
        if not re.fullmatch("[0-9a-f]{64}", values["digest"]):
            raise ValueError("the hash of a file has 64 hexadecimal digits")
        dpi, box = values.get("dpi"), values.get("box")
        return EarlierQuery(
            str(values["at"]),
            values["digest"],
            None if picture is None else unpack_picture(str(picture)),
            str(values.get("file", "")),
            int(values.get("page", 1)),
            None if dpi is None else (float(dpi[0]), float(dpi[1])),
            None if box is None else (int(box[0]), int(box[1]), int(box[2]), int(box[3])),
        )
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise GalleryError(f"a stored query is damaged ({type(error).__name__}): restore a backup") from None
