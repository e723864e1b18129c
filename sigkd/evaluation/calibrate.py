"""Making a calibration from a labelled set of signatures: what ``sigkd calibrate`` does."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS
from sigkd.classifiers.base import CALIBRATED
from sigkd.classifiers.negatives import KINDS, Negatives, check_kind
from sigkd.errors import CalibrationError, InputError, UsageError
from sigkd.evaluation.answers import Answers, Stated, answer, fit, pool
from sigkd.evaluation.evaluate import Settings, plan_splits, score_splits
from sigkd.evaluation.experiment import open_set
from sigkd.evaluation.protocol import Protocol, pick_writers
from sigkd.json_documents import JsonDocument
from sigkd.models.binding import Binding
from sigkd.progress import SILENT, Progress
from sigkd.verification.calibration import KNOWN, UNKNOWN, CalibrationSet
from sigkd.verification.ranges import fit_ranges

if TYPE_CHECKING:
    import torch

    from sigkd.images.scan_measures import ScanMeasures
    from sigkd.models.io import LoadedModel

RANDOM_PER_WRITER = 20
"""Random forgeries scored for each writer and split: genuine signatures of others."""
ALL = 1_000_000
"""Test signatures of a kind and writer: every one that is no reference."""


@dataclass(frozen=True)
class Disturbed:
    """Genuine signatures of a development set, scanned otherwise."""

    measures: Sequence[ScanMeasures]
    y: NDArray[np.int64]


@dataclass(frozen=True)
class DevelopmentSet:
    """Labelled features of one dataset, restricted to some writers."""

    features: NDArray[np.float32]
    y: NDArray[np.int64]
    yforg: NDArray[np.int8]
    description: dict[str, Any]
    """Name, content hash, writers, and what the scans are known by: stored with the calibration."""
    measures: Sequence[ScanMeasures] | None = None
    """[N] of the scans; None: not known."""
    disturbed: tuple[Disturbed, ...] = ()
    """Other scans of the genuine signatures."""

    def part(self, rows: NDArray[np.int64]) -> DevelopmentSet:
        """Return some of the signatures."""
        measures = None if self.measures is None else [self.measures[row] for row in rows.tolist()]
        y = self.y[rows]
        disturbed = tuple(
            Disturbed([one.measures[row] for row in kept.tolist()], one.y[kept])
            for one in self.disturbed
            for kept in [np.flatnonzero(np.isin(one.y, y))]
        )
        return DevelopmentSet(self.features[rows], y, self.yforg[rows], self.description, measures, disturbed)


class CalibrationReport(JsonDocument, format="sigkd-calibration-report", version=1):
    """What ``sigkd calibrate`` prints: what its calibrations answer on held-out writers."""

    out: Path | None
    """The file of the calibrations."""
    data: dict[str, Any]
    """The development set: name, content hash, writers, splits, seed."""
    held_out: list[Answers]


def development_set(
    name: str,
    model: LoadedModel,
    *,
    data: Path,
    writers: str | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> DevelopmentSet:
    """Load a prepared dataset by name or file and extract its features, or read a features file.

    Args:
        name: of the dataset, or a file with images or features.
        model: extracts the features, or has made them.
        data: home of the prepared datasets.
        writers: which ones, see :func:`sigkd.evaluation.protocol.pick_writers`.
        device: where features are computed.
        progress: where the work is reported.

    Raises:
        InputError: features of another model, or images on another canvas; DatasetError: no such dataset.
    """
    from sigkd.models.extract import extract_features, fitting

    opened = open_set(name, data, progress)
    labels, metadata = np.unique(opened.labels.y).tolist(), opened.labels.metadata
    # Features of other programs have labels and no names.
    names = opened.writer_names or [str(label) for label in labels]
    chosen = pick_writers(opened.chosen(writers), names)
    rows = np.flatnonzero(np.isin(opened.labels.y, [labels[place] for place in chosen]))
    if opened.features is not None:
        bound, binding = Binding.from_dict(opened.features.describe()), Binding.of(model)
        if not any(bound.canvas):  # features of another program: taken as right
            bound = Binding(bound.model_hash, bound.preprocess_version, binding.canvas, bound.model_name)
        difference = binding.difference(bound)
        if difference:
            raise InputError(f"{name}: {difference}; extract the features again")
        features = opened.features.features[rows]
    else:
        assert opened.batch is not None  # noqa: S101 - a set is one or the other
        if fitting(model, opened.batch).placing != model.placing:
            views = " ".join(model.placing.views)
            raise InputError(
                f"'{name}' is prepared on a canvas, the model looks at views: prepare it again with `views` {views}"
            )
        canvas = metadata.get("canvas")
        if canvas and tuple(canvas) != tuple(model.canvas):
            raise InputError(
                f"'{name}' is prepared on the canvas {canvas[0]}x{canvas[1]}, the model works on "
                f"{model.canvas[0]}x{model.canvas[1]}: prepare it again with `canvas`"
            )
        features = extract_features(model, opened.batch.images[rows], device=device, progress=progress)
    yforg = opened.labels.yforg[rows]
    description = {
        "name": str(metadata.get("dataset") or opened.name),
        "content_hash": str(metadata.get("dataset_hash") or hashlib.sha256(features.tobytes()).hexdigest()),
        "scans": str(metadata.get("scans") or ""),
        "writers": [names[place] for place in chosen],
        "genuine": int((yforg == 0).sum()),
        "skilled": int((yforg == 1).sum()),
    }
    every = None if opened.batch is None else opened.batch.measures
    measures = None if every is None else [every[row] for row in rows.tolist()]
    return DevelopmentSet(features, opened.labels.y[rows], yforg, description, measures)


def development_sets(
    names: Sequence[str],
    model: LoadedModel,
    *,
    data: Path,
    writers: str | None = None,
    disturbed: Sequence[str] = (),
    device: torch.device | str = "cpu",
    progress: Progress = SILENT,
) -> DevelopmentSet:
    """Load several datasets as one: their writers are different people.

    Args:
        names: of the datasets, as of :func:`development_set`; ``NAME[A:B]`` takes some of the writers.
        model: extracts the features, or has made them.
        data: home of the prepared datasets.
        writers: which ones of a single dataset.
        disturbed: prepared sets of the same scans, disturbed (``preprocess --disturb``).
        device: where features are computed.
        progress: where the work is reported.

    Raises:
        UsageError: ``writers`` of several datasets, a writer who is there twice, or a disturbed set of other scans.
    """
    if writers is not None and len(names) > 1:
        raise UsageError("`writers` chooses from one dataset; of several, write NAME[A:B]")
    parts = [
        development_set(name, model, data=data, writers=writers, device=device, progress=progress) for name in names
    ]
    _refuse_twins(parts)
    for name in disturbed:
        found = [_scanned_otherwise(part, name, data) for part in parts]
        if not any(found):
            raise UsageError(
                f"'{name}' is not of the scans of {', '.join(names)}: it must be a disturbed version of one"
            )
        for place, (part, one) in enumerate(zip(parts, found, strict=True)):
            if one is not None:
                description = {**part.description, "disturbed": [*part.description.get("disturbed", ()), name]}
                parts[place] = replace(part, description=description, disturbed=(*part.disturbed, one))
    if len(parts) == 1:
        return parts[0]
    # Labels are counted on: number 3 of two sets is two people.
    first = np.cumsum([0, *(int(part.y.max()) + 1 for part in parts[:-1])]).tolist()
    described = [part.description for part in parts]
    description = {
        "name": " + ".join(one["name"] for one in described),
        "content_hash": hashlib.sha256("".join(one["content_hash"] for one in described).encode()).hexdigest(),
        "writers": [f"{one['name']} {writer}" for one in described for writer in one["writers"]],
        **{key: sum(one[key] for one in described) for key in ("genuine", "skilled")},
        "sets": described,
    }
    if disturbed:
        description["disturbed"] = list(disturbed)
    every = [part.measures for part in parts]
    return DevelopmentSet(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.y + start for part, start in zip(parts, first, strict=True)]),
        np.concatenate([part.yforg for part in parts]),
        description,
        None if any(one is None for one in every) else [one for some in every if some is not None for one in some],
        tuple(
            Disturbed(one.measures, one.y + start)
            for part, start in zip(parts, first, strict=True)
            for one in part.disturbed
        ),
    )


def _refuse_twins(parts: Sequence[DevelopmentSet]) -> None:
    """Raise UsageError where a writer is in two of the sets: he would be taken for two people."""
    seen: dict[tuple[str, str], str] = {}
    for one in (part.description for part in parts):
        # By the scans: a set prepared twice, on other canvases say, has the same people in it.
        keys = [(one["scans"] or one["content_hash"], writer) for writer in one["writers"]]
        for key in keys:
            if key in seen:
                raise UsageError(f"writer {key[1]} is in {seen[key]} and in {one['name']}, and would be two people")
        seen |= dict.fromkeys(keys, one["name"])


def _scanned_otherwise(development: DevelopmentSet, name: str, data: Path) -> Disturbed | None:
    """Return the measures of a prepared set's genuine scans of the development set's writers.

    None: it is of other scans, or of other writers.
    """
    from sigkd.datasets.prepared import find_prepared

    store = find_prepared(name, data)
    scans = store.metadata.get("scans")
    if store.measures is None or scans is None:
        raise UsageError(f"'{name}' has no measures of its scans; prepare it anew with `views`")
    genuine = development.yforg == 0
    called = zip(np.unique(development.y).tolist(), development.description["writers"], strict=True)
    owners = {writer: owner for owner, writer in called if np.any(genuine & (development.y == owner))}
    signed = enumerate(zip(store.y.tolist(), store.yforg.tolist(), strict=True))
    rows = [row for row, (place, kind) in signed if kind == 0 and store.writers[place] in owners]
    if scans != development.description["scans"] or not rows:
        return None
    y = np.array([owners[store.writers[store.y[row]]] for row in rows], np.int64)
    return Disturbed([store.measures[row] for row in rows], y)


def calibrate(
    development: DevelopmentSet,
    binding: Binding,
    cohort: Negatives,
    references: Sequence[int],
    *,
    classifiers: Sequence[str] = CALIBRATED,
    negatives: Sequence[str] = KINDS,
    stated: Stated | None = None,
    splits: int = 5,
    seed: int = 0,
    settings: Settings | None = None,
    unscaled: slice | None = None,
    progress: Progress = SILENT,
) -> tuple[CalibrationSet, list[Answers]]:
    """Calibrate every combination, and measure each by cross-validation over writers.

    The trials are those of the field's protocol with all of a writer's other signatures as tests, and
    :data:`RANDOM_PER_WRITER` random forgeries.

    Args:
        development: the labelled features.
        binding: what made them.
        cohort: the negatives of that kind.
        references: numbers of references.
        classifiers: names of classifiers; each is calibrated against what it answers against.
        negatives: ``cohort``, ``writers`` or both.
        stated: the method that is recommended to those who use the calibration, and what is measured.
        splits: draws of references.
        seed: of the draws.
        settings: parallelism.
        unscaled: columns of the views that need no resolution, which are calibrated too; None where there are none.
        progress: where the work is reported.

    Returns:
        The calibrations, and what they answer on held-out writers.

    Raises:
        UsageError: unknown names, or numbers of references below 1.
    """
    stated, settings = stated or Stated(), settings or Settings(bootstrap=0)
    if min(references, default=0) < 1:
        raise UsageError("`nref` must be at least 1")
    for name in classifiers:
        CLASSIFIERS.get(name)
    for kind in negatives:
        check_kind(kind)
    scales = {KNOWN: slice(None)} | ({} if unscaled is None else {UNKNOWN: unscaled})
    fitted, answers = [], []
    for name in classifiers:
        for kind in negatives:
            # verify would compare with the cohort whatever the negatives are
            if kind not in CLASSIFIERS.get(name).answers_against:
                continue
            protocol = Protocol(
                genuine_test=ALL,
                skilled_test=ALL,
                forgeries="random",  # those of which every writer has some; skilled ones are scored where there are any
                random_test=RANDOM_PER_WRITER,
                classifier=name,
                negatives=kind,
            )
            # One classifier each: a calibration holds for its number of references and its columns alone.
            for count, (scale, columns) in product(references, scales.items()):
                try:
                    chosen, _ = plan_splits(
                        development.y, development.yforg, [count], splits, seed, protocol, skip_short=True
                    )
                    scores, _ = score_splits(
                        np.ascontiguousarray(development.features[:, columns]),
                        chosen,
                        protocol,
                        seed,
                        settings,
                        cohort=cohort if scale == KNOWN else cohort.columns(columns),
                        progress=progress,
                    )
                    calibration = fit(pool(scores), name, kind, count, len(scores[0].writers))
                    # Measured on held-out writers; the file's own calibration, above, is fitted on all of them.
                    answers.append(replace(answer(scores, name, kind, stated, seed), scale=scale))
                    fitted.append(replace(calibration, scale=scale))
                except (CalibrationError, UsageError) as error:
                    progress.warn(f"{name}, {kind}, {count} references: {error}; left out")
    if not fitted:
        raise CalibrationError("nothing could be calibrated on this set")
    facts = {**development.description, "splits": splits, "seed": seed}
    ranges = None
    if development.measures is not None:
        ranges = fit_ranges(
            development.measures,
            development.y,
            development.yforg,
            [(one.measures, one.y) for one in development.disturbed],
        )
    return CalibrationSet(binding, cohort.hash, stated.method, facts, tuple(fitted), ranges=ranges), answers
