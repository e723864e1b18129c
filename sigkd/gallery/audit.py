"""The audit log: who did what to which writer and when. Append-only, chained, without features and without names.

A writer is called by a keyed hash of the name (``subject``): whoever holds the gallery can look up the entries of a
name, also after the writer was removed, but the log itself names nobody.
"""

from __future__ import annotations

import getpass
import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sigkd.errors import GalleryError
from sigkd.gallery.vault import Vault, keyed_hash

_START = b"\x00" * 32


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    number: int
    at: str
    """UTC, ISO 8601."""
    actor: str
    action: str
    """``create``, ``enroll``, ``verify``, ``remove``, ``export``, ``import``, ``rekey``, ``audit``."""
    subject: str | None
    """Keyed hash of the writer's name, hexadecimal."""
    detail: dict[str, Any]


def now() -> str:
    """Return the time in UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def default_actor() -> str:
    """Return the user's name."""
    try:
        return getpass.getuser()
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
    entry = vault.seal(json.dumps(document, allow_nan=False).encode(), f"audit:{number}")
    connection.execute(
        "INSERT INTO audit (id, at, entry, hash) VALUES (?, ?, ?, ?)",
        (number, at, entry, _link(pepper, previous, number, at, entry)),
    )


def _link(pepper: bytes, previous: bytes, number: int, at: str, entry: bytes) -> bytes:
    return keyed_hash(pepper, b"|".join([previous, str(number).encode(), at.encode(), entry]))


def entries(
    connection: sqlite3.Connection, vault: Vault, *, subject: bytes | None = None, last: int | None = None
) -> list[Entry]:
    """Return the entries in order, of one writer where ``subject`` is given, the newest ``last`` of them."""
    found = []
    for number, at, sealed in connection.execute("SELECT id, at, entry FROM audit ORDER BY id"):
        facts = json.loads(vault.open(sealed, f"audit:{number}"))
        if subject is None or facts["subject"] == subject.hex():
            found.append(
                Entry(int(number), str(at), facts["actor"], facts["action"], facts["subject"], facts["detail"])
            )
    return found if last is None else found[-last:] if last else []


def check_chain(connection: sqlite3.Connection, pepper: bytes) -> tuple[int, str]:
    """Check that no entry was changed, exchanged or taken out of the middle.

    Returns:
        The number of entries and the last hash: noted elsewhere, it also shows entries missing at the end.

    Raises:
        GalleryError: the chain is broken; the message has the first entry that does not fit.
    """
    previous, expected = _START, 1
    for number, at, entry, link in connection.execute("SELECT id, at, entry, hash FROM audit ORDER BY id"):
        if number != expected or bytes(link) != _link(pepper, previous, number, at, entry):
            raise GalleryError(f"the audit log was changed at entry {expected}")
        previous, expected = bytes(link), expected + 1
    return expected - 1, previous.hex()


def reseal(connection: sqlite3.Connection, old: Vault, new: Vault, pepper: bytes) -> None:
    """Write all entries anew under another vault, inside the caller's transaction: the chain stays, with new links."""
    from sigkd.gallery.schema import AUDIT_TRIGGERS

    definitions = [
        connection.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)).fetchone()[0]
        for name in AUDIT_TRIGGERS
    ]
    for name in AUDIT_TRIGGERS:
        connection.execute(f"DROP TRIGGER {name}")
    previous = _START
    for number, at, sealed in connection.execute("SELECT id, at, entry FROM audit ORDER BY id").fetchall():
        entry = new.seal(old.open(sealed, f"audit:{number}"), f"audit:{number}")
        previous = _link(pepper, previous, number, at, entry)
        connection.execute("UPDATE audit SET entry = ?, hash = ? WHERE id = ?", (entry, previous, number))
    for definition in definitions:
        connection.execute(definition)
