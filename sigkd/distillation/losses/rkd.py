"""Relational distillation: the student's responses keep the teacher's distances and angles between images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from sigkd.distillation.distributed import gather_batch
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.response import Response


def distances_and_angles(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the relations between the B images of a batch (Park et al. 2019, Eq. 4 and 7).

    Args:
        features: [B, K].

    Returns:
        The Euclidean distances divided by their mean over pairs, [B, B]; and the cosines of the angles at i between
        the ways to j and to k, [B, B, B], 0 where j or k is i.
    """
    gram = features @ features.T
    squares = gram.diagonal()
    # the clamp keeps the slope of the root finite on the diagonal and for identical features
    length = (squares[:, None] + squares[None] - 2 * gram).clamp_min(1e-12).sqrt()
    away = 1.0 - torch.eye(len(features), dtype=features.dtype, device=features.device)
    distance = length * away
    product = gram[None] - gram[:, :, None] - gram[:, None, :] + squares[:, None, None]  # (x_j - x_i)(x_k - x_i)
    cosine = product / (length[:, :, None] * length[:, None, :])
    return distance / (distance.sum() / away.sum().clamp_min(1)), cosine * away[:, :, None] * away[:, None, :]


@LOSSES.register("rkd")
class RelationalDistillation(Loss):
    """``rkd_distance`` and ``rkd_angle``: Huber losses between the relations of student and teacher, averaged.

    Park et al. 2019, "Relational knowledge distillation", Eq. 5 and 8: smooth L1 of :func:`distances_and_angles` of
    the responses over the global batch, with the weights that they use beside classification. Computed in float64
    where the device has it: differences of Gram entries lose half of the digits.

    >>> import torch
    >>> turned = torch.eye(4)[:, [1, 2, 3, 0]]  # relations do not depend on the axes
    >>> loss = RelationalDistillation()
    >>> {name: round(float(v), 6) for name, v in loss(StudentOutput((), turned, None), None, torch.eye(4)).items()}
    {'rkd_distance': 0.0, 'rkd_angle': 0.0}
    """

    weights: ClassVar[Mapping[str, float]] = {"rkd_distance": 25.0, "rkd_angle": 50.0}
    signals: tuple[Signal, ...] = (Response(),)

    def __call__(self, student: StudentOutput, targets: Targets, response: Tensor) -> dict[str, Tensor]:
        """Return ``rkd_distance`` and ``rkd_angle``."""
        kind = torch.float32 if response.device.type == "mps" else torch.float64
        with torch.autocast(response.device.type, enabled=False):
            own = distances_and_angles(gather_batch(student.response.float()).to(kind))
            told = distances_and_angles(gather_batch(response.float()).to(kind))
            distance, angle = (functional.smooth_l1_loss(s, t).float() for s, t in zip(own, told, strict=True))
        return {"rkd_distance": distance, "rkd_angle": angle}
