"""Moving writers between galleries: one NumPy archive with plain arrays and JSON, readable by anything."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sigkd.errors import GalleryError, UsageError
from sigkd.files import atomic_path
from sigkd.gallery.records import StoredReference, clean_name
from sigkd.gallery.store import Gallery
from sigkd.images.ink_measures import InkMeasures
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
        "references": [{"name": one.name, "digest": one.digest, "ink": asdict(one.ink)} for _, one in rows],
    }
    with atomic_path(path, private=True) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            features=np.stack([one.features for _, one in rows]),
            writer=np.array([number for number, _ in rows], np.int64),
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
        GalleryError: absent, damaged or of a newer version.
    """
    if not path.is_file():
        raise GalleryError(f"{path}: no such export")
    try:
        with np.load(path, allow_pickle=False) as archive:
            document: dict[str, Any] = json.loads(str(archive["metadata"]))
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r}")
            if int(document["version"]) > VERSION:
                raise GalleryError(f"{path}: exported by a newer sigkd; upgrade")
            features, owner = np.asarray(archive["features"], np.float32), archive["writer"]
            images, ends = archive["images"].tobytes(), [0, *archive["image_ends"].tolist()]
        found: list[tuple[str, list[StoredReference]]] = [(clean_name(name), []) for name in document["writers"]]
        for row, facts in enumerate(document["references"]):
            content = images[ends[row] : ends[row + 1]] or None
            reference = StoredReference(
                features[row], facts["name"], facts["digest"], InkMeasures(**facts["ink"]), content
            )
            found[int(owner[row])][1].append(reference)
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise GalleryError(f"{path}: not a gallery export ({type(error).__name__}: {error})") from None
    return Binding.from_dict(document), found


def import_writers(gallery: Gallery, path: Path, *, mode: str = "new", actor: str | None = None) -> int:
    """Enrol an export's writers in one transaction (``mode`` as in :meth:`Gallery.enroll_many`); return the number."""
    binding, found = read_export(path)
    gallery.enroll_many(found, binding, mode=mode, actor=actor)
    return len(found)
