"""What a loss is: a named set of weighted terms, computed from the student's taps and a teacher's supervision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import ClassVar, NamedTuple

from torch import Tensor

from sigkd.registry import Registry


class Needs(Flag):
    """What a loss needs to be told about an image by the teacher."""

    NOTHING = 0
    GEOMETRY = auto()
    """Neighbourhood masks and NAC of the two feature maps."""
    RESPONSE = auto()
    """The 2048-element response."""


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


@dataclass(frozen=True)
class Supervision:
    """What one teacher says about a batch of B images; nothing here carries a gradient."""

    masks: tuple[Tensor, ...] = ()
    """Neighbourhoods, [B, N, N] bool or 0/1 float32, one for each feature map."""
    contrasts: tuple[Tensor, ...] = ()
    """NAC, float32 [B, N], one for each feature map."""
    response: Tensor | None = None
    """float32 [B, 2048]."""


class Loss:
    """Base of the losses: stateless; options are constructor arguments with the paper's values as defaults."""

    weights: ClassVar[Mapping[str, float]] = {}
    """Its terms and their default weights in the weighted sum (paper, Eq. 9)."""
    needs: ClassVar[Needs] = Needs.NOTHING

    def __call__(self, student: StudentOutput, targets: Targets, supervision: Supervision | None) -> dict[str, Tensor]:
        """Return the unweighted value of every term, float32 scalars."""
        raise NotImplementedError


LOSSES: Registry[Callable[[], Loss]] = Registry("loss")
"""Losses by the name that ``--loss`` uses."""
