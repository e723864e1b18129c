"""The weighted sum of losses that the student minimises (paper, Eq. 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sigkd.distillation.losses.base import LOSSES, Loss, Needs, StudentOutput, Supervision, Targets
from sigkd.errors import UsageError
from sigkd.registry import nearest


def parse_losses(text: str, classification: bool = True) -> list[str]:
    """Return the names in ``geom+bc``; ``cl`` is put first unless ``classification`` is False.

    Raises:
        UsageError: an unknown or repeated name, or nothing left to learn.
    """
    names = [name.strip() for name in text.split("+") if name.strip()]
    for name in names:
        LOSSES.get(name)
        if names.count(name) > 1:
            raise UsageError(f"--loss names '{name}' twice")
    names = [name for name in names if name != "cl"]
    if classification:
        names.insert(0, "cl")
    if not names:
        raise UsageError("no loss is left: name one with --loss, or leave --no-cl out")
    return names


class Objective:
    """L = sum over terms of weight * term; the terms of several teachers are averaged.

    Args:
        names: registered losses.
        weights: term -> weight, instead of the defaults of the losses (``geom1``, ``geom2``, ``tce``, ``bt``, ``bc``,
            ``cl``).
        options: loss name -> constructor arguments.

    Raises:
        UsageError: a weight for a term that none of the losses has, or one that is negative or not finite.
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Mapping[str, float] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.losses: dict[str, Loss] = {name: LOSSES.get(name)(**(options or {}).get(name, {})) for name in names}
        self.weights: dict[str, float] = {}
        for loss in self.losses.values():
            self.weights.update(loss.weights)
        for term, weight in (weights or {}).items():
            if term not in self.weights:
                known = list(self.weights)
                raise UsageError(f"no term '{term}' to weigh.{nearest(term, known)} With this loss: {', '.join(known)}")
            if not 0 <= weight < float("inf"):
                raise UsageError(f"the weight of '{term}' must be a number not below 0, not {weight}")
            self.weights[term] = float(weight)

    @property
    def needs(self) -> Needs:
        """What the losses want to know from a teacher; nothing for terms with weight 0."""
        needs = Needs.NOTHING
        for loss in self.losses.values():
            if any(self.weights[term] for term in loss.weights):
                needs |= loss.needs
        return needs

    def __call__(
        self, student: StudentOutput, targets: Targets, supervisions: Sequence[Supervision] = ()
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum and the unweighted terms (detached), float32 scalars."""
        terms: dict[str, Tensor] = {}
        for loss in self.losses.values():
            if not any(self.weights[term] for term in loss.weights):
                continue
            if loss.needs is Needs.NOTHING:
                terms.update(loss(student, targets, None))
                continue
            told = [loss(student, targets, supervision) for supervision in supervisions]
            if not told:
                raise ValueError(f"the losses {', '.join(self.names)} need a teacher")
            for term in told[0]:
                terms[term] = torch.stack([each[term] for each in told]).mean()
        total = torch.stack([self.weights[term] * value for term, value in terms.items()]).sum()
        return total, {term: value.detach() for term, value in terms.items()}
