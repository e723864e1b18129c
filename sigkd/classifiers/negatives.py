"""Other people's signatures: what a classifier learns a writer against."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import COHORT, WRITERS
from sigkd.errors import UsageError

if TYPE_CHECKING:
    from sigkd.models.binding import Binding

KINDS = (COHORT, WRITERS)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Negatives:
    """Features of signatures that the writer did not make.

    Of kind ``cohort`` they are of people whom nobody asks about, of kind ``writers`` they are the references of other
    writers: then a writer's own ones may be among them, and :meth:`without` leaves them out.
    """

    features: NDArray[np.float32]
    """[m, D]."""
    description: str = ""
    """Whose they are, for people and reports."""
    kind: str = COHORT
    owners: NDArray[np.int64] | None = None
    """[m] a number for each person, where it is known who made which."""
    binding: Binding | None = None
    """What made the features of a cohort."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Where a cohort is from, for its file."""
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @property
    def title(self) -> str:
        """Kind and description, for people."""
        return f"cohort: {self.description}" if self.kind == COHORT else self.description

    def __len__(self) -> int:
        return len(self.features)

    @property
    def hash(self) -> str:
        """SHA-256 of the features (float32, row by row): what a calibration is bound to."""

        def make() -> str:
            # Views and other types would else have other hashes of the same numbers.
            content = np.ascontiguousarray(self.features, np.float32)
            return hashlib.sha256(repr(content.shape).encode() + content.tobytes()).hexdigest()

        return self.keep("hash", make)

    def without(self, writer: int) -> Negatives:
        """Return the negatives without those of one of the writers; a cohort is returned as it is."""
        # A cohort's numbers count its own people: one that equals a writer's number means nothing.
        if self.kind == COHORT or self.owners is None or writer not in self.owners:
            return self
        return self.of_rows(np.flatnonzero(self.owners != writer))

    def of_rows(self, rows: NDArray[np.integer]) -> Negatives:
        """Return some of the negatives."""
        owners = None if self.owners is None else self.owners[rows]
        return replace(self, features=self.features[rows], owners=owners)

    def columns(self, chosen: slice) -> Negatives:
        """Return the negatives with some of their features only; kept, for other writers."""
        # The slice is a view of wide rows: a product with it would stride through all of them.
        features = np.ascontiguousarray(self.features[:, chosen])
        return self.keep(("columns", chosen.start, chosen.stop), lambda: replace(self, features=features))

    def keep(self, key: Any, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, computed once for these negatives: templates of many writers share it."""
        # Without a lock: two threads at worst compute the same value twice.
        if key not in self._kept:
            self._kept[key] = make()
        made: T = self._kept[key]
        return made


def check_kind(kind: str) -> str:
    """Return ``kind`` if it is known.

    Raises:
        UsageError: it is not.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown negatives '{kind}': use {' or '.join(KINDS)}")
    return kind
