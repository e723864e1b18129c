"""The losses, one file each; importing this package registers them all under the names that ``--loss`` uses."""

from sigkd.distillation.losses import (  # noqa: F401 - imported for their registration
    barlow_colleagues,
    barlow_twins,
    classification,
    forgery,
    geometric,
    temperature,
)
from sigkd.distillation.losses.base import LOSSES, Loss, Needs, StudentOutput, Supervision, Targets
from sigkd.distillation.losses.objective import Objective

__all__ = ["LOSSES", "Loss", "Needs", "Objective", "StudentOutput", "Supervision", "Targets"]
