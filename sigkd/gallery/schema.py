"""The gallery's tables, version by version: one SQLite file with an application id and a ``user_version``."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache

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

_VERSION_3 = """
DROP TABLE template;
CREATE TABLE template (
    writer_id INTEGER NOT NULL REFERENCES writer(id) ON DELETE CASCADE,
    classifier TEXT NOT NULL,
    negatives TEXT NOT NULL,       -- hash of the cohort, or writers:N for the N-th state of the pool
    revision INTEGER NOT NULL,     -- of the writer, when it was fitted
    arrays BLOB NOT NULL,          -- safetensors
    digest BLOB NOT NULL,          -- keyed hash over this row
    PRIMARY KEY (writer_id, classifier)
) WITHOUT ROWID;
ALTER TABLE writer ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;   -- grows with every change
ALTER TABLE writer ADD COLUMN digest BLOB NOT NULL DEFAULT x'';      -- over this row and its references' digests
ALTER TABLE reference ADD COLUMN pooled INTEGER NOT NULL DEFAULT 0;  -- 1: serves as a negative for other writers
ALTER TABLE reference ADD COLUMN image_digest BLOB;
ALTER TABLE reference ADD COLUMN digest BLOB NOT NULL DEFAULT x'';   -- over this row, with the image's digest
UPDATE reference SET pooled = 1 WHERE id IN (SELECT reference_id FROM pool);
DROP TABLE pool;
CREATE INDEX reference_pooled ON reference (id) WHERE pooled = 1;
"""

_VERSION_4 = """
CREATE TABLE query (
    id INTEGER PRIMARY KEY,
    writer_id INTEGER NOT NULL REFERENCES writer(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    facts BLOB NOT NULL,           -- JSON: when it was verified, its hash, the picture that copies are found by
    digest BLOB NOT NULL,          -- keyed hash over this row
    UNIQUE (writer_id, ordinal)
);
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4)
"""What brings version n to n + 1; the first makes an empty file a gallery. Never change one that was released."""

SCHEMA_VERSION = len(MIGRATIONS)

SIGNED_SINCE = 3
"""The version from which all values have digests."""

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


def check_objects(connection: sqlite3.Connection, source: str) -> None:
    """Refuse a file whose tables, indexes and triggers are not exactly those of a gallery of its version.

    A view in the place of a table may run for ever, a trigger of the right name may do nothing.

    Raises:
        GalleryError: the first object that is foreign, changed or missing.
    """
    expected, found = _expected_objects(version_of(connection)), _objects(connection)
    # Lists, too: the same object twice would vanish in a set.
    wrong = sorted({name for name, *_ in set(expected) ^ set(found)} or ({"doubled"} if expected != found else ()))
    if wrong:
        raise GalleryError(f"{source}: tampered with or damaged: '{wrong[0]}' is not the program's: restore a backup")


def _objects(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return name, kind and definition of everything in the file but SQLite's own tables and indexes."""
    rows = connection.execute("SELECT name, type, sql FROM sqlite_master").fetchall()
    return sorted(
        # SQLite itself changes spaces and quotes of a definition when it alters a table
        (str(name), str(kind), "".join(str(sql).split()).replace('"', ""))
        for name, kind, sql in rows
        if not (kind == "table" and name in _SQLITES_OWN) and not (kind == "index" and sql is None)
    )


_SQLITES_OWN = {"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}


@lru_cache(maxsize=4)
def _expected_objects(version: int) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(":memory:")
    for step in MIGRATIONS[:version]:
        connection.executescript(step)
    try:
        return _objects(connection)
    finally:
        connection.close()


def migrate(connection: sqlite3.Connection, complete: Callable[[int], None] = lambda _: None) -> int:
    """Bring the open file to the newest version in one transaction; return the version it had.

    ``complete`` is called inside it with that version, after a file with content got its new tables.
    """
    # the write lock before the version is read: of two that open an old file at once, the second finds it migrated
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = version_of(connection)
        for step in MIGRATIONS[before:]:
            for statement in _statements(step):
                connection.execute(statement)
        if 0 < before < SCHEMA_VERSION:
            complete(before)
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
