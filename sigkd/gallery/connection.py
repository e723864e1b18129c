"""Opening the gallery's file safely: created whole, private, durable; every error of SQLite in one clear line."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sigkd.errors import GalleryError, LockedError
from sigkd.files import flush_folder
from sigkd.gallery.schema import check_objects, check_version, migrate

BUSY_SECONDS = 30.0
"""How long to wait for another process's write."""
READ_ONLY = "is read-only; nothing was changed: make it writable, or verify with `audit=False`"
MAX_VALUE = 64 * 2**20
"""Bytes of the largest value (a kept image) that is written or read."""
_MAGIC = b"SQLite format 3\x00"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a :class:`GalleryError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        kind = LockedError if _is_locked(str(error)) else GalleryError
        text = " ".join(_explanation(str(error)).split())
        raise kind(f"{path}: {text}") from error
    except UnicodeDecodeError as error:  # of a name in SQLite's own tables
        raise GalleryError(f"{path}: {_explanation('malformed text')}") from error


def _is_locked(text: str) -> bool:
    return "locked" in text.lower() or "busy" in text.lower()


def _explanation(text: str) -> str:
    # By the words: several codes ask the same of the user.
    lower = text.lower()
    if "full" in lower:
        return "the disk is full; nothing of this change was kept: free some space and repeat it"
    if "readonly" in lower or "read-only" in lower:
        return READ_ONLY
    if _is_locked(text):
        return f"another process has been writing for {BUSY_SECONDS:.0f} s; try again"
    if any(word in lower for word in ("not a database", "malformed", "corrupt", "decode")):
        return f"damaged or not a gallery ({text}): restore a backup"
    if "too big" in lower:
        return f"holds a value of more than {MAX_VALUE // 2**20} MiB: damaged or tampered with, restore a backup"
    if "i/o" in lower:
        return f"the disk reports an error or is full ({text}); nothing of this change was kept"
    if "unable to open" in lower:
        return "cannot be opened: check the path and its permissions"
    return text


def create_file(path: Path, initialise: object) -> None:
    """Make a new gallery whole or not at all: prepared under a temporary name (mode 0600), then linked into place.

    Args:
        path: the target; nothing happens where it exists already (another process was faster).
        initialise: called with the open connection after the tables were made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    os.close(handle)
    # Beside the target: a link cannot cross file systems.
    temporary = Path(name)
    try:
        with explained(path):
            connection = sqlite3.connect(temporary, isolation_level=None)
            try:
                connection.execute("PRAGMA synchronous = FULL")
                migrate(connection)
                connection.execute("BEGIN IMMEDIATE")
                initialise(connection)  # type: ignore[operator]
                connection.execute("COMMIT")
                connection.execute("PRAGMA journal_mode = WAL")
            finally:
                connection.close()
        with suppress(FileExistsError):
            # Unlike a rename, a link fails where the name is taken: of two processes one wins and the other opens its
            # file.
            os.link(temporary, path)
        flush_folder(path.parent)
    finally:
        for leftover in (temporary, *(Path(f"{temporary}{suffix}") for suffix in ("-wal", "-shm", "-journal"))):
            leftover.unlink(missing_ok=True)


def is_writable(path: Path) -> bool:
    """Tell whether the file may be written; a file without any write bit is respected even for the superuser."""
    return bool(path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)) and os.access(path, os.W_OK)


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open an existing gallery and check that it is one, of this version or an older one.

    Raises:
        GalleryError: absent, foreign, cut off, tampered with, newer than this program, or not to be opened.
    """
    if not path.exists():
        raise GalleryError(f"{path}: no such gallery; 'sigkd enroll NAME IMAGES... --gallery {path.name}' makes one")
    if not path.is_file():
        raise GalleryError(f"{path}: is a {'folder' if path.is_dir() else 'device or pipe'}, not a gallery")
    try:
        with path.open("rb") as stream:
            head = stream.read(len(_MAGIC))
    except PermissionError:
        raise GalleryError(f"{path}: may not be read by this user") from None
    # Before SQLite sees it, to which an empty file is a new database.
    if head != _MAGIC:
        raise GalleryError(f"{path}: not a gallery (no SQLite file)")
    with explained(path):
        connection = _connect_reading(path) if read_only else _connect_writing(path)
    try:
        with explained(path):
            # A file from anywhere: nothing in it may run code, make huge values, or leave copies in temporary files.
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE + 4096)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            # Forgotten writers: freed pages are overwritten with zeros.
            connection.execute("PRAGMA secure_delete = ON")
            check_version(connection, str(path))
            check_objects(connection, str(path))
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_writing(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _connect_reading(path: Path) -> sqlite3.Connection:
    """Open for reading only; on a medium where SQLite cannot make its shared-memory file, as an unchanging file."""
    address = path.resolve().as_uri()
    wal = Path(f"{path}-wal")
    # 'immutable' ignores the write-ahead log: with content in it, an old state would be read.
    unwritten = not wal.exists() or wal.stat().st_size == 0
    for query in ("mode=ro", "mode=ro&immutable=1") if unwritten else ("mode=ro",):
        connection = sqlite3.connect(
            f"{address}?{query}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            continue
        return connection
    raise sqlite3.OperationalError("unable to open")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Run a block in one write transaction: all of it is on the disk when the block ends, or nothing."""
    with explained(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite rolls back by itself on some errors
                connection.execute("ROLLBACK")
            raise


def needs_passphrase(path: Path) -> bool:
    """Tell whether an existing gallery is encrypted.

    Raises:
        GalleryError: it is no gallery.
    """
    connection = connect(path, read_only=not is_writable(path))
    try:
        with explained(path):
            row = connection.execute("SELECT value FROM meta WHERE key = 'encryption'").fetchone()
        return bool(row and row[0])
    finally:
        connection.close()
