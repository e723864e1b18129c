"""The gallery: enrolled writers in one SQLite file, durable, private, and forgetting on demand."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sigkd._version import __version__
from sigkd.errors import AlreadyEnrolledError, GalleryError, NotEnrolledError, PassphraseError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.connection import READ_ONLY, connect, create_file, explained, is_writable, transaction
from sigkd.gallery.records import (
    EnrolledWriter,
    StoredReference,
    WriterState,
    clean_name,
    pack_facts,
    pack_features,
    unpack_reference,
)
from sigkd.gallery.vault import KeyVault, PlainVault, Vault, keyed_hash, new_vault, unlock
from sigkd.models.binding import Binding

logger = logging.getLogger(__name__)

POOL_SIZE = 1000
"""References that serve as negatives for all writers, at most."""
POOL_PER_WRITER = 2


class Gallery:
    """An open gallery. One connection, used under a lock: methods may be called from several threads."""

    def __init__(self, path: Path, *, passphrase: str | None = None, read_only: bool | None = None) -> None:
        """Open an existing gallery.

        Args:
            path: the file.
            passphrase: of an encrypted gallery; None for a plain one.
            read_only: open for reading only; None: where the file may not be written.

        Raises:
            PassphraseError: missing, wrong, or given for a plain gallery; GalleryError: absent, foreign, damaged, or of
                a newer version.
        """
        self.path = Path(path)
        self.read_only = (self.path.exists() and not is_writable(self.path)) if read_only is None else read_only
        self.connection = connect(self.path, read_only=self.read_only)
        self.lock = threading.RLock()
        try:
            with explained(self.path):
                self._load_header(passphrase)
        except BaseException:
            self.connection.close()
            raise
        how = "encrypted" if self.encrypted else "plain"
        logger.info("%s: opened for %s, %s", self.path, "reading" if self.read_only else "writing", how)

    @classmethod
    def create(
        cls, path: Path, *, passphrase: str | None = None, log: bool = True, actor: str | None = None
    ) -> Gallery:
        """Make a gallery (mode 0600) and open it; where one exists it is opened.

        Args:
            path: the file.
            passphrase: encrypts every value of a person; a plain gallery that exists already is refused.
            log: keep an audit log.
            actor: who, for the log.
        """

        def initialise(connection: sqlite3.Connection) -> None:
            identity = uuid.uuid4().hex
            vault, header = (PlainVault(), "") if passphrase is None else new_vault(passphrase, identity)
            pepper = os.urandom(32)
            values = {
                "id": identity,
                "created_at": audit.now(),
                "sigkd_version": __version__,
                "encryption": header,
                "pepper": vault.seal(pepper, "pepper"),
                "audit": "on" if log else "off",
            }
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            if log:
                who = actor or audit.default_actor()
                audit.append(
                    connection, vault, pepper, actor=who, action="create", detail={"encrypted": vault.encrypted}
                )

        path = Path(path)
        if not path.exists():
            create_file(path, initialise)
        return cls(path, passphrase=passphrase)

    def _load_header(self, passphrase: str | None) -> None:
        self.id = str(self.meta("id"))
        self.header = str(self.meta("encryption"))
        if passphrase is not None and not self.header:
            raise PassphraseError(
                f"{self.path}: is not encrypted, and a passphrase would protect nothing: leave it out, or encrypt the "
                "gallery ('sigkd gallery rekey --encrypt')"
            )
        self.vault: Vault = unlock(self.header, passphrase, self.id, str(self.path)) if self.header else PlainVault()
        self.pepper = self.vault.open(self.meta("pepper"), "pepper")

    def meta(self, key: str, default: Any = None) -> Any:
        """Return a value of the header.

        Raises:
            GalleryError: it is missing and has no default.
        """
        row = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None and default is None:
            raise GalleryError(f"{self.path}: the gallery's header lacks '{key}': restore a backup")
        return default if row is None else row[0]

    def set_meta(self, key: str, value: str | bytes) -> None:
        """Write a value of the header, inside the caller's transaction."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file; SQLite folds its write-ahead log back into it."""
        with self.lock:
            self.connection.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Run a block as one durable transaction.

        Raises:
            GalleryError: the file is read-only, the disk is full, another process does not end its write.
        """
        if self.read_only:
            raise GalleryError(f"{self.path}: {READ_ONLY}")
        with self.lock, transaction(self.connection, self.path):
            self._check_key()
            yield

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run a block of reads on one state of the file, with SQLite's errors explained.

        Raises:
            PassphraseError: another process gave the gallery another key, or took it off.
        """
        with self.lock, explained(self.path):
            if self.connection.in_transaction:
                yield self.connection
                return
            self.connection.execute("BEGIN")
            try:
                self._check_key()
                yield self.connection
            finally:
                self.connection.execute("ROLLBACK")

    def _check_key(self) -> None:
        """Refuse to go on with a key that is no longer the gallery's: what it sealed nobody could open."""
        if self.meta("encryption") != self.header:
            raise PassphraseError(f"{self.path}: another process changed its encryption: open it again")

    # -- what the gallery is bound to

    @property
    def binding(self) -> Binding | None:
        """What the features were extracted with; None before the first enrolment."""
        with self.reading():
            text = self.meta("binding", "")
        return Binding.from_dict(json.loads(text)) if text else None

    def check_binding(self, binding: Binding) -> None:
        """Refuse a model whose features cannot be compared with the enrolled ones.

        Raises:
            GalleryError: another model, preprocessing or canvas; the message names the remedy.
        """
        known = self.binding
        difference = None if known is None else known.difference(binding)
        if difference:
            raise GalleryError(
                f"{self.path}: {difference}: use the gallery's model, or 'sigkd gallery rekey --model M' (it extracts "
                "the features again where images were kept)"
            )

    @property
    def audited(self) -> bool:
        """Whether the gallery keeps its log."""
        with self.reading():
            return str(self.meta("audit")) == "on"

    def subject(self, name: str) -> bytes:
        """Return the keyed hash by which a name is found and called in the log."""
        return keyed_hash(self.pepper, clean_name(name).encode())

    def log(
        self, actor: str | None, action: str, name: str | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        """Append to the log inside the caller's transaction, where it is kept."""
        if self.audited:
            subject = None if name is None else self.subject(name)
            who = actor or audit.default_actor()
            audit.append(
                self.connection, self.vault, self.pepper, actor=who, action=action, subject=subject, detail=detail
            )

    def switch_log(self, state: str, *, actor: str | None = None) -> None:
        """Switch the log ``on`` or ``off``; the switch itself is logged."""
        if state not in ("on", "off"):
            raise UsageError(f"the log is switched on or off, not '{state}'")
        with self.writing():
            self.set_meta("audit", "on")
            self.log(actor, "audit", detail={"switched": state})
            self.set_meta("audit", state)

    def entries(self, name: str | None = None, *, last: int | None = None) -> list[audit.Entry]:
        """Return the log's entries, of one writer (also a removed one) or all."""
        subject = None if name is None else self.subject(name)
        with self.reading() as connection:
            return audit.entries(connection, self.vault, subject=subject, last=last)

    # -- writers

    def __contains__(self, name: str) -> bool:
        with self.reading() as connection:
            found = connection.execute("SELECT 1 FROM writer WHERE subject = ?", (self.subject(name),)).fetchone()
        return found is not None

    def __len__(self) -> int:
        with self.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM writer").fetchone()[0])

    def enroll(self, name: str, references: Sequence[StoredReference], binding: Binding, **options: Any) -> None:
        """Enrol one writer; on return the enrolment is on the disk (options: see :meth:`enroll_many`)."""
        self.enroll_many([(name, references)], binding, **options)

    def enroll_many(
        self,
        writers: Sequence[tuple[str, Sequence[StoredReference]]],
        binding: Binding,
        *,
        mode: str = "new",
        actor: str | None = None,
    ) -> None:
        """Enrol writers in one transaction: all of them or none.

        Args:
            writers: names and references.
            binding: what the features were extracted with.
            mode: ``new`` (an enrolled name is an error), ``add`` references, or ``replace`` them.
            actor: who, for the log.

        Raises:
            AlreadyEnrolledError: in the mode ``new``; GalleryError: another model, or the file cannot be written.
        """
        with self.writing():
            self.enroll_rows(writers, binding, mode=mode, actor=actor)

    def enroll_rows(
        self,
        writers: Sequence[tuple[str, Sequence[StoredReference]]],
        binding: Binding,
        *,
        mode: str,
        actor: str | None,
    ) -> None:
        """Do what :meth:`enroll_many` does inside the caller's transaction."""
        if mode not in ("new", "add", "replace"):
            raise UsageError(f"unknown mode '{mode}': use new, add or replace")
        self.check_binding(binding)
        self.set_meta("binding", json.dumps(binding.as_dict()))
        for name, references in writers:
            count = self._enroll_one(clean_name(name), references, mode)
            images = all(reference.image is not None for reference in references)
            self.log(
                actor, "enroll", name, {"references": len(references), "of": count, "mode": mode, "images": images}
            )
        total = sum(len(references) for _, references in writers)
        logger.info("%s: enrolling %d writers with %d references (%s)", self.path, len(writers), total, mode)

    def _enroll_one(self, name: str, references: Sequence[StoredReference], mode: str) -> int:
        if not references:
            raise UsageError(f"'{name}': at least one reference is needed")
        connection, time = self.connection, audit.now()
        row = connection.execute("SELECT id, uid FROM writer WHERE subject = ?", (self.subject(name),)).fetchone()
        if row is not None and mode == "new":
            raise AlreadyEnrolledError(
                f"'{name}' is enrolled already: add references (`mode='add'`) or replace them (`mode='replace'`)"
            )
        if row is None:
            uid = os.urandom(16)
            sealed = self.vault.seal(name.encode(), f"name:{uid.hex()}")
            cursor = connection.execute(
                "INSERT INTO writer (subject, uid, name, enrolled_at, updated_at) VALUES (?, ?, ?, ?, ?)",
                (self.subject(name), uid, sealed, time, time),
            )
            writer = int(cursor.lastrowid or 0)
        else:
            writer, uid = int(row[0]), bytes(row[1])
            connection.execute("UPDATE writer SET updated_at = ? WHERE id = ?", (time, writer))
            connection.execute("DELETE FROM template WHERE writer_id = ?", (writer,))
            if mode == "replace":
                connection.execute("DELETE FROM reference WHERE writer_id = ?", (writer,))
        first = connection.execute(
            "SELECT coalesce(max(ordinal), 0) FROM reference WHERE writer_id = ?", (writer,)
        ).fetchone()[0]
        for ordinal, reference in enumerate(references, first + 1):
            self.insert_reference(writer, uid, ordinal, reference)
        self._fill_pool(writer)
        return int(connection.execute("SELECT count(*) FROM reference WHERE writer_id = ?", (writer,)).fetchone()[0])

    def insert_reference(self, writer: int, uid: bytes, ordinal: int, reference: StoredReference) -> None:
        """Write one reference, inside the caller's transaction."""
        place = f"{uid.hex()}:{ordinal}"
        image = None if reference.image is None else self.vault.seal(reference.image, f"image:{place}")
        self.connection.execute(
            "INSERT INTO reference (writer_id, ordinal, features, facts, image) VALUES (?, ?, ?, ?, ?)",
            (
                writer,
                ordinal,
                self.vault.seal(pack_features(reference.features), f"features:{place}"),
                self.vault.seal(pack_facts(reference), f"facts:{place}"),
                image,
            ),
        )

    def remove(self, name: str, *, actor: str | None = None) -> bool:
        """Forget a writer: rows, templates and pool entries are zeroed, and the write-ahead log is emptied.

        Returns:
            Whether the bytes are gone from the files now; False where another process still reads: they go with the
            next :meth:`erase`, at the latest when the last process closes the gallery.

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.writing():
            found = self.connection.execute("DELETE FROM writer WHERE subject = ?", (self.subject(name),)).rowcount
            if not found:
                raise self._not_enrolled(name)
            self.log(actor, "remove", name)
        logger.info("%s: a writer was removed", self.path)
        return self.erase()

    def erase(self) -> bool:
        """Fold the write-ahead log into the file and cut it to nothing; False where another process prevents it."""
        with self.lock, explained(self.path):
            done = bool(self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        if not done:
            logger.warning("%s: another process reads: old values stay in the write-ahead log until it ends", self.path)
        return done

    def rebuild(self) -> None:
        """Write the whole file anew: nothing that was deleted stays in unused parts of it.

        Raises:
            GalleryError: there is no room; the file is as it was.
        """
        with self.lock, explained(self.path):
            self.connection.execute("VACUUM")

    def row(self, name: str) -> tuple[int, str]:
        """Return a writer's row and uid (hexadecimal).

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.reading() as connection:
            row = connection.execute("SELECT id, uid FROM writer WHERE subject = ?", (self.subject(name),)).fetchone()
        if row is None:
            raise self._not_enrolled(name)
        return int(row[0]), bytes(row[1]).hex()

    def _not_enrolled(self, name: str) -> NotEnrolledError:
        return NotEnrolledError(f"'{name}' is not enrolled in {self.path}; 'sigkd gallery list' shows who is")

    def state(self, name: str) -> WriterState:
        """Return what a writer's comparison depends on, read in one query: another process may have changed it.

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT w.id, w.updated_at, p.value, b.value FROM writer w, meta p, meta b "
                "WHERE w.subject = ? AND p.key = 'pool_version' AND b.key = 'binding'",
                (self.subject(name),),
            ).fetchone()
        if row is None:
            raise self._not_enrolled(name)
        return WriterState(*row)

    def writers(self, name: str | None = None) -> list[EnrolledWriter]:
        """Return all writers by name, or the one of this name."""
        query = (
            "SELECT w.uid, w.name, w.enrolled_at, w.updated_at, w.subject, count(r.id), count(r.image) "
            "FROM writer w LEFT JOIN reference r ON r.writer_id = w.id"
        )
        clause, values = ("", ()) if name is None else (" WHERE w.subject = ?", (self.subject(name),))
        if name is not None:
            self.row(name)
        with self.reading() as connection:
            rows = connection.execute(f"{query}{clause} GROUP BY w.id", values).fetchall()
        found = []
        for uid, sealed, enrolled, updated, subject, count, images in rows:
            known = self.vault.open(sealed, f"name:{bytes(uid).hex()}").decode()
            found.append(EnrolledWriter(known, count, enrolled, updated, images == count, subject.hex()))
        return sorted(found, key=lambda writer: writer.name)

    def references(self, name: str, *, images: bool = False) -> list[StoredReference]:
        """Return a writer's references in the order of enrolment."""
        writer, uid = self.row(name)
        query = (
            "SELECT ordinal, features, facts, CASE WHEN ? THEN image END FROM reference WHERE writer_id = ? "
            "ORDER BY ordinal"
        )
        with self.reading() as connection:
            rows = connection.execute(query, (images, writer)).fetchall()

        def value(sealed: bytes, column: str, ordinal: int) -> bytes:
            return self.vault.open(sealed, f"{column}:{uid}:{ordinal}")

        return [
            unpack_reference(
                value(features, "features", ordinal),
                value(facts, "facts", ordinal),
                None if image is None else value(image, "image", ordinal),
            )
            for ordinal, features, facts, image in rows
        ]

    def _fill_pool(self, writer: int) -> None:
        """Let a new writer's references serve as negatives while there is room."""
        connection = self.connection
        room = POOL_SIZE - int(connection.execute("SELECT count(*) FROM pool").fetchone()[0])
        if room > 0:
            connection.execute(
                "INSERT OR IGNORE INTO pool SELECT id FROM reference WHERE writer_id = ? ORDER BY ordinal LIMIT ?",
                (writer, min(room, POOL_PER_WRITER)),
            )

    @property
    def encrypted(self) -> bool:
        """Whether values are sealed."""
        return isinstance(self.vault, KeyVault)
