"""Making a calibration from a labelled set of signatures: what ``sigkd calibrate`` does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS
from sigkd.errors import CalibrationError, InputError, UsageError
from sigkd.models.binding import Binding
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import CalibrationSet, fit_calibration
from sigkd.verification.calibrations import METHODS
from sigkd.verification.held_out import Rates, cross_validate
from sigkd.verification.trials import NEGATIVES, collect_trials, select_writers

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier


@dataclass(frozen=True)
class DevelopmentSet:
    """Labelled features of one dataset, restricted to some writers."""

    features: NDArray[np.float32]
    y: NDArray[np.int64]
    yforg: NDArray[np.int8]
    description: dict[str, Any]
    """Name, content hash, writers: stored with the calibration."""


def development_set(
    name: str, verifier: Verifier, *, data: Path, writers: str | None = None, progress: Progress = SILENT
) -> DevelopmentSet:
    """Load a prepared dataset by name or file and extract its features, or read a features file.

    Args:
        name: of the dataset, or a ``.npz`` file with images (``x``) or features.
        verifier: the model that extracts.
        data: home of the prepared datasets.
        writers: which writers, see :func:`sigkd.verification.trials.select_writers`.
        progress: where the work is reported.

    Raises:
        InputError: features of another model, or images on another canvas; DatasetError: no such dataset.
    """
    from sigkd.models.features import FeatureSet, is_features_file

    path = Path(name)
    if is_features_file(path):
        known = FeatureSet.load(path)
        bound = Binding(known.model_hash, known.preprocess_version, verifier.binding.canvas)
        difference = verifier.binding.difference(bound)
        if difference:
            raise InputError(f"{path}: {difference}; extract the features again")
        features, y, yforg, facts = known.features, known.y, known.yforg, known.metadata
        images = None
    else:
        from sigkd.models.extract import gather_images

        batch = gather_images([name], data, progress=progress)
        canvas = batch.metadata.get("canvas")
        if canvas and tuple(canvas) != tuple(verifier.model.canvas):
            raise InputError(
                f"'{name}' is prepared on the canvas {canvas[0]}x{canvas[1]}, the model works on "
                f"{verifier.model.canvas[0]}x{verifier.model.canvas[1]}: prepare it again with --canvas"
            )
        features, y, yforg, facts, images = None, batch.y, batch.yforg, batch.metadata, batch.images
    names = [str(writer) for writer in facts.get("writers") or sorted({int(writer) for writer in y})]
    chosen = select_writers(writers, names)
    rows = np.flatnonzero(np.isin(y, chosen))
    if not len(rows):
        raise InputError(f"'{name}' has no labelled signatures of these writers")
    kept = (
        verifier.features(list(images[rows].reshape(len(rows), *images.shape[-2:])), progress)
        if images is not None
        else None
    )
    used = features[rows] if kept is None and features is not None else kept
    assert used is not None  # noqa: S101 - one of the two was made
    description = {
        "name": str(facts.get("dataset") or path.stem),
        "content_hash": str(facts.get("dataset_hash") or hashlib.sha256(used.tobytes()).hexdigest()),
        "writers": [names[int(writer)] for writer in chosen],
        "genuine": int((yforg[rows] == 0).sum()),
        "skilled": int((yforg[rows] == 1).sum()),
    }
    return DevelopmentSet(used, y[rows], yforg[rows], description)


def calibrate(
    verifier: Verifier,
    development: DevelopmentSet,
    references: Sequence[int],
    *,
    classifiers: Sequence[str] = ("wd", "wi"),
    negatives: Sequence[str] = NEGATIVES,
    method: str = "logistic",
    against: str | None = None,
    far: float | None = None,
    frr: float | None = None,
    splits: int = 5,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[CalibrationSet, list[Rates]]:
    """Calibrate every combination, and measure each by cross-validation over writers.

    Args:
        verifier: model and cohort.
        development: the labelled features.
        references: numbers of references.
        classifiers: names of classifiers; ``wi`` is calibrated with the cohort only.
        negatives: ``cohort``, ``writers`` or both.
        method: recommended to those who use the calibration, and measured.
        against: the alternative that is measured; None: skilled where there are such forgeries.
        far: stated rate of the measured accept threshold.
        frr: stated rate of the measured reject threshold.
        splits: draws of references.
        seed: of the draws.
        progress: where the work is reported.

    Returns:
        The calibrations, and the rates on held-out writers.

    Raises:
        UsageError: unknown names, or numbers of references below 1.
    """
    METHODS.get(method)
    for count in references:
        if count < 1:
            raise UsageError(f"--nref {count}: at least one reference is needed")
    for kind in negatives:
        if kind not in NEGATIVES:
            raise UsageError(f"unknown negatives '{kind}': use {' or '.join(NEGATIVES)}")
    fitted, rates = [], []
    cohort = verifier.cohort
    for name in classifiers:
        classifier = CLASSIFIERS.get(name)()
        for kind in negatives:
            if name == "wi" and kind == "writers":
                continue
            for count in references:
                trials = collect_trials(
                    development.features,
                    development.y,
                    development.yforg,
                    classifier,
                    count,
                    cohort=cohort,
                    negatives=kind,
                    splits=splits,
                    seed=seed,
                    progress=progress,
                )
                try:
                    writers = len(np.unique(trials.genuine_writer))
                    fitted.append(
                        fit_calibration(
                            trials.genuine,
                            trials.impostors,
                            classifier=name,
                            negatives=kind,
                            references=count,
                            writers=writers,
                        )
                    )
                    rates.append(
                        cross_validate(
                            trials, name, kind, count, method=method, against=against, far=far, frr=frr, seed=seed
                        )
                    )
                except (CalibrationError, UsageError) as error:
                    progress.warn(f"{name}, {kind}, {count} references: {error}; left out")
                    fitted = [
                        one for one in fitted if (one.classifier, one.negatives, one.references) != (name, kind, count)
                    ]
    if not fitted:
        raise CalibrationError("nothing could be calibrated on this set")
    facts = {**development.description, "splits": splits, "seed": seed}
    return CalibrationSet(verifier.binding, cohort.hash, method, facts, tuple(fitted)), rates
