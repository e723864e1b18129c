"""Digests of what a gallery holds: a value that was changed, moved, lost or added behind the program's back is found.

Each row has a keyed hash (HMAC-SHA256 with the gallery's pepper) over its values, a writer's also over the references'
hashes, and the header one over all of its values. Two of them, the rolls, sum up all writers and all queries: LtHash
(M. Bellare and D. Micciancio, A new paradigm for collision-free hashing, EUROCRYPT 1997; lanes as in K. Lewi et al.,
Securing update propagation with homomorphic hashing, 2019), to which a row is added, and from which one is taken,
without reading the others.

In an encrypted gallery the pepper is sealed: without the passphrase nobody can make a digest that fits. In a plain one
it lies beside the values: digests find damage and clumsy hands there, not somebody who knows this file.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable

import numpy as np

from sigkd.errors import GalleryError
from sigkd.gallery.vault import keyed_hash

Field = bytes | str | int | None
EMPTY_ROLL = bytes(2048)
"""Of no writers: 1024 lanes of 16 bits."""


def digest(pepper: bytes, kind: str, *fields: Field) -> bytes:
    """Return the keyed hash [32] of a row's values, each with its type and length, so that none runs into the next."""
    parts = [kind.encode()]
    for field in fields:
        value = b"" if field is None else field if isinstance(field, bytes) else str(field).encode()
        # With the type: the text '1' and the number 1 must not be exchanged for each other.
        parts += [type(field).__name__.encode(), len(value).to_bytes(8, "big"), value]
    return keyed_hash(pepper, b"".join(parts))


def image_digest(pepper: bytes, uid: bytes, ordinal: int, image: bytes | None) -> bytes | None:
    """Return the digest of a kept image as it is stored, None for none."""
    return None if image is None else digest(pepper, "image", uid, ordinal, image)


def reference_digest(
    pepper: bytes, uid: bytes, ordinal: int, pooled: int, features: bytes, facts: bytes, image: bytes | None
) -> bytes:
    """Return the digest of a reference's row; ``image`` is the image's digest, so that it need not be read."""
    return digest(pepper, "reference", uid, ordinal, pooled, features, facts, image)


def writer_digest(pepper: bytes, row: Iterable[Field], references: Iterable[bytes]) -> bytes:
    """Return the digest of a writer's row (subject, uid, name, both times, revision) and its references' digests."""
    return digest(pepper, "writer", *row, *references)


def query_digest(pepper: bytes, uid: bytes, ordinal: int, facts: bytes) -> bytes:
    """Return the digest of a query's row."""
    return digest(pepper, "query", uid, ordinal, facts)


def template_digest(pepper: bytes, uid: bytes, classifier: str, negatives: str, revision: int, arrays: bytes) -> bytes:
    """Return the digest of a template's row."""
    return digest(pepper, "template", uid, classifier, negatives, revision, arrays)


def rolled(roll: bytes, *, added: Iterable[bytes] = (), taken: Iterable[bytes] = ()) -> bytes:
    """Return the roll with digests added and taken away; the order in which that happens does not matter."""
    lanes = np.frombuffer(roll, "<u2").copy()
    for one in added:
        lanes += _lanes(one)
    for one in taken:
        lanes -= _lanes(one)
    return lanes.tobytes()


def _lanes(one: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    if not isinstance(one, bytes):
        raise GalleryError("a stored digest is damaged: restore a backup")
    # Sums of short hashes can be forged by linear algebra; 1024 lanes put that out of reach (Lewi et al.).
    return np.frombuffer(hashlib.shake_256(one).digest(len(EMPTY_ROLL)), "<u2")


def header_digest(connection: sqlite3.Connection, pepper: bytes) -> bytes:
    """Return the digest of all values of the header but its own."""
    rows = connection.execute("SELECT key, value FROM meta WHERE key != 'digest' ORDER BY key")
    return digest(pepper, "header", *(field for row in rows for field in row))


def sign_header(connection: sqlite3.Connection, pepper: bytes) -> None:
    """Write the header's digest, at the end of the caller's transaction."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('digest', ?)", (header_digest(connection, pepper),))
