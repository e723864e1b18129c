"""Views of a model: one network looks at several placings of a signature, and its responses are put side by side.

In each view the response z of the network before its last ReLU is turned to the principal axes that it has over images
of strangers placed in the same way (:mod:`sigkd.models.whitening`), and the leading or steady ones are kept:

    y = [A_1' (z_1 - m_1), ..., A_V' (z_V - m_V)]

A view that is fitted to the ink knows nothing of its size: it answers where a scan's resolution is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sigkd.errors import ModelError, UsageError
from sigkd.images.views import View
from sigkd.models.state import is_finite


@dataclass(frozen=True)
class Projection:
    """What becomes of the network's response in one view."""

    view: str
    """Name of the view (:meth:`sigkd.images.views.View.named`)."""
    mean: Tensor
    """float32 [F], of the responses of strangers."""
    axes: Tensor
    """float32 [F, k], columns of length 1."""

    def __call__(self, responses: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features float32 [n, k] of responses float32 [n, F]."""
        values: NDArray[np.float32] = (responses - self.mean.numpy()) @ self.axes.float().numpy()
        return values


def project(responses: NDArray[np.float32], projections: Sequence[Projection]) -> NDArray[np.float32]:
    """Return the features [n, sum of k] of responses [n, V, F] in V views."""
    return np.concatenate([own(responses[:, number]) for number, own in enumerate(projections)], axis=1)


def columns_without_scale(projections: Sequence[Projection]) -> slice:
    """Return which columns of the features are of views that need no resolution.

    Raises:
        UsageError: there are none.
    """
    ends = np.cumsum([0, *(own.axes.shape[1] for own in projections)])
    free = [number for number, own in enumerate(projections) if not View.named(own.view).needs_scale]
    if not free:
        raise UsageError("this model has no view that is fitted to the ink: it needs scans whose resolution is known")
    return slice(int(ends[free[0]]), int(ends[free[-1] + 1]))


def to_state(projections: Sequence[Projection]) -> dict[str, Tensor]:
    """Return the tensors of a model file: their names hold the views' names, so that the model's hash covers them."""
    return {
        f"view.{number}.{own.view}.{part}": getattr(own, part)
        for number, own in enumerate(projections)
        for part in ("mean", "axes")
    }


def from_state(state: dict[str, Tensor], names: Sequence[str], source: str) -> tuple[Projection, ...]:
    """Take the tensors of the views ``names`` out of ``state``; ``source`` names the file in messages.

    Raises:
        ModelError: one is absent, of another shape, or not finite.
    """
    found = []
    for number, name in enumerate(names):
        parts = {part: state.pop(f"view.{number}.{name}.{part}", None) for part in ("mean", "axes")}
        mean, axes = parts["mean"], parts["axes"]
        if mean is None or axes is None or mean.ndim != 1 or axes.ndim != 2 or len(mean) != len(axes):
            raise ModelError(
                f"{source}: the axes of the view '{name}' are missing or have another shape; it is damaged"
            )
        if not (is_finite(mean) and is_finite(axes)):
            raise ModelError(f"{source}: the axes of the view '{name}' are not finite; the file is damaged")
        try:
            View.named(str(name))
        except UsageError as error:
            raise ModelError(f"{source}: {error}") from None
        found.append(Projection(str(name), mean.float(), axes.float()))
    free = [not View.named(own.view).needs_scale for own in found]
    if free != sorted(free):
        raise ModelError(f"{source}: views without a scale must come last")
    return tuple(found)
