"""The gallery's tables, version by version: one SQLite file with an application id and a ``user_version``."""

from __future__ import annotations

import sqlite3

from sigkd.errors import GalleryError

APPLICATION_ID = 0x53494744
"""``SIGD`` in the file's header: tells a gallery from any other SQLite file."""

_VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE writer (
    id INTEGER PRIMARY KEY,
    subject BLOB NOT NULL UNIQUE,  -- keyed hash of the name: how it is found, and what the log calls it
    uid BLOB NOT NULL,             -- random; binds sealed values to their place
    name BLOB NOT NULL,
    enrolled_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE TABLE reference (
    id INTEGER PRIMARY KEY,
    writer_id INTEGER NOT NULL REFERENCES writer(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    features BLOB NOT NULL,        -- float16 or float32, little-endian
    facts BLOB NOT NULL,           -- JSON: file name, hash, measures of the ink
    image BLOB,
    UNIQUE (writer_id, ordinal)
);
CREATE TABLE template (
    writer_id INTEGER NOT NULL REFERENCES writer(id) ON DELETE CASCADE,
    classifier TEXT NOT NULL,
    negatives TEXT NOT NULL,       -- hash of the cohort, or writers:N for the N-th state of the pool
    arrays BLOB NOT NULL,          -- safetensors
    PRIMARY KEY (writer_id, classifier)
) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    entry BLOB NOT NULL,           -- JSON: actor, action, subject, detail
    hash BLOB NOT NULL             -- keyed hash over the previous hash and this row
);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""

_VERSION_2 = """
CREATE TABLE pool (reference_id INTEGER PRIMARY KEY REFERENCES reference(id) ON DELETE CASCADE);
INSERT INTO meta VALUES ('pool_version', 0);
CREATE TRIGGER pool_grew AFTER INSERT ON pool BEGIN UPDATE meta SET value = value + 1 WHERE key = 'pool_version'; END;
CREATE TRIGGER pool_shrank AFTER DELETE ON pool BEGIN UPDATE meta SET value = value + 1 WHERE key = 'pool_version'; END;
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2)
"""What brings version n to n + 1; the first makes an empty file a gallery. Never change one that was released."""

SCHEMA_VERSION = len(MIGRATIONS)

AUDIT_TRIGGERS = ("audit_no_update", "audit_no_delete")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the open file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_version(connection: sqlite3.Connection, source: str) -> int:
    """Return the version of the open file.

    Raises:
        GalleryError: a foreign SQLite file, or a gallery of a newer sigkd.
    """
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = version_of(connection)
    if application != APPLICATION_ID:
        raise GalleryError(f"{source}: an SQLite file, but not a sigkd gallery")
    if version > SCHEMA_VERSION:
        raise GalleryError(
            f"{source}: written by a newer sigkd (gallery version {version}, this one knows "
            f"{SCHEMA_VERSION}); upgrade sigkd"
        )
    return version


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the open file to the newest version in one transaction; return the version it had."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = version_of(connection)
        for step in MIGRATIONS[before:]:
            for statement in _statements(step):
                connection.execute(statement)
        if before < SCHEMA_VERSION:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return before


def _statements(script: str) -> list[str]:
    """Split a script into statements: ``executescript`` would commit before it starts."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current.strip())
            current = ""
    return [statement for statement in statements if statement]
