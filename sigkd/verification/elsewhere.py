"""Signatures that are enrolled under another writer already: the same image, or nearly, found among thousands.

Near copies have nearly the same features, other people's signatures have not. So features tell which few references to
look at closely; whether one is a copy is told by files and pictures, as everywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sigkd.gallery import Gallery
from sigkd.gallery.templates import every_feature
from sigkd.images.remarks import Remark
from sigkd.verification.remarks import copied
from sigkd.verification.samples import Sample

NEAR = 0.1
"""Cosine distance of features up to which a reference is looked at closely (``benchmarks/bench_elsewhere.py``)."""
LEADING = 128
"""Features that are compared, at most: a view's first ones differ most between people."""
LOOKED_AT = 3
"""Writers, at most, whose references are looked at closely."""
_BLOCK = 2048
_SAME = 1e-4  # of features that are kept as float16: no other image is so near


class Elsewhere:
    """The directions of the features of all enrolled references, read once. Not thread-safe."""

    def __init__(self, gallery: Gallery, columns: slice) -> None:
        """Read them.

        Args:
            gallery: open.
            columns: of the features, by which references of any resolution are compared.
        """
        columns = slice(columns.start, min(columns.stop, columns.start + LEADING))
        self._gallery, self._columns = gallery, columns
        self._subjects: list[bytes] = []
        self._directions = np.zeros((0, 0), np.float16)
        self._used = 0
        with gallery.reading():
            self._state = gallery.state_digest()
            for subject, features in every_feature(gallery, columns):
                self._append(subject, features)

    @property
    def outdated(self) -> bool:
        """Whether the gallery was changed since :meth:`follow`, by this program or another."""
        with self._gallery.reading():
            return self._gallery.state_digest() != self._state

    def take(self, name: str, samples: Sequence[Sample], features: NDArray[np.float32]) -> list[Remark]:
        """Take in references of a writer who was just enrolled, and return remarks on those enrolled elsewhere too.

        Args:
            name: of the writer.
            samples: the references.
            features: of them [n, D].
        """
        subject = self._gallery.subject(name)
        distances = self._distances(features[:, self._columns])
        found = [self._remark(subject, sample, row) for sample, row in zip(samples, distances, strict=True)]
        for row in features:
            self._append(subject, row[self._columns])
        return [one for one in found if one is not None]

    def follow(self) -> None:
        """Note that the gallery is as it was taken in."""
        self._state = self._gallery.state_digest()

    def _append(self, subject: bytes, features: NDArray[np.float32]) -> None:
        if self._used == len(self._directions):
            room = np.zeros((max(1024, 2 * self._used), len(features)), np.float16)
            room[: self._used] = self._directions[: self._used] if self._used else 0
            self._directions = room
        self._directions[self._used] = _direction(features)
        self._subjects.append(subject)
        self._used += 1

    def _distances(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine distances [m, n] of references to those that are known."""
        wanted = np.stack([_direction(row) for row in features]).T
        found = np.empty((self._used, len(features)), np.float32)
        for start in range(0, self._used, _BLOCK):  # float32 only of what the processor's cache holds
            rows = slice(start, min(start + _BLOCK, self._used))
            found[rows] = 1 - self._directions[rows].astype(np.float32) @ wanted
        return found.T

    def _remark(self, own: bytes, sample: Sample, distances: NDArray[np.float32]) -> Remark | None:
        near = np.flatnonzero(distances <= NEAR)
        others: dict[bytes, float] = {}
        for place in near[np.argsort(distances[near])].tolist():
            if self._subjects[place] != own:
                others.setdefault(self._subjects[place], float(distances[place]))
        for subject, least in list(others.items())[:LOOKED_AT]:
            name = self._gallery.name_of(subject)
            kept = self._gallery.references(name)
            found = copied(sample, [one.digest for one in kept], [one.scan for one in kept])
            if found is not None:
                place, alike = found
                how = f"reference {place + 1} ({kept[place].name}), similarity {alike:.2f}"
            elif not sample.digest and least <= _SAME:  # of a prepared dataset nothing else is known
                how = "features of the same image"
            else:
                continue
            where = sample.file or sample.name
            return Remark("enrolled-elsewhere", f"is enrolled under '{name}' too: {how}; whose is it?", where)
        return None


def _direction(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features / max(float(np.linalg.norm(features)), 1e-12)
