"""Fitted templates and the pool of negatives inside a gallery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import GalleryError
from sigkd.gallery.digests import reference_digest, template_digest
from sigkd.gallery.records import pack_arrays, unpack_arrays, unpack_features
from sigkd.gallery.store import Gallery


def load_template(
    gallery: Gallery, name: str, classifier: str, negatives: str
) -> dict[str, NDArray[np.generic]] | None:
    """Return a writer's template for these negatives; None: there is none, or it was fitted on other references.

    Raises:
        GalleryError: it is damaged.
    """
    with gallery.reading() as connection:
        writer, uid = gallery.row(name)
        row = connection.execute(
            "SELECT t.revision, t.arrays, t.digest FROM template t JOIN writer w ON w.id = t.writer_id "
            "WHERE t.writer_id = ? AND t.classifier = ? AND t.negatives = ? AND t.revision = w.revision",
            (writer, classifier, negatives),
        ).fetchone()
    if row is None:
        return None
    revision, arrays, own = row
    if own != template_digest(gallery.pepper, bytes.fromhex(uid), classifier, negatives, revision, arrays):
        raise GalleryError(f"{gallery.path}: the template of '{name}' was changed: restore a backup")
    return unpack_arrays(gallery.vault.open(arrays, f"template:{uid}:{classifier}"))


def keep_template(
    gallery: Gallery,
    name: str,
    classifier: str,
    negatives: str,
    arrays: Mapping[str, NDArray[np.generic]],
    *,
    revision: int | None = None,
) -> bool:
    """Write a writer's template, inside the caller's transaction.

    Args:
        gallery: open for writing.
        name: the writer.
        classifier: that fitted it.
        negatives: that it was fitted against.
        arrays: what it consists of.
        revision: of the writer whose references it was fitted on; None: the present one.

    Returns:
        Whether it was written: not where the references changed since.
    """
    writer, uid = gallery.row(name)
    (present,) = gallery.connection.execute("SELECT revision FROM writer WHERE id = ?", (writer,)).fetchone()
    # Fitted outside of the transaction, and somebody changed the references in between.
    if revision not in (None, present):
        return False
    sealed = gallery.vault.seal(pack_arrays(arrays), f"template:{uid}:{classifier}")
    own = template_digest(gallery.pepper, bytes.fromhex(uid), classifier, negatives, present, sealed)
    gallery.connection.execute(
        "INSERT OR REPLACE INTO template VALUES (?, ?, ?, ?, ?, ?)",
        (writer, classifier, negatives, present, sealed, own),
    )
    return True


def load_pool(gallery: Gallery) -> tuple[str, list[str], NDArray[np.float32]]:
    """Return the pool's state, the subjects whose references are in it [m], and their features [m, D].

    Raises:
        GalleryError: a reference is damaged.
    """
    query = (
        "SELECT w.uid, w.subject, r.ordinal, r.pooled, r.features, r.facts, r.image_digest, r.digest "
        "FROM reference r JOIN writer w ON w.id = r.writer_id WHERE r.pooled = 1 ORDER BY w.uid, r.ordinal"
    )
    with gallery.reading() as connection:
        version = int(gallery.meta("pool_version"))
        rows = connection.execute(query).fetchall()
    features = []
    for uid, _, ordinal, pooled, sealed, facts, image, own in rows:
        if own != reference_digest(gallery.pepper, uid, ordinal, pooled, sealed, facts, image):
            raise GalleryError(f"{gallery.path}: a reference in the pool was changed: restore a backup")
        features.append(unpack_features(gallery.vault.open(sealed, f"features:{uid.hex()}:{ordinal}")))
    stacked = np.stack(features) if features else np.zeros((0, 0), np.float32)
    # A name for the pool's state: templates and comparisons that were made of another state are outdated.
    return f"writers:{gallery.id[:8]}:{version}", [row[1].hex() for row in rows], stacked


def every_feature(gallery: Gallery, columns: slice) -> Iterator[tuple[bytes, NDArray[np.float32]]]:
    """Yield the subject and some columns of the features of every reference, as fast as they can be read.

    Digests are not compared: what is found by these features is read again, and then they are.

    Raises:
        GalleryError: a value cannot be opened.
    """
    query = "SELECT w.subject, w.uid, r.ordinal, r.features FROM reference r JOIN writer w ON w.id = r.writer_id"
    with gallery.reading() as connection:
        for subject, uid, ordinal, sealed in connection.execute(query):
            yield subject, unpack_features(gallery.vault.open(sealed, f"features:{uid.hex()}:{ordinal}"))[columns]
