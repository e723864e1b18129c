"""What a loss is. The losses are the files of this package, each named as ``--loss`` names it; none is listed anywhere.

A loss states its terms with their weights and names the signals of a teacher that it reads. Its options are arguments
of its constructor: one without a default is a field of :class:`~sigkd.distillation.config.TrainingConfig`; one with a
default is the loss's own, set by ``--setting LOSS.OPTION=VALUE``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sigkd.distillation.signals import Signal
from sigkd.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


class StudentOutput(NamedTuple):
    """What the student says about a batch of B images."""

    maps: tuple[Tensor, ...]
    """FM1 and FM2, [B, D, 17, 26] and [B, D, 8, 12]."""
    response: Tensor
    """[B, 2048] after the last ReLU."""
    logits: Tensor | None
    """Scores of the C writers, [B, C]."""
    forgery: Tensor | None = None
    """Score of being a forgery, [B]; only where such a head is trained."""


class Targets(NamedTuple):
    """What is known about a batch of B images."""

    writers: Tensor
    """int64 [B], the writer's class."""
    forged: Tensor | None = None
    """float32 [B]: 1 for a forgery. None where there are none."""


class Loss:
    """Base of the losses."""

    weights: ClassVar[Mapping[str, float]] = {}
    """Its terms and their default weights in the weighted sum (paper, Eq. 9)."""
    signals: tuple[Signal, ...] = ()
    """What a teacher has to tell it, in the order of the arguments after ``targets``."""

    def __call__(self, student: StudentOutput, targets: Targets, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Return the unweighted value of every term, float32 scalars.

        Args:
            student: what the student says.
            targets: what is known about the images.
            args: what a teacher says, one argument for each of ``signals``; no gradient flows into it.
            kwargs: none; they are here so that a loss can name its arguments.
        """
        raise NotImplementedError


LOSSES: Registry[Callable[..., Loss]] = Registry("loss", __name__)
"""Losses by the name that ``--loss`` uses."""
