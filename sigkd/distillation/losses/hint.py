"""A hint: the student's response comes near the teacher's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor
from torch.nn import functional

from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal
from sigkd.distillation.signals.response import Response


@LOSSES.register("hint")
class Hint(Loss):
    """``hint``: distance of the responses, averaged over the batch.

    Romero et al. 2015, "FitNets", Eq. 3: 1/2 || t - s ||^2. Their regressor makes sizes meet; here they are equal, and
    it is the identity. ``cosine`` is 1 - cos(t, s): the direction alone.

    Args:
        distance: ``l2`` or ``cosine``.

    >>> import torch
    >>> student, response = StudentOutput((), torch.tensor([[3.0, 0.0]]), None), torch.tensor([[0.0, 4.0]])
    >>> float(Hint()(student, None, response)["hint"]), float(Hint("cosine")(student, None, response)["hint"])
    (12.5, 1.0)
    """

    weights: ClassVar[Mapping[str, float]] = {"hint": 0.001}
    signals: tuple[Signal, ...] = (Response(),)

    def __init__(self, distance: Literal["l2", "cosine"] = "l2") -> None:
        self.distance = distance

    def __call__(self, student: StudentOutput, targets: Targets, response: Tensor) -> dict[str, Tensor]:
        """Return ``hint``."""
        own = student.response.float()
        if self.distance == "cosine":
            return {"hint": (1.0 - functional.cosine_similarity(own, response)).mean()}
        return {"hint": 0.5 * (response - own).square().sum(dim=1).mean()}
