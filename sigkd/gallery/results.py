"""What the commands of the gallery tell."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from pathlib import Path

from sigkd.gallery.audit import Entry
from sigkd.gallery.records import EnrolledWriter
from sigkd.gallery.store import Gallery
from sigkd.images.scan_facts import ReckonedResolution
from sigkd.json_documents import JsonDocument
from sigkd.models.binding import Binding


class GalleryList(JsonDocument, format="sigkd-gallery-list", version=1):
    """What ``sigkd gallery list`` prints: who is enrolled."""

    gallery: Path
    encrypted: bool
    audit: bool
    """Whether the gallery keeps a log."""
    binding: Binding | None
    """The origin of the features; null: nobody is enrolled yet."""
    writers: list[EnrolledWriter]


@dataclass(frozen=True)
class ReferenceFacts:
    """A reference of an enrolled writer."""

    name: str
    """The file's name."""
    hash: str
    """SHA-256 of the file."""
    width: int
    """Of the ink, in pixels."""
    height: int
    features: int
    """Length of the feature vector."""
    resolution: ReckonedResolution | None = None
    """Of the scan; null: it was compared in its own pixels."""
    added_at: str = ""
    """When it was enrolled; empty: by an older sigkd, which kept no dates."""


class GalleryWriter(JsonDocument, format="sigkd-gallery-writer", version=1):
    """What ``sigkd gallery show`` prints: a writer, also a removed one whose log entries are left."""

    writer: EnrolledWriter | None
    """Null: removed."""
    references: list[ReferenceFacts]
    log: list[Entry]


class GalleryRemoval(JsonDocument, format="sigkd-gallery-removal", version=1):
    """What ``sigkd gallery remove`` prints."""

    removed: str
    erased: bool
    """Whether no old value is left in the files; false: another process reads the gallery."""
    writers: int
    """Who are left."""


class GalleryChange(JsonDocument, format="sigkd-gallery-change", version=1):
    """What ``sigkd gallery rename``, ``note``, ``flag`` and ``remove --reference`` print: the writer as it is now."""

    gallery: Path
    writer: EnrolledWriter
    erased: bool
    """Whether no old value is left in the files; false: another process reads the gallery."""


class GalleryExport(JsonDocument, format="sigkd-gallery-exported", version=1):
    """What ``sigkd gallery export`` prints."""

    out: Path
    writers: int


class GalleryImport(JsonDocument, format="sigkd-gallery-import", version=1):
    """What ``sigkd gallery import`` prints."""

    gallery: Path
    imported: int
    writers: int
    """In all."""


class GalleryRekey(JsonDocument, format="sigkd-gallery-rekey", version=1):
    """What ``sigkd gallery rekey`` prints."""

    gallery: Path
    done: str
    left: list[str]
    """Where old values may be left all the same."""


class GallerySettings(JsonDocument, format="sigkd-gallery-settings", version=1):
    """What ``sigkd gallery settings`` prints."""

    gallery: Path
    dpi: float | None
    """Resolution that is presumed of scans which do not tell theirs; null: none."""
    policy: str | None
    """Name and version of the policy that is bound to the gallery; null: none."""
    policy_hash: str | None
    """SHA-256 of what it says."""


class GalleryLog(JsonDocument, format="sigkd-gallery-log", version=1):
    """What ``sigkd gallery log`` prints."""

    entries: list[Entry]


def list_writers(store: Gallery, pattern: str | None = None, *, flagged: bool = False) -> GalleryList:
    """Return who is enrolled.

    Args:
        store: the gallery.
        pattern: only names that have it in them, or that it fits (``*``, ``?``), whatever the case of the letters.
        flagged: only writers with a flag.
    """
    wanted = "*" if pattern is None else pattern.casefold()
    wanted = wanted if any(letter in wanted for letter in "*?[") else f"*{wanted}*"
    return GalleryList(
        gallery=store.path,
        encrypted=store.encrypted,
        audit=store.audited,
        binding=store.binding,
        writers=[
            one
            for one in store.writers()
            if fnmatch.fnmatchcase(one.name.casefold(), wanted) and (one.flag or not flagged)
        ],
    )


def show_writer(store: Gallery, name: str) -> GalleryWriter:
    """Return what the gallery holds of a writer, also of a removed one whose log entries are left.

    Raises:
        GalleryError: never enrolled.
    """
    entries = store.entries(name)
    if name not in store and entries:
        return GalleryWriter(writer=None, references=[], log=entries)
    references = [
        ReferenceFacts(
            one.name,
            one.digest,
            one.ink.width,
            one.ink.height,
            len(one.features),
            None if one.scan is None else one.scan.reckoned,
            one.added_at,
        )
        for one in store.references(name)
    ]
    return GalleryWriter(writer=store.writers(name)[0], references=references, log=entries)
