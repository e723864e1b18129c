"""Fitted templates and the pool of negatives inside a gallery."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sigkd.gallery.records import pack_arrays, unpack_arrays, unpack_features
from sigkd.gallery.store import Gallery


def load_template(
    gallery: Gallery, name: str, classifier: str, negatives: str
) -> dict[str, NDArray[np.generic]] | None:
    """Return a writer's kept template for these negatives; None: there is none, or it was fitted against others."""
    writer, uid = gallery.row(name)
    with gallery.reading() as connection:
        row = connection.execute(
            "SELECT arrays FROM template WHERE writer_id = ? AND classifier = ? AND negatives = ?",
            (writer, classifier, negatives),
        ).fetchone()
    return None if row is None else unpack_arrays(gallery.vault.open(row[0], f"template:{uid}:{classifier}"))


def keep_template(
    gallery: Gallery, name: str, classifier: str, negatives: str, arrays: Mapping[str, NDArray[np.generic]]
) -> None:
    """Write a writer's template, inside the caller's transaction."""
    writer, uid = gallery.row(name)
    gallery.connection.execute(
        "INSERT OR REPLACE INTO template VALUES (?, ?, ?, ?)",
        (writer, classifier, negatives, gallery.vault.seal(pack_arrays(arrays), f"template:{uid}:{classifier}")),
    )


def load_pool(gallery: Gallery) -> tuple[str, list[str], NDArray[np.float32]]:
    """Return the pool's state, the subjects whose references are in it [m], and their features [m, D]."""
    query = (
        "SELECT w.uid, w.subject, r.ordinal, r.features FROM pool p JOIN reference r ON r.id = p.reference_id "
        "JOIN writer w ON w.id = r.writer_id ORDER BY p.reference_id"
    )
    with gallery.reading() as connection:
        version = int(gallery.meta("pool_version"))
        rows = connection.execute(query).fetchall()
    features = [
        unpack_features(gallery.vault.open(sealed, f"features:{bytes(uid).hex()}:{ordinal}"))
        for uid, _, ordinal, sealed in rows
    ]
    stacked = np.stack(features) if features else np.zeros((0, 0), np.float32)
    return f"writers:{gallery.id[:8]}:{version}", [bytes(row[1]).hex() for row in rows], stacked
