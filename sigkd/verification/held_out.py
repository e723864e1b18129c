"""How a calibrated verifier does on writers it was not calibrated on: cross-validation over writers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.measures import cllr, eer_global, min_cllr
from sigkd.verification.calibration import fit_calibration
from sigkd.verification.calibrations._base import LN10
from sigkd.verification.trials import Trials

FOLDS = 5


@dataclass(frozen=True)
class Rates:
    """Rates as fractions; of the three answers, FAR counts accepted forgeries and FRR rejected genuine signatures."""

    classifier: str
    negatives: str
    references: int
    writers: int
    genuine: int
    skilled: int
    random: int
    frr: float
    far_skilled: float | None
    far_random: float
    inconclusive_genuine: float
    inconclusive_skilled: float | None
    inconclusive_random: float
    eer_skilled: float | None
    eer_random: float
    cllr: float
    min_cllr: float
    alternative: str
    """Of thresholds, Cllr and min Cllr."""

    @property
    def inconclusive(self) -> float:
        """The share of inconclusive answers over all trials, each kind counted alike."""
        parts = [self.inconclusive_genuine, self.inconclusive_skilled, self.inconclusive_random]
        return float(np.mean([part for part in parts if part is not None]))

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {**asdict(self), "inconclusive": self.inconclusive}


def cross_validate(
    trials: Trials,
    classifier: str,
    negatives: str,
    references: int,
    *,
    method: str = "logistic",
    against: str | None = None,
    far: float | None = None,
    frr: float | None = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> Rates:
    """Calibrate on all folds of writers but one, decide the trials of that one, over all folds.

    Args:
        trials: scores with the writers they were compared with.
        classifier: name of the classifier, for the record.
        negatives: what templates were fitted against, for the record.
        references: how many, for the record.
        method: of calibration, :data:`sigkd.verification.calibrations.METHODS`.
        against: the alternative; None: skilled where there are such scores.
        far: stated rate of the accept threshold.
        frr: stated rate of the reject threshold.
        folds: at most as many as there are writers.
        seed: of the partition of the writers.

    Raises:
        CalibrationError: a fold has too few scores; UsageError: rates that so few scores cannot state.
    """
    writers = np.random.default_rng(seed).permutation(np.unique(trials.genuine_writer))
    kind = against or ("skilled" if len(trials.skilled) >= 2 else "random")
    accepted: dict[str, list[NDArray[np.bool_]]] = {"genuine": [], "skilled": [], "random": []}
    rejected: dict[str, list[NDArray[np.bool_]]] = {"genuine": [], "skilled": [], "random": []}
    llr: dict[str, list[NDArray[np.float64]]] = {"genuine": [], "impostor": []}
    for part in np.array_split(writers, min(folds, len(writers))):
        rest = trials.of_writers(np.setdiff1d(writers, part))
        known = fit_calibration(
            rest.genuine,
            rest.impostors,
            classifier=classifier,
            negatives=negatives,
            references=references,
            writers=len(writers) - len(part),
        )
        fitted = known.alternative(kind).method(method)
        limits = known.thresholds("fold", kind, far, frr)
        held = trials.of_writers(part)
        for name, scores in (("genuine", held.genuine), ("skilled", held.skilled), ("random", held.random)):
            accepted[name].append(scores >= limits.accept)
            rejected[name].append(scores < limits.reject)
        llr["genuine"].append(fitted.log10_lr(held.genuine) * LN10)
        llr["impostor"].append(fitted.log10_lr(held.impostors[kind]) * LN10)
    yes = {name: np.concatenate(found) for name, found in accepted.items()}
    no = {name: np.concatenate(found) for name, found in rejected.items()}
    unsure = {name: _share(~yes[name] & ~no[name]) for name in yes}
    return Rates(
        classifier,
        negatives,
        references,
        len(writers),
        len(trials.genuine),
        len(trials.skilled),
        len(trials.random),
        frr=_share(no["genuine"]) or 0.0,
        far_skilled=_share(yes["skilled"]),
        far_random=_share(yes["random"]) or 0.0,
        inconclusive_genuine=unsure["genuine"] or 0.0,
        inconclusive_skilled=unsure["skilled"],
        inconclusive_random=unsure["random"] or 0.0,
        eer_skilled=eer_global(trials.genuine, trials.skilled) if len(trials.skilled) else None,
        eer_random=eer_global(trials.genuine, trials.random),
        cllr=cllr(np.concatenate(llr["genuine"]), np.concatenate(llr["impostor"])),
        min_cllr=min_cllr(trials.genuine, trials.impostors[kind]),
        alternative=kind,
    )


def _share(answers: NDArray[np.bool_]) -> float | None:
    return float(answers.mean()) if len(answers) else None
