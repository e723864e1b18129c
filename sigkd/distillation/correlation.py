"""The correlation of the student's and the teacher's feature elements over the batch, for the two Barlow losses."""

from __future__ import annotations

import torch
from torch import Tensor

from sigkd.distillation.distributed import gather_batch

EPSILON = 1e-6


def standardize(features: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Return (x - mean) / (std + epsilon) per element along the batch, [B, K] -> float32 [B, K]; std divides by B - 1.

    An element that is constant in the batch (a dead ReLU) becomes 0 and receives no gradient that is not finite.
    """
    features = features.float()
    if len(features) < 2:
        raise ValueError("a correlation over the batch needs at least two images")
    centred = features - features.mean(dim=0)
    variance = centred.square().sum(dim=0) / (len(features) - 1)
    varies = variance > 0
    deviation = torch.where(varies, variance, 1.0).sqrt()  # sqrt has an infinite slope at 0
    return torch.where(varies, centred / (deviation + epsilon), 0.0)


def cross_correlation(student: Tensor, teacher: Tensor) -> Tensor:
    """Return C = Zs' Zt / B (paper, Eq. 6, z-scored along the batch).

    Rows are student elements, columns teacher elements. On several processes B is the global batch, gathered
    differentiably, so that gradients equal those of one process.

    Args:
        student: raw features [B, K].
        teacher: raw features [B, K].

    Returns:
        float32 [K, K].
    """
    with torch.autocast(student.device.type, enabled=False):
        z_student = standardize(gather_batch(student.float()))
        z_teacher = standardize(gather_batch(teacher.float()))
        return z_student.T @ z_teacher / len(z_student)
