"""The audit log: who did what to which writer and when. Append-only, chained, without features and without names.

A writer is called by a keyed hash of the name (``subject``): whoever holds the gallery can look up the entries of a
name, also after the writer was removed, but the log itself names nobody.
"""

from __future__ import annotations

import getpass
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sigkd.errors import GalleryError
from sigkd.gallery.digests import digest
from sigkd.gallery.schema import AUDIT_TRIGGERS
from sigkd.gallery.vault import Vault

_START = b"\x00" * 32


class Place(NamedTuple):
    """How far a log was read."""

    number: int
    """Of the last entry."""
    link: bytes


START = Place(0, _START)
"""Before the first entry."""


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    number: int
    at: str
    """UTC, ISO 8601."""
    actor: str
    action: str
    """``create``, ``enroll``, ``verify``, ``review``, ``remove``, ``rename``, ``forget``, ``note``, ``flag``,
    ``export``, ``rekey``, ``audit``, ``settings``, ``migrate``."""
    subject: str | None
    """Keyed hash of the writer's name, hexadecimal."""
    detail: dict[str, Any]


def now() -> str:
    """Return the time in UTC to the millisecond."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Return a moment as the log writes it: such texts are in the order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def default_actor() -> str:
    """Return the user's name."""
    try:
        return getpass.getuser()
    # in a container the user may have a number and no name
    except (OSError, KeyError):
        return "unknown"


def append(
    connection: sqlite3.Connection,
    vault: Vault,
    pepper: bytes,
    *,
    actor: str,
    action: str,
    subject: bytes | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an entry inside the caller's transaction."""
    last = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    number, previous = (int(last[0]) + 1, bytes(last[1])) if last else (1, _START)
    document = {
        "actor": actor,
        "action": action,
        "subject": None if subject is None else subject.hex(),
        "detail": detail or {},
    }
    at = now()
    entry = json.dumps(document, allow_nan=False).encode()
    # Over the plain entry: sealing it anew under another key changes no link.
    link = digest(pepper, "audit", previous, number, at, entry)
    connection.execute(
        "INSERT INTO audit (id, at, entry, hash) VALUES (?, ?, ?, ?)",
        (number, at, vault.seal(entry, f"audit:{number}"), link),
    )
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('head', ?)", (link.hex(),))


def entries(
    connection: sqlite3.Connection, vault: Vault, *, subject: bytes | None = None, last: int | None = None
) -> list[Entry]:
    """Return the entries in order, of one writer where ``subject`` is given, the newest ``last`` of them.

    Raises:
        GalleryError: one is damaged.
    """
    found = []
    for number, at, sealed in connection.execute("SELECT id, at, entry FROM audit ORDER BY id"):
        # whose an entry is stands in what is sealed, so all are opened
        entry = _entry(int(number), str(at), vault.open(sealed, f"audit:{number}"))
        if subject is None or entry.subject == subject.hex():
            found.append(entry)
    return found if last is None else found[-last:] if last else []


def _entry(number: int, at: str, content: bytes) -> Entry:
    try:
        facts = json.loads(content)
        return Entry(number, at, facts["actor"], facts["action"], facts["subject"], dict(facts["detail"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise GalleryError(f"entry {number} of the audit log is damaged: restore a backup") from None


def follow(
    connection: sqlite3.Connection, vault: Vault, pepper: bytes, place: Place = START
) -> Iterator[tuple[Entry, Place]]:
    """Read on behind a place, each entry with its own, and check that the chain goes through all of them.

    Raises:
        GalleryError: one was changed, exchanged or taken out, or the log was cut off.
    """
    rows = connection.execute("SELECT id, at, entry, hash FROM audit WHERE id > ? ORDER BY id", (place.number,))
    for number, at, sealed, link in rows:
        content = vault.open(sealed, f"audit:{number}")
        expected = place.number + 1
        place = Place(number, digest(pepper, "audit", place.link, number, at, content))
        if number != expected or link != place.link:
            raise GalleryError(f"the audit log was changed at entry {expected}: restore a backup")
        yield _entry(number, str(at), content), place
    row = connection.execute("SELECT value FROM meta WHERE key = 'head'").fetchone()
    if (row[0] if row else "") != (place.link.hex() if place.number else ""):
        raise GalleryError(f"the audit log was cut off after entry {place.number}: restore a backup")


def rewrite(connection: sqlite3.Connection, old: Vault, new: Vault, pepper: bytes) -> None:
    """Seal all entries with another vault and chain them anew, inside the caller's transaction.

    Links are over the entries' contents: another vault does not change them, and a head that was noted stays valid.
    """
    definitions = [
        connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)).fetchone()[0]
        for name in AUDIT_TRIGGERS
    ]
    # they refuse every change, and SQLite cannot switch a single trigger off
    for name in AUDIT_TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    previous = _START
    for number, at, sealed in connection.execute("SELECT id, at, entry FROM audit ORDER BY id").fetchall():
        content = old.open(sealed, f"audit:{number}")
        previous = digest(pepper, "audit", previous, number, at, content)
        entry = new.seal(content, f"audit:{number}")
        connection.execute("UPDATE audit SET entry = ?, hash = ? WHERE id = ?", (entry, previous, number))
    if previous != _START:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('head', ?)", (previous.hex(),))
    for definition in definitions:
        connection.execute(definition)
