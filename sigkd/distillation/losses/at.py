"""Attention transfer: the student looks where the teacher looks, at both feature maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Seen, Signal


def attention(feature_map: Tensor) -> Tensor:
    """Return the attention of feature maps: mean squared activation by place, of unit length.

    Zagoruyko & Komodakis 2017, the mapping F^2 of Section 3.1; 0 everywhere on a map of zeros.

    Args:
        feature_map: [B, D, H, W] of any floating type.

    Returns:
        float32 [B, H * W].
    """
    return functional.normalize(feature_map.float().square().mean(dim=1).flatten(1))


@dataclass(frozen=True)
class Attention(Signal):
    """The attention at each feature map, float32 [B, N]."""

    name: ClassVar[str] = "attention"

    def compute(self, seen: Seen) -> dict[str, Tensor]:
        """Return the attention at each map, numbered from 1."""
        return {f"attention{number}": attention(each) for number, each in enumerate(seen.taps.maps, start=1)}

    def unpack(self, arrays: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
        """Return the attention at each map."""
        return tuple(arrays[f"attention{number}"] for number in range(1, len(arrays) + 1))


@LOSSES.register("at")
class AttentionTransfer(Loss):
    """``at1`` and ``at2``: mean squared difference of the attention at the two feature maps.

    Zagoruyko & Komodakis 2017, "Paying more attention to attention", Eq. 2 as their code has it: a mean over places
    and images, with beta = 1000.

    >>> import torch
    >>> one, other = torch.zeros(1, 3, 2, 2), torch.zeros(1, 5, 2, 2)
    >>> one[:, :, 0, 0] = other[:, :, 1, 1] = 2.0  # they look at different places: (1 + 1) / 4
    >>> float(AttentionTransfer()(StudentOutput((one,), None, None), None, (attention(other),))["at1"])
    0.5
    """

    weights: ClassVar[Mapping[str, float]] = {"at1": 1000.0, "at2": 1000.0}
    signals: tuple[Signal, ...] = (Attention(),)

    def __call__(self, student: StudentOutput, targets: Targets, told: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return ``at1`` and ``at2``."""
        return {
            f"at{number}": (attention(own) - teacher).square().mean()
            for number, (own, teacher) in enumerate(zip(student.maps, told, strict=True), start=1)
        }
