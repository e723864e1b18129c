"""Enrolled writers in one SQLite file: durable, private, and forgotten on demand."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sigkd.errors import AlreadyEnrolledError, GalleryError, NotEnrolledError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.connection import MAX_VALUE
from sigkd.gallery.digests import image_digest, reference_digest, rolled, writer_digest
from sigkd.gallery.file import SIGNED, GalleryFile
from sigkd.gallery.notes import Notes, note_key, open_notes
from sigkd.gallery.records import (
    EnrolledWriter,
    StoredReference,
    WriterState,
    clean_name,
    pack_facts,
    pack_features,
    unpack_features,
    unpack_reference,
)
from sigkd.gallery.vault import keyed_hash
from sigkd.models.binding import Binding
from sigkd.registry import nearest

logger = logging.getLogger(__name__)

POOL_SIZE = 1000
"""References that serve as negatives for all writers, at most."""
POOL_PER_WRITER = 2
HINTED = 5000
"""Writers up to whom a wrong name is answered with the nearest one."""


class Gallery(GalleryFile):
    """The gallery of enrolled writers: one open file (see :class:`GalleryFile` for how it is opened and made)."""

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
        self._check_features(writers)
        for name, references in writers:
            count = self._enroll_one(clean_name(name), references, mode)
            images = all(reference.image is not None for reference in references)
            self.log(
                actor, "enroll", name, {"references": len(references), "of": count, "mode": mode, "images": images}
            )
        total = sum(len(references) for _, references in writers)
        logger.info("%s: enrolling %d writers with %d references (%s)", self.path, len(writers), total, mode)

    def _check_features(self, writers: Sequence[tuple[str, Sequence[StoredReference]]]) -> None:
        """Refuse features that cannot be compared: of several lengths, or not finite."""
        row = self.connection.execute(
            "SELECT w.uid, r.ordinal, r.features FROM reference r JOIN writer w ON w.id = r.writer_id LIMIT 1"
        ).fetchone()
        # One row stands for all: no other length ever gets in.
        enrolled = row and unpack_features(self.vault.open(row[2], f"features:{row[0].hex()}:{row[1]}"))
        lengths = set() if enrolled is None else {len(enrolled)}
        for name, references in writers:
            for reference in references:
                lengths.add(len(reference.features))
                if len(lengths) > 1 or not np.isfinite(reference.features).all():
                    what = f"of lengths {sorted(lengths)}" if len(lengths) > 1 else "that are not finite"
                    raise GalleryError(f"'{name}': features {what} cannot be compared")

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
            # not the row's number, which SQLite may give again: what is sealed for one writer fits no other
            uid = os.urandom(16)
            # For this place: a name moved to another row would not open.
            sealed = self.vault.seal(name.encode(), f"name:{uid.hex()}")
            cursor = connection.execute(
                "INSERT INTO writer (subject, uid, name, enrolled_at, updated_at) VALUES (?, ?, ?, ?, ?)",
                (self.subject(name), uid, sealed, time, time),
            )
            writer = int(cursor.lastrowid or 0)
        else:
            writer, uid = int(row[0]), bytes(row[1])
            connection.execute("UPDATE writer SET updated_at = ? WHERE id = ?", (time, writer))
            # fitted on other references than there will be: fitted again when next needed
            connection.execute("DELETE FROM template WHERE writer_id = ?", (writer,))
            if mode == "replace":
                # while the old rows still tell whether they were in the pool
                self.pool_changes(writer)
                connection.execute("DELETE FROM reference WHERE writer_id = ?", (writer,))
        last, pooled = connection.execute(
            "SELECT coalesce(max(ordinal), 0), coalesce(sum(pooled), 0) FROM reference WHERE writer_id = ?", (writer,)
        ).fetchone()
        in_pool = int(connection.execute("SELECT count(*) FROM reference WHERE pooled = 1").fetchone()[0])
        # few of each, so that no writer with many references stands for everybody else
        room = max(min(POOL_PER_WRITER - pooled, POOL_SIZE - in_pool), 0)
        for place, reference in enumerate(references):
            dated = reference if reference.added_at else replace(reference, added_at=time)
            self._insert_reference(writer, uid, last + 1 + place, dated, pooled=int(place < room))
        if room:
            self.pool_changes(writer)
        self.sign_writer(writer)
        return int(connection.execute("SELECT count(*) FROM reference WHERE writer_id = ?", (writer,)).fetchone()[0])

    def _insert_reference(self, writer: int, uid: bytes, ordinal: int, reference: StoredReference, pooled: int) -> None:
        # What is sealed here opens nowhere else.
        place = f"{uid.hex()}:{ordinal}"
        image = None if reference.image is None else self.vault.seal(reference.image, f"image:{place}")
        if image is not None and len(image) > MAX_VALUE:
            raise GalleryError(
                f"'{reference.name}': {len(image) / 2**20:.0f} MiB are more than the {MAX_VALUE // 2**20} MiB that are "
                "kept of an image: enrol it without `keep_images`"
            )
        features = self.vault.seal(pack_features(reference.features), f"features:{place}")
        facts = self.vault.seal(pack_facts(reference), f"facts:{place}")
        # Of its own, so that references are checked without reading megabytes of images.
        seen = image_digest(self.pepper, uid, ordinal, image)
        own = reference_digest(self.pepper, uid, ordinal, pooled, features, facts, seen)
        self.connection.execute(
            "INSERT INTO reference (writer_id, ordinal, features, facts, image, pooled, image_digest, digest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (writer, ordinal, features, facts, image, pooled, seen, own),
        )

    def pool_changes(self, writer: int) -> None:
        """Count a change of the pool, where the writer's references are in it: templates fitted on it are outdated."""
        pooled = "SELECT 1 FROM reference WHERE writer_id = ? AND pooled = 1"
        if self.connection.execute(pooled, (writer,)).fetchone():
            self.connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'pool_version'")

    def remove(self, name: str, *, actor: str | None = None) -> bool:
        """Forget a writer: rows, templates, queries and pool entries are zeroed, and the write-ahead log is emptied.

        Returns:
            Whether the bytes are gone from the files now; False where another process still reads: they go with the
            next :meth:`erase`, at the latest when the last process closes the gallery.

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.writing():
            writer, uid = self.row(name)
            # the roll is kept of digests: without taking this one out a check would miss the writer
            (digest,) = self.connection.execute("SELECT digest FROM writer WHERE id = ?", (writer,)).fetchone()
            rows = self.connection.execute("SELECT digest FROM query WHERE writer_id = ?", (writer,)).fetchall()
            self.pool_changes(writer)
            self.connection.execute("DELETE FROM writer WHERE id = ?", (writer,))
            self.connection.execute("DELETE FROM meta WHERE key = ?", (note_key(uid),))
            self.set_meta("roll", rolled(self.meta("roll"), taken=[digest]))
            self.set_meta("queries", rolled(self.meta("queries"), taken=[row[0] for row in rows]))
            self.log(actor, "remove", name)
        logger.info("%s: a writer was removed", self.path)
        # SQLite folds its log back only outside a transaction
        return self.erase()

    def row(self, name: str) -> tuple[int, str]:
        """Return a writer's row and uid (hexadecimal).

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.reading() as connection:
            row = connection.execute("SELECT id, uid FROM writer WHERE subject = ?", (self.subject(name),)).fetchone()
        if row is None:
            raise self._not_enrolled(name)
        return int(row[0]), self._uid(row[1])

    def _uid(self, stored: object) -> str:
        if not isinstance(stored, bytes):  # SQLite keeps any type in any column
            raise GalleryError(f"{self.path}: a writer's row is damaged: restore a backup")
        return stored.hex()

    def _not_enrolled(self, name: str) -> NotEnrolledError:
        # of very many, reading all names would take longer than any hint is worth
        known = [one.name for one in self.writers()] if len(self) <= HINTED else []
        hint = nearest(name, known)
        return NotEnrolledError(f"'{name}' is not enrolled in {self.path}.{hint} 'sigkd gallery list' shows who is")

    def state(self, name: str) -> WriterState:
        """Return what a writer's comparison depends on, read in one query: another process may have changed it.

        Raises:
            NotEnrolledError: nobody has this name.
        """
        with self.reading() as connection:
            row = connection.execute(
                "SELECT w.uid, w.revision, p.value, b.value FROM writer w, meta p, meta b "
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
            # raises where nobody has the name; the query below would find no row and say nothing
            self.row(name)
        with self.reading() as connection:
            rows = connection.execute(f"{query}{clause} GROUP BY w.id", values).fetchall()
            noted = dict(connection.execute("SELECT key, value FROM meta WHERE key LIKE 'note:%'").fetchall())
        found = []
        for uid, sealed, enrolled, updated, subject, count, images in rows:
            kept = noted.get(note_key(self._uid(uid)))
            notes = Notes() if kept is None else open_notes(self.vault, self._uid(uid), kept)
            own = self._name(uid, sealed, subject)
            found.append(
                EnrolledWriter(own, count, enrolled, updated, images == count, subject.hex(), notes.note, notes.flag)
            )
        return sorted(found, key=lambda writer: writer.name)

    def name_of(self, subject: bytes) -> str:
        """Return the name of the writer whom the log calls ``subject``."""
        with self.reading() as connection:
            row = connection.execute("SELECT uid, name FROM writer WHERE subject = ?", (subject,)).fetchone()
        if row is None:
            raise GalleryError(f"{self.path}: its index is damaged: restore a backup")
        return self._name(row[0], row[1], subject)

    def _name(self, uid: bytes, sealed: bytes, subject: bytes) -> str:
        content = self.vault.open(sealed, f"name:{self._uid(uid)}")
        # a list of writers checks no digests: only this shows a name that was exchanged
        if keyed_hash(self.pepper, content) != subject:
            raise GalleryError(f"{self.path}: a writer's name was changed: restore a backup")
        return content.decode()

    def references(self, name: str, *, images: bool = False) -> list[StoredReference]:
        """Return a writer's references in the order of enrolment.

        Raises:
            NotEnrolledError: nobody has this name; GalleryError: a value is damaged.
        """
        query = (
            "SELECT ordinal, pooled, features, facts, image_digest, digest, CASE WHEN ? THEN image END FROM reference "
            "WHERE writer_id = ? ORDER BY ordinal"
        )
        with self.reading() as connection:
            writer, uid = self.row(name)
            *row, own = connection.execute(f"SELECT {SIGNED}, digest FROM writer WHERE id = ?", (writer,)).fetchone()  # noqa: S608
            rows = connection.execute(query, (images, writer)).fetchall()
        if own != writer_digest(self.pepper, row, [one[5] for one in rows]):
            raise GalleryError(f"{self.path}: what is stored of '{name}' was changed: restore a backup")
        return [self._reference(uid, name, images, *one) for one in rows]

    def _reference(
        self,
        uid: str,
        name: str,
        images: bool,
        ordinal: int,
        pooled: int,
        features: bytes,
        facts: bytes,
        seen: bytes | None,
        own: bytes,
        image: bytes | None,
    ) -> StoredReference:
        owner = bytes.fromhex(uid)
        # the image's digest is part of the reference's: the image itself, the bulk of the file, is read only if wanted
        if own != reference_digest(self.pepper, owner, ordinal, pooled, features, facts, seen) or (
            images and seen != image_digest(self.pepper, owner, ordinal, image)
        ):
            raise GalleryError(f"{self.path}: reference {ordinal} of '{name}' was changed: restore a backup")

        def value(sealed: bytes, column: str) -> bytes:
            return self.vault.open(sealed, f"{column}:{uid}:{ordinal}")

        return unpack_reference(
            value(features, "features"), value(facts, "facts"), None if image is None else value(image, "image")
        )
