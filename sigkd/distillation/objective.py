"""The weighted sum of losses that the student minimises (paper, Eq. 9)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import get_type_hints

import torch
from torch import Tensor

from sigkd.configuration import checked
from sigkd.distillation.config import TrainingConfig
from sigkd.distillation.losses import LOSSES, Loss, StudentOutput, Targets
from sigkd.distillation.signals import Signal, Told
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
            raise UsageError(f"'loss' names '{name}' twice")
    # Wherever it was named it comes first: run names and columns are the same for geom+cl and cl+geom.
    names = [name for name in names if name != "cl"]
    if classification:
        names.insert(0, "cl")
    if not names:
        raise UsageError("no loss is left: 'loss' names none, and 'no_cl' leaves the classification out")
    return names


def make_loss(name: str, config: TrainingConfig) -> Loss:
    """Build a loss: its options come from the fields of ``config`` and from the settings of its own.

    Raises:
        UsageError: a setting that the loss does not have, or a value that it cannot have.
    """
    constructor = LOSSES.get(name)
    parameters = inspect.signature(constructor).parameters.values()
    # Without a default: what the run decides for all losses, such as the number of classes.
    arguments = {each.name: getattr(config, each.name) for each in parameters if each.default is each.empty}
    own = {each.name: type(each.default) for each in parameters if each.default is not each.empty}
    given = config.setting.get(name, {})
    kinds = own | (get_type_hints(constructor.__init__) if given else {})
    for key, value in given.items():
        if key not in own:
            settings = f"Known: {', '.join(own)}" if own else "It has none"
            raise UsageError(f"the loss '{name}' has no setting '{key}'.{nearest(key, list(own))} {settings}")
        arguments[key] = checked(value, kinds[key], f"the setting '{name}.{key}'")
    return constructor(**arguments)


class Objective:
    """L = sum over terms of weight * term; the terms of several teachers are averaged.

    Args:
        config: names the losses, changes weights of their terms, and has their settings.

    Raises:
        UsageError: a weight for a term that none of the losses has, or one that is negative or not finite; settings of
            a loss that is not one of them.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.names = tuple(parse_losses(config.loss, not config.no_cl))
        self.losses = {name: make_loss(name, config) for name in self.names}
        self.weights = {term: weight for loss in self.losses.values() for term, weight in loss.weights.items()}
        for what, use, given, names in (
            ("term", "weigh", config.weight, list(self.weights)),
            ("loss", "set", config.setting, list(self.names)),
        ):
            for name in given:
                if name not in names:
                    close = nearest(name, names)
                    raise UsageError(f"no {what} '{name}' to {use}.{close} In this run: {', '.join(names)}")
        for term, weight in config.weight.items():
            if not 0 <= weight < float("inf"):
                raise UsageError(f"the weight of '{term}' must be a number not below 0, not {weight}")
            self.weights[term] = float(weight)

    @property
    def _active(self) -> list[Loss]:
        # A loss with no weight is not computed, so its teacher need not be loaded.
        return [loss for loss in self.losses.values() if any(self.weights[term] for term in loss.weights)]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What the losses have to be told by a teacher, each once; nothing for terms with weight 0."""
        return tuple(dict.fromkeys(signal for loss in self._active for signal in loss.signals))

    def __call__(
        self, student: StudentOutput, targets: Targets, told: Sequence[Told] = ()
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the weighted sum and the unweighted terms, float32 scalars.

        Args:
            student: what the student says.
            targets: what is known about the images.
            told: what each teacher says.
        """
        terms: dict[str, Tensor] = {}
        for loss in self._active:
            if not loss.signals:
                terms.update(loss(student, targets))
                continue
            if not told:
                raise ValueError(f"the losses {', '.join(self.names)} need a teacher")
            # The mean over teachers, not the sum: a weight means the same with two of them.
            values = [loss(student, targets, *(words[signal] for signal in loss.signals)) for words in told]
            for term in values[0]:
                terms[term] = torch.stack([each[term] for each in values]).mean()
        total = torch.stack([self.weights[term] * value for term, value in terms.items()]).sum()
        return total, terms
