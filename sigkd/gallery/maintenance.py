"""Keeping a gallery well: checks, another model, another passphrase."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import GalleryError
from sigkd.gallery import audit
from sigkd.gallery.records import pack_features
from sigkd.gallery.schema import AUDIT_TRIGGERS, SCHEMA_VERSION
from sigkd.gallery.store import Gallery
from sigkd.gallery.vault import KeyVault, PlainVault, Vault, new_vault
from sigkd.models.binding import Binding
from sigkd.progress import SILENT, Progress

logger = logging.getLogger(__name__)


@dataclass
class Health:
    """What a check found."""

    writers: int = 0
    references: int = 0
    entries: int = 0
    log_head: str = ""
    """The last hash of the log: note it elsewhere, and entries missing at the end can be shown too."""
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "ok": not self.problems,
            "version": SCHEMA_VERSION,
            "writers": self.writers,
            "references": self.references,
            "log_entries": self.entries,
            "log_head": self.log_head,
            "problems": self.problems,
            "remarks": self.remarks,
        }


def check(gallery: Gallery, *, progress: Progress = SILENT) -> Health:
    """Check the file's structure, every stored value, the log's chain, and who may read the file."""
    health = Health()
    with gallery.reading() as connection:
        for (line,) in connection.execute("PRAGMA integrity_check").fetchall():
            if line != "ok":
                health.problems.append(f"structure: {line}")
        orphans = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        if orphans:
            health.problems.append(f"{orphans} rows belong to no writer")
        triggers = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        missing = [name for name in AUDIT_TRIGGERS if name not in triggers]
        if missing:
            health.problems.append("the audit log is not protected: its triggers are gone")
        try:
            health.entries, health.log_head = audit.check_chain(connection, gallery.pepper)
            audit.entries(connection, gallery.vault, last=1)
        except GalleryError as error:
            health.problems.append(str(error))
    lengths = set()
    try:
        known = gallery.writers()
    except GalleryError as error:
        known = []
        health.problems.append(str(error))
    with progress.task("checking", total=len(known), unit="writers") as task:
        for writer in known:
            health.writers += 1
            try:
                references = gallery.references(writer.name, images=True)
                health.references += len(references)
                lengths |= {len(reference.features) for reference in references}
                if not references:
                    health.problems.append(f"'{writer.name}' has no reference")
            except GalleryError as error:
                health.problems.append(f"'{writer.name}': {error}")
            task.advance()
    if len(lengths) > 1:
        health.problems.append(f"features of different lengths: {sorted(lengths)}")
    mode = stat.S_IMODE(gallery.path.stat().st_mode)
    if mode & 0o077:
        health.remarks.append(
            f"others may read or write the file (mode {mode:04o}); 'chmod 600 {gallery.path}' is what it was made with"
        )
    if not gallery.read_only and not gallery.erase():
        health.remarks.append(
            "another process reads the gallery: removed values leave the write-ahead log when it is done"
        )
    return health


def rekey_model(
    gallery: Gallery,
    binding: Binding,
    extract: Callable[[list[bytes]], NDArray[np.float32]],
    *,
    actor: str | None = None,
    progress: Progress = SILENT,
) -> int:
    """Extract all features again with another model, in one transaction.

    Args:
        gallery: with the images of all references.
        binding: of the new features.
        extract: returns the features [n, D] of image files' contents.
        actor: who, for the log.
        progress: where the work is reported.

    Returns:
        The number of references.

    Raises:
        GalleryError: a writer's images were not kept; nothing is changed.
    """
    bare = [writer.name for writer in gallery.writers() if not writer.images]
    if bare:
        raise GalleryError(
            f"{gallery.path}: images of {len(bare)} writer(s) were not kept ('{bare[0]}', ...): enrol them again with "
            "`keep_images=True`"
        )
    total = 0
    with gallery.writing(), progress.task("extracting again", total=len(gallery), unit="writers") as task:
        connection = gallery.connection
        connection.execute("DELETE FROM template")
        for writer, uid in connection.execute("SELECT id, uid FROM writer").fetchall():
            rows = connection.execute(
                "SELECT id, ordinal, image FROM reference WHERE writer_id = ? ORDER BY ordinal", (writer,)
            ).fetchall()
            name = bytes(uid).hex()
            images = [gallery.vault.open(image, f"image:{name}:{ordinal}") for _, ordinal, image in rows]
            for (row, ordinal, _), vector in zip(rows, extract(images), strict=True):
                sealed = gallery.vault.seal(pack_features(vector), f"features:{name}:{ordinal}")
                connection.execute("UPDATE reference SET features = ? WHERE id = ?", (sealed, row))
            total += len(rows)
            task.advance()
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'pool_version'")
        gallery.set_meta("binding", json.dumps(binding.as_dict()))
        gallery.log(actor, "rekey", detail={"model_hash": binding.model_hash, "references": total})
    logger.info("%s: %d references extracted again with %s", gallery.path, total, binding.model_name)
    gallery.erase()
    return total


def rekey_passphrase(gallery: Gallery, passphrase: str | None, *, actor: str | None = None) -> None:
    """Change the passphrase, encrypt a plain gallery, or (None) take the encryption off.

    Every value is sealed anew with a fresh key in one transaction; then the file is rebuilt, so that no old bytes
    stay in it.
    """
    old = gallery.vault
    new: Vault
    new, header = (PlainVault(), "") if passphrase is None else new_vault(passphrase, gallery.id)
    columns = (("reference", "features"), ("reference", "facts"), ("reference", "image"))
    with gallery.writing():
        connection = gallery.connection
        uids = {row: bytes(uid).hex() for row, uid in connection.execute("SELECT id, uid FROM writer")}
        for table, column in columns:
            found = connection.execute(
                f"SELECT id, writer_id, ordinal, {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
            )
            for row, writer, ordinal, sealed in found.fetchall():
                place = f"{column}:{uids[writer]}:{ordinal}"
                value = new.seal(old.open(sealed, place), place)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value, row))  # noqa: S608
        for row, sealed in connection.execute("SELECT id, name FROM writer").fetchall():
            place = f"name:{uids[row]}"
            connection.execute(
                "UPDATE writer SET name = ? WHERE id = ?", (new.seal(old.open(sealed, place), place), row)
            )
        connection.execute("DELETE FROM template")  # fitted again when next needed
        audit.reseal(connection, old, new, gallery.pepper)
        gallery.set_meta("pepper", new.seal(gallery.pepper, "pepper"))
        gallery.set_meta("encryption", header)
        gallery.vault = new
        try:
            gallery.log(actor, "rekey", detail={"encrypted": isinstance(new, KeyVault)})
        except BaseException:
            gallery.vault = old
            raise
    logger.info("%s: %s", gallery.path, "sealed under a new key" if gallery.encrypted else "encryption taken off")
    with gallery.reading() as connection:
        connection.execute("VACUUM")
    gallery.erase()
