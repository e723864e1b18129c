"""The gallery's file: opened, brought up to date, read and written in transactions, logged, and signed with digests."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sigkd._version import __version__
from sigkd.errors import GalleryError, PassphraseError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.connection import READ_ONLY, connect, create_file, explained, is_writable, transaction
from sigkd.gallery.digests import (
    EMPTY_ROLL,
    header_digest,
    image_digest,
    query_digest,
    reference_digest,
    rolled,
    sign_header,
    writer_digest,
)
from sigkd.gallery.records import clean_name
from sigkd.gallery.schema import SCHEMA_VERSION, SIGNED_SINCE, migrate, version_of
from sigkd.gallery.vault import KeyVault, PlainVault, Vault, keyed_hash, new_vault, unlock
from sigkd.images.canvas import PREPROCESS_VERSION
from sigkd.images.resolution import Resolution, given_resolution
from sigkd.models.binding import Binding

logger = logging.getLogger(__name__)

SIGNED = "subject, uid, name, enrolled_at, updated_at, revision"
"""The values of a writer's row that its digest is over."""
# Not verifications, settings and exports: they leave the content as it was.
CHANGES = {"enroll", "remove", "rename", "forget", "rekey", "audit", "migrate"}
"""Actions whose entries in the log record the state of the content after them."""


class GalleryFile:
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
        # re-entrant: what reads also runs inside what writes
        self.lock = threading.RLock()
        try:
            with explained(self.path):
                self._load_header(passphrase)
                self._bring_up_to_date()
        except BaseException:
            self.connection.close()
            raise
        how = "encrypted" if self.encrypted else "plain"
        logger.info("%s: opened for %s, %s", self.path, "reading" if self.read_only else "writing", how)

    @classmethod
    def create(cls, path: Path, *, passphrase: str | None = None, log: bool = True, actor: str | None = None) -> Self:
        """Make a gallery (mode 0600) and open it; where one exists it is opened.

        Args:
            path: the file.
            passphrase: encrypts every value of a person; a plain gallery that exists already is refused.
            log: keep an audit log.
            actor: who, for the log.
        """

        def initialise(connection: sqlite3.Connection) -> None:
            identity = uuid.uuid4().hex
            # The gallery's own id is part of what each value is sealed for: none can be moved into another file.
            vault, header = (PlainVault(), "") if passphrase is None else new_vault(passphrase, identity)
            # Makes hashes of names this gallery's: a list of names cannot be tried out on a file without it.
            pepper = os.urandom(32)
            values = {
                "id": identity,
                "created_at": audit.now(),
                "sigkd_version": __version__,
                "encryption": header,
                "pepper": vault.seal(pepper, "pepper"),
                "audit": "on" if log else "off",
                "roll": EMPTY_ROLL,
                "queries": EMPTY_ROLL,
            }
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
            if log:
                who = actor or audit.default_actor()
                audit.append(
                    connection, vault, pepper, actor=who, action="create", detail={"encrypted": vault.encrypted}
                )
            sign_header(connection, pepper)

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
        # Sealed in an encrypted gallery: who has not the passphrase cannot even ask whether somebody is enrolled.
        try:
            self.pepper = self.vault.open(self.meta("pepper"), "pepper")
        except GalleryError as error:
            raise GalleryError(f"{self.path}: {str(error).removeprefix(f'{self.path}: ')}") from None

    def _bring_up_to_date(self) -> None:
        """Migrate an older file (a copy in memory of one that may not be written), or check the header's digest."""
        before = version_of(self.connection)
        if before == SCHEMA_VERSION:
            self._check_header()
            return
        if self.read_only:
            # Read-only media and backups can still be asked; the file itself stays as it was.
            copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            self.connection.backup(copy)
            self.connection.close()
            self.connection = copy
        migrate(self.connection, self._complete_migration)
        logger.info("%s: brought from version %d to %d", self.path, before, SCHEMA_VERSION)

    def _check_header(self) -> None:
        """Compare the header with its digest, both of one state of the file: another process may be writing."""
        with self.reading():
            if self.meta("digest") != header_digest(self.connection, self.pepper):
                raise GalleryError(f"{self.path}: its header was changed: restore a backup")

    def _complete_migration(self, before: int) -> None:
        if before >= SIGNED_SINCE:
            # signed as it is, not anew: what was changed before must still be found
            self._check_header()
            self.set_meta("queries", EMPTY_ROLL)
        else:
            self.set_meta("roll", EMPTY_ROLL)
            # Chained anew over the contents: old versions chained what was sealed, which a new key would have broken.
            audit.rewrite(self.connection, self.vault, self.vault, self.pepper)
            self.sign_everything()
        self.log(None, "migrate", detail={"version": SCHEMA_VERSION})
        sign_header(self.connection, self.pepper)

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

    def __enter__(self) -> Self:
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
            sign_header(self.connection, self.pepper)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Run a block of reads on one state of the file, with SQLite's errors explained.

        Raises:
            PassphraseError: another process gave the gallery another key, or took it off.
        """
        with self.lock, explained(self.path):
            # inside `writing`, or another read of this thread: the state of that transaction is the one to see
            if self.connection.in_transaction:
                yield self.connection
                return
            self.connection.execute("BEGIN")
            # inside the transaction, so that the key is checked of the very state that is read
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
        own = self.binding
        difference = None if own is None else own.difference(binding)
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

    @property
    def resolution(self) -> Resolution | None:
        """What is presumed of scans that do not tell their resolution; None: nothing."""
        with self.reading():
            text = self.meta("dpi", "")
        return given_resolution(float(text), "gallery") if text else None

    def presume(self, dpi: float | None, *, actor: str | None = None) -> None:
        """Set the resolution that is presumed of scans which do not tell theirs, or (None) presume none.

        Raises:
            UsageError: none of a scan, or the enrolled features are of a model that looks at pixels as they are.
        """
        resolution = None if dpi is None else given_resolution(dpi)
        binding = self.binding
        if resolution is not None and binding is not None and binding.preprocess_version == PREPROCESS_VERSION:
            raise UsageError(
                f"{self.path}: the model {binding.model_name} looks at the pixels as they are: a resolution counts for "
                "models of views"
            )
        with self.writing():
            self.set_meta("dpi", "" if resolution is None else f"{resolution.x:g}")
            self.log(actor, "settings", detail={"dpi": dpi})

    @property
    def policy(self) -> str | None:
        """The text of the policy that is bound to the gallery; None: none."""
        with self.reading():
            return str(self.meta("policy", "")) or None

    def bind_policy(self, text: str | None, facts: dict[str, Any], *, actor: str | None = None) -> None:
        """Bind a policy to the gallery, or (None) none.

        Args:
            text: of the policy's file, which the caller has checked.
            facts: what the log says of it.
            actor: who, for the log.
        """
        with self.writing():
            self.set_meta("policy", text or "")
            self.log(actor, "settings", detail={"policy": facts or None})

    def subject(self, name: str) -> bytes:
        """Return the keyed hash by which a name is found and called in the log."""
        return keyed_hash(self.pepper, clean_name(name).encode())

    def log(
        self,
        actor: str | None,
        action: str,
        name: str | None = None,
        detail: dict[str, Any] | None = None,
        *,
        subject: bytes | None = None,
    ) -> None:
        """Append to the log inside the caller's transaction, where it is kept; ``subject`` of a name not known here."""
        if self.audited:
            subject = subject if name is None else self.subject(name)
            who = actor or audit.default_actor()
            if action in CHANGES:  # the chain, and a head noted elsewhere, then vouch for the content too
                detail = {**(detail or {}), "state": self.state_digest()}
            audit.append(
                self.connection, self.vault, self.pepper, actor=who, action=action, subject=subject, detail=detail
            )

    def switch_log(self, state: str, *, actor: str | None = None) -> None:
        """Switch the log ``on`` or ``off``; the switch itself is logged."""
        if state not in ("on", "off"):
            raise UsageError(f"the log is switched on or off, not '{state}'")
        with self.writing():
            # also where the log is off: else the switch itself would leave no entry
            self.set_meta("audit", "on")
            self.log(actor, "audit", detail={"switched": state})
            self.set_meta("audit", state)

    def entries(self, name: str | None = None, *, last: int | None = None) -> list[audit.Entry]:
        """Return the log's entries, of one writer (also a removed one) or all."""
        subject = None if name is None else self.subject(name)
        with self.reading() as connection:
            return audit.entries(connection, self.vault, subject=subject, last=last)

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

    # -- digests (see :mod:`sigkd.gallery.digests`)

    def sign_writer(self, writer: int) -> None:
        """Write a changed writer's next revision and digest, inside the caller's transaction."""
        connection = self.connection
        connection.execute("UPDATE writer SET revision = revision + 1 WHERE id = ?", (writer,))
        *row, old = connection.execute(f"SELECT {SIGNED}, digest FROM writer WHERE id = ?", (writer,)).fetchone()  # noqa: S608
        new = writer_digest(self.pepper, row, self._reference_digests(writer))
        connection.execute("UPDATE writer SET digest = ? WHERE id = ?", (new, writer))
        self.set_meta("roll", rolled(self.meta("roll"), added=[new], taken=[old] if old else []))

    def sign_everything(self) -> None:
        """Write all digests anew, where stored values were written directly; inside the caller's transaction."""
        connection = self.connection
        rows = connection.execute(
            "SELECT r.id, w.uid, r.ordinal, r.pooled FROM reference r JOIN writer w ON w.id = r.writer_id"
        ).fetchall()
        for row, uid, ordinal, pooled in rows:
            features, facts, image = connection.execute(
                "SELECT features, facts, image FROM reference WHERE id = ?", (row,)
            ).fetchone()
            seen = image_digest(self.pepper, uid, ordinal, image)
            own = reference_digest(self.pepper, uid, ordinal, pooled, features, facts, seen)
            connection.execute("UPDATE reference SET image_digest = ?, digest = ? WHERE id = ?", (seen, own, row))
        for (writer,) in connection.execute("SELECT id FROM writer").fetchall():
            self.sign_writer(writer)
        self._sign_queries()

    def _sign_queries(self) -> None:
        query = "SELECT q.id, w.uid, q.ordinal, q.facts FROM query q JOIN writer w ON w.id = q.writer_id"
        digests = []
        for row, uid, ordinal, facts in self.connection.execute(query).fetchall():
            digests.append(query_digest(self.pepper, uid, ordinal, facts))
            self.connection.execute("UPDATE query SET digest = ? WHERE id = ?", (digests[-1], row))
        self.set_meta("queries", rolled(EMPTY_ROLL, added=digests))

    def _reference_digests(self, writer: int) -> list[bytes]:
        query = "SELECT digest FROM reference WHERE writer_id = ? ORDER BY ordinal"
        return [row[0] for row in self.connection.execute(query, (writer,))]

    def state_digest(self) -> str:
        """Return the hash of all writers and references as they are: what the log records at each change."""
        return hashlib.sha256(self.meta("roll")).hexdigest()

    @property
    def encrypted(self) -> bool:
        """Whether values are sealed."""
        return isinstance(self.vault, KeyVault)
