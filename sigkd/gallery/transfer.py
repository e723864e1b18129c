"""Moving writers between galleries: one NumPy archive with plain arrays and JSON, readable by anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sigkd.errors import GalleryError, UsageError
from sigkd.files import atomic_path, numpy_archive, parsing
from sigkd.gallery.records import StoredReference, clean_name, reference_facts, reference_of
from sigkd.gallery.store import Gallery
from sigkd.models.binding import Binding

FORMAT, VERSION = "sigkd-gallery-export", 1
BATCH = 64


def export_writers(
    gallery: Gallery,
    path: Path,
    names: Sequence[str] | None = None,
    *,
    images: bool = False,
    plain: bool = False,
    actor: str | None = None,
) -> int:
    """Write writers to a ``.npz`` archive (mode 0600).

    It holds ``features`` [n, D], ``writer`` [n], ``images`` (bytes, joined), ``image_ends`` [n], ``metadata`` (JSON).

    Args:
        gallery: where from.
        path: where to.
        names: which writers; None for all.
        images: export kept images too.
        plain: agree that values of an encrypted gallery are written unencrypted.
        actor: who, for the log.

    Returns:
        The number of writers.

    Raises:
        UsageError: the gallery is encrypted and ``plain`` was not given; GalleryError: unknown writers, nothing to
            export.
    """
    if gallery.encrypted and not plain:
        raise UsageError("the gallery is encrypted and an export is not: say `plain=True` if that is meant")
    if path.suffix != ".npz":
        raise UsageError(f"{path}: an export is a .npz file")
    chosen = [writer.name for writer in gallery.writers()] if names is None else [clean_name(name) for name in names]
    binding = gallery.binding
    if not chosen or binding is None:
        raise GalleryError(f"{gallery.path}: nobody is enrolled")
    rows = [(number, one) for number, name in enumerate(chosen) for one in gallery.references(name, images=images)]
    contents = [one.image or b"" for _, one in rows]
    document = {
        "format": FORMAT,
        "version": VERSION,
        **binding.as_dict(),
        "writers": chosen,
        "references": [reference_facts(one) for _, one in rows],
    }
    with atomic_path(path, private=True) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            features=np.stack([one.features for _, one in rows]),
            writer=np.array([number for number, _ in rows], np.int64),
            # one array and where each ends: arrays of unequal length NumPy would have to pickle
            images=np.frombuffer(b"".join(contents), np.uint8),
            image_ends=np.cumsum([len(content) for content in contents]),
            metadata=np.asarray(json.dumps(document)),
        )
    if gallery.audited and not gallery.read_only:
        with gallery.writing():
            gallery.log(actor, "export", detail={"writers": len(chosen), "images": images})
    return len(chosen)


def read_export(path: Path) -> tuple[Binding, list[tuple[str, list[StoredReference]]]]:
    """Read an export.

    Raises:
        GalleryError: absent, damaged, of a newer version, or with values that no gallery has.
    """
    if not path.is_file():
        raise GalleryError(f"{path}: no such export")
    with parsing(path, "gallery export", GalleryError), numpy_archive(path) as archive:
        document: dict[str, Any] = json.loads(str(archive["metadata"]))
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}")
        if int(document["version"]) > VERSION:
            raise GalleryError("exported by a newer sigkd; upgrade")
        features, owners = np.asarray(archive["features"], np.float32), np.asarray(archive["writer"])
        images, ends = archive["images"].tobytes(), np.asarray(archive["image_ends"])
        names, rows = [clean_name(name) for name in document["writers"]], document["references"]
        if features.ndim != 2 or not len(rows) == len(features) == len(owners) == len(ends):
            raise ValueError("references, features, owners and images are not equally many")
        if len(set(names)) < len(names) or set(owners.tolist()) != set(range(len(names))):
            raise ValueError("writers and references do not belong together")
        if np.any(np.diff(ends, prepend=0) < 0) or ends[-1] != len(images):
            raise ValueError("images are missing")
        writers: list[tuple[str, list[StoredReference]]] = [(name, []) for name in names]
        for row, (facts, owner, end) in enumerate(zip(rows, owners, ends.tolist(), strict=True)):
            content = images[ends[row - 1] if row else 0 : end] or None
            writers[int(owner)][1].append(reference_of(features[row], facts, content))
        return Binding.from_dict(document), writers


def import_writers(gallery: Gallery, path: Path, *, mode: str = "new", actor: str | None = None) -> int:
    """Enrol an export's writers in one transaction (``mode`` as in :meth:`Gallery.enroll_many`); return the number."""
    binding, writers = read_export(path)
    gallery.enroll_many(writers, binding, mode=mode, actor=actor)
    return len(writers)
