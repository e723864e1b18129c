"""The learning rate as a function of progress: nothing to store, nothing to restore."""

from __future__ import annotations

import math

from sigkd.distillation.config import TrainingConfig

_WARM = 0.3
"""Part of a one-cycle run in which the rate rises."""
_START = 25.0
"""A one-cycle run starts at the peak divided by this."""


def learning_rate(config: TrainingConfig, epoch: int, step: int, steps: int) -> float:
    """Return the learning rate of a step.

    ``step``: lr * factor^k, k = how many times ``step_epochs`` (a third of the epochs if 0) have passed; the paper's 60
    epochs drop after 20 and 40. ``cosine``: lr * (1 + cos(pi t)) / 2 with t = passed part of the run. ``one-cycle``:
    linear from lr / 25 to lr over the first 0.3 of the run, then cosine to 0.

    Args:
        config: the run.
        epoch: from 0.
        step: in the epoch, from 0.
        steps: in an epoch.
    """
    passed = (epoch * steps + step) / (config.epochs * steps)
    if config.schedule == "step":
        drops = epoch // config.step_epochs if config.step_epochs else min(3 * epoch // config.epochs, 2)
        return config.lr * config.lr_factor**drops
    if config.schedule == "cosine":
        return config.lr * 0.5 * (1 + math.cos(math.pi * passed))
    if config.schedule == "one-cycle":
        if passed < _WARM:
            return config.lr * (1 / _START + (1 - 1 / _START) * passed / _WARM)
        return config.lr * 0.5 * (1 + math.cos(math.pi * (passed - _WARM) / (1 - _WARM)))
    return config.lr
