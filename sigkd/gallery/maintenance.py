"""Keeping a gallery well: checks, another model, another passphrase."""

from __future__ import annotations

import json
import logging
import shutil
import stat
from collections.abc import Callable
from dataclasses import field

from sigkd.errors import GalleryError, UsageError
from sigkd.gallery import audit
from sigkd.gallery.digests import EMPTY_ROLL, rolled
from sigkd.gallery.queries import earlier_queries
from sigkd.gallery.records import StoredReference, pack_facts, pack_features
from sigkd.gallery.schema import SCHEMA_VERSION
from sigkd.gallery.store import Gallery
from sigkd.gallery.templates import load_template
from sigkd.gallery.vault import PlainVault, Vault, is_weak, new_vault
from sigkd.json_documents import JsonDocument
from sigkd.models.binding import Binding
from sigkd.progress import SILENT, Progress

logger = logging.getLogger(__name__)

STILL_READ = "another process reads the gallery: old values leave its log when that ends ('sigkd gallery check' tells)"


class Health(JsonDocument, format="sigkd-gallery-check", version=1, frozen=False):
    """What ``sigkd gallery check`` prints: what was found."""

    ok: bool = True
    schema: int = SCHEMA_VERSION
    """Version of the gallery's structure."""
    writers: int = 0
    references: int = 0
    queries: int = 0
    """Verified ones, of which copies are found."""
    log_entries: int = 0
    log_head: str = ""
    """The last link of the log: noted elsewhere, it shows later that everything up to it is as it was."""
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    proof: str = ""
    """What such a check can prove, in a sentence."""


_PLAIN_PROOF = (
    "a check finds damage; whoever can write this unencrypted file can also make one that passes. Note the head "
    "elsewhere: `expect` shows later that all up to it is as it was"
)
_SEALED_PROOF = (
    "without the passphrase nobody changes the file unseen, but it can be exchanged for an older copy of itself. Note "
    "the head elsewhere: `expect` shows later that it was not"
)
LEAST_HEAD = 16
"""Digits of a head that must be given."""


def check(gallery: Gallery, *, expect: str | None = None, progress: Progress = SILENT) -> Health:
    """Check the file's structure, every stored value, the log's chain, and who may read the file.

    Args:
        gallery: open.
        expect: a head of the log that was noted earlier (its first 16 digits at least); it must be in the chain.
        progress: where the work is reported.

    Raises:
        UsageError: ``expect`` is no head.
    """
    expect = None if expect is None else expect.strip().lower()
    if expect is not None and (len(expect) < LEAST_HEAD or set(expect) - set("0123456789abcdef")):
        raise UsageError(f"a head of the log has 64 hexadecimal digits; give at least {LEAST_HEAD} to `expect`")
    health = Health(proof=_SEALED_PROOF if gallery.encrypted else _PLAIN_PROOF)
    with gallery.reading() as connection:
        for (line,) in connection.execute("PRAGMA integrity_check").fetchall():
            if line != "ok":
                health.problems.append(f"structure: {' '.join(line.split())}")
        orphans = len(connection.execute("PRAGMA foreign_key_check").fetchall())
        if orphans:
            health.problems.append(f"{orphans} rows belong to no writer")
        _check_log(gallery, health, expect)
        _check_writers(gallery, health, progress)
    mode = stat.S_IMODE(gallery.path.stat().st_mode)
    if mode & 0o077:
        health.remarks.append(
            f"others may read or write the file (mode {mode:04o}); 'chmod 600 {gallery.path}' is what it was made with"
        )
    if not gallery.read_only and not gallery.erase():
        health.remarks.append(STILL_READ)
    if gallery.encrypted and is_weak(gallery.header):
        health.remarks.append(
            "its passphrase is cheaper to guess than that of a new gallery: 'sigkd gallery rekey --encrypt' (the same "
            "passphrase will do)"
        )
    health.ok = not health.problems
    return health


def _check_log(gallery: Gallery, health: Health, expect: str | None) -> None:
    try:
        chain = list(audit.follow(gallery.connection, gallery.vault, gallery.pepper))
    except GalleryError as error:
        health.problems.append(str(error))
        return
    entries, links = [entry for entry, _ in chain], [place.link.hex() for _, place in chain]
    health.log_entries, health.log_head = len(links), links[-1] if links else ""
    if expect is not None and not any(link.startswith(expect) for link in links):
        health.problems.append(f"the log has no entry {expect}: entries were changed or taken away since it was noted")
    verified = {entry.number for entry in entries if entry.action == "verify"}
    for entry in entries:
        if entry.action == "review" and entry.detail.get("entry") not in verified:
            health.problems.append(f"entry {entry.number} of the log reviews no verification")
    states = [entry.detail["state"] for entry in entries if "state" in entry.detail]
    # a log that is switched off records no states: the last one may be older than the content
    if gallery.audited and states and states[-1] != gallery.state_digest():
        health.problems.append("writers or references were changed without an entry in the log")


def _check_writers(gallery: Gallery, health: Health, progress: Progress) -> None:
    """Read everything that is stored of every writer, and see that nobody is missing."""
    connection, lengths, digests = gallery.connection, set(), []
    rows = connection.execute("SELECT id, subject, digest FROM writer ORDER BY id").fetchall()
    with progress.task("checking", total=len(rows), unit="writers") as task:
        for number, (row, subject, own) in enumerate(rows, 1):
            try:
                if not isinstance(own, bytes):
                    raise GalleryError("its digest is damaged: restore a backup")
                digests.append(own)
                name = gallery.name_of(subject)
                references = gallery.references(name, images=True)
                lengths |= {len(reference.features) for reference in references}
                if not references:
                    health.problems.append(f"'{name}' has no reference")
                query = "SELECT classifier, negatives FROM template WHERE writer_id = ?"
                for classifier, negatives in connection.execute(query, (row,)).fetchall():
                    # opened and checked like the references, though it could be fitted again: damage is to be found
                    load_template(gallery, name, classifier, negatives)
                health.writers += 1
                health.references += len(references)
                health.queries += len(earlier_queries(gallery, name))
            except GalleryError as error:
                health.problems.append(f"writer {number}: {str(error).removeprefix(f'{gallery.path}: ')}")
            task.advance()
    if len(lengths) > 1:
        health.problems.append(f"features of different lengths: {sorted(lengths)}")
    if gallery.meta("roll") != rolled(EMPTY_ROLL, added=digests):
        health.problems.append("a writer is missing, or was added by another program")
    queries = [row[0] for row in connection.execute("SELECT digest FROM query") if isinstance(row[0], bytes)]
    if gallery.meta("queries") != rolled(EMPTY_ROLL, added=queries):
        health.problems.append("a query is missing, or was added by another program")


def rekey_model(
    gallery: Gallery,
    binding: Binding,
    extract: Callable[[list[StoredReference]], list[StoredReference]],
    *,
    actor: str | None = None,
    progress: Progress = SILENT,
) -> tuple[int, list[str]]:
    """Extract all features again with another model, in one transaction.

    Args:
        gallery: with the images of all references.
        binding: of the new features.
        extract: returns references, given with their images, as they are with the new features.
        actor: who, for the log.
        progress: where the work is reported.

    Returns:
        The number of references, and where old bytes may be left, in words for people.

    Raises:
        GalleryError: a writer's images were not kept; nothing is changed.
    """
    # Before anything is extracted: half a gallery of another model would be of no use.
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
        for one in gallery.writers():
            writer, uid = gallery.row(one.name)
            kept = gallery.references(one.name, images=True)
            query = "SELECT id, ordinal FROM reference WHERE writer_id = ? ORDER BY ordinal"
            rows = connection.execute(query, (writer,)).fetchall()
            for (row, ordinal), made in zip(rows, extract(kept), strict=True):
                features = gallery.vault.seal(pack_features(made.features), f"features:{uid}:{ordinal}")
                facts = gallery.vault.seal(pack_facts(made), f"facts:{uid}:{ordinal}")
                connection.execute("UPDATE reference SET features = ?, facts = ? WHERE id = ?", (features, facts, row))
            # Writer by writer: the images of all would not fit into memory.
            total += len(rows)
            task.advance()
        gallery.sign_everything()
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'pool_version'")
        gallery.set_meta("binding", json.dumps(binding.as_dict()))
        gallery.log(actor, "rekey", detail={"model_hash": binding.model_hash, "references": total})
    logger.info("%s: %d references extracted again with %s", gallery.path, total, binding.model_name)
    return total, [] if gallery.erase() else [STILL_READ]


def rekey_passphrase(gallery: Gallery, passphrase: str | None, *, actor: str | None = None) -> list[str]:
    """Change the passphrase, encrypt a plain gallery, or (None) take the encryption off.

    Every value is sealed anew with a fresh key in one transaction; then the file is rebuilt and the write-ahead log
    emptied, so that no old bytes stay. Galleries that other processes have open refuse to go on.

    Returns:
        Where old bytes may be left all the same, in words for people; empty where they are gone.

    Raises:
        UsageError: a blank passphrase; GalleryError: no room for it; nothing was changed.
    """
    _check_room(gallery)
    old, old_header = gallery.vault, gallery.header
    new: Vault
    new, header = (PlainVault(), "") if passphrase is None else new_vault(passphrase, gallery.id)
    try:
        with gallery.writing():
            _seal_anew(gallery, new)
            gallery.set_meta("encryption", header)
            # before the entry is written: it belongs to what the new key opens
            gallery.vault, gallery.header = new, header
            gallery.log(actor, "rekey", detail={"encrypted": gallery.encrypted})
    except BaseException:
        # the file is as it was, so this object must go on with the key that opens it
        gallery.vault, gallery.header = old, old_header
        raise
    logger.info("%s: %s", gallery.path, "sealed under a new key" if gallery.encrypted else "encryption taken off")
    return _forget_old_bytes(gallery)


def _seal_anew(gallery: Gallery, new: Vault) -> None:
    """Open every sealed value and seal it with ``new``, inside the caller's transaction."""
    old, connection = gallery.vault, gallery.connection
    uids = {row: bytes(uid).hex() for row, uid in connection.execute("SELECT id, uid FROM writer")}
    for column in ("features", "facts", "image"):
        rows = connection.execute(
            f"SELECT id, writer_id, ordinal, {column} FROM reference WHERE {column} IS NOT NULL"  # noqa: S608
        )
        for row, writer, ordinal, sealed in rows.fetchall():
            place = f"{column}:{uids[writer]}:{ordinal}"
            value = new.seal(old.open(sealed, place), place)
            connection.execute(f"UPDATE reference SET {column} = ? WHERE id = ?", (value, row))  # noqa: S608
    for row, writer, ordinal, sealed in connection.execute(
        "SELECT id, writer_id, ordinal, facts FROM query"
    ).fetchall():
        place = f"query:{uids[writer]}:{ordinal}"
        connection.execute("UPDATE query SET facts = ? WHERE id = ?", (new.seal(old.open(sealed, place), place), row))
    for row, sealed in connection.execute("SELECT id, name FROM writer").fetchall():
        place = f"name:{uids[row]}"
        connection.execute("UPDATE writer SET name = ? WHERE id = ?", (new.seal(old.open(sealed, place), place), row))
    for key, sealed in connection.execute("SELECT key, value FROM meta WHERE key LIKE 'note:%'").fetchall():
        gallery.set_meta(key, new.seal(old.open(sealed, key), key) if sealed else b"")
    connection.execute("DELETE FROM template")  # fitted again when next needed
    audit.rewrite(connection, old, new, gallery.pepper)
    gallery.set_meta("pepper", new.seal(gallery.pepper, "pepper"))
    gallery.sign_everything()


def _check_room(gallery: Gallery) -> None:
    """Refuse to start what would need more room than there is: each value twice in the write-ahead log."""
    size = gallery.path.stat().st_size
    # Told now: SQLite would find out in the middle, after all the sealing.
    free = shutil.disk_usage(gallery.path.parent).free
    if free < 2 * size:
        raise GalleryError(
            f"{gallery.path}: {2 * size / 2**20:.0f} MiB are needed beside the file and {free / 2**20:.0f} are free; "
            "nothing was changed"
        )


def _forget_old_bytes(gallery: Gallery) -> list[str]:
    """Rebuild the file and empty its write-ahead log; return what could not be done."""
    left = []
    # first, so that the rebuilt file need not stand beside a log of the same size
    gallery.erase()
    try:
        gallery.rebuild()
    except GalleryError as error:
        logger.warning("%s", error)
        left.append(
            "the change is kept, but there was no room to rebuild the file: old values may be left in unused parts of "
            "it until it is repeated with more room"
        )
    if not gallery.erase():
        left.append(STILL_READ)
    return left
