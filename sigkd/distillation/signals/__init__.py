"""What a teacher says about an image: named by the losses, asked for in every step or kept in files.

A signal is computed from one look of a teacher at a batch, as small arrays that files can hold, and unpacked into what
losses read. Both ways of supervision do the same two things, cached supervision with a file between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from sigkd.models.registry import Taps


class Seen(NamedTuple):
    """A teacher's look at a batch of B images; everything is float32 and without gradient."""

    images: Tensor
    """[B, 1, 150, 220], ink bright on black, as the teacher saw them."""
    rows: NDArray[np.int64]
    """[B] places of the images in the dataset."""
    taps: Taps
    """What its layers said."""


class Signal:
    """Base of the signals: frozen dataclasses whose fields are all that the words depend on besides the image.

    Equal signals of several losses are computed once. The name and the fields are part of the key under which words
    are kept, so that none are mixed up.
    """

    name: ClassVar[str]
    """Begins the name of the directory that keeps its words."""

    def compute(self, seen: Seen) -> dict[str, Tensor]:
        """Return the words as they are kept: arrays [B, ...] of any plain type by the name of their file."""
        raise NotImplementedError

    def unpack(self, arrays: Mapping[str, Tensor]) -> Any:
        """Return what losses read, from the arrays of :meth:`compute` for any choice of images."""
        raise NotImplementedError


Told = Mapping[Signal, Any]
"""What one teacher says about a batch: each signal's words, unpacked."""
