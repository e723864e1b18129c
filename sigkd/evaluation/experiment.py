"""Datasets times models: what ``sigkd evaluate`` computes. Everything that can be wrong is found before the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.classifiers import COHORT
from sigkd.datasets.layouts import named_writers
from sigkd.errors import CohortError, DatasetError, UsageError
from sigkd.evaluation import manifest
from sigkd.evaluation.evaluate import Settings, Source, evaluate_features, plan_splits
from sigkd.evaluation.protocol import Protocol, default_counts, default_protocol
from sigkd.evaluation.results import Results, merge
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    from sigkd.classifiers.negatives import Negatives
    from sigkd.models.extract import ImageBatch
    from sigkd.models.features import FeatureSet
    from sigkd.models.io import LoadedModel


@dataclass(frozen=True)
class Plan:
    """What is asked of every dataset; None: Table 3's value for the dataset."""

    nrefs: tuple[int, ...] | None = None
    splits: int = 10
    seed: int = 1234
    protocol: str = "paper"
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of :class:`~sigkd.evaluation.protocol.Protocol` other than the dataset's defaults."""
    writers: str | None = None
    """See :func:`sigkd.evaluation.protocol.pick_writers`."""
    skip_short: bool = False
    splits_file: Path | None = None
    cohort: str | None = None
    """Negatives of the protocol's kind ``cohort``: what ``--cohort`` may name; None: the model's default cohort."""


@dataclass
class EvaluationSet:
    """One dataset, as images or as features that someone extracted."""

    name: str
    kind: str
    """The known dataset that it is (for Table 3), or its own name."""
    batch: ImageBatch | None = None
    features: FeatureSet | None = None

    @property
    def labels(self) -> ImageBatch | FeatureSet:
        """What holds ``y``, ``yforg`` and ``filenames``."""
        labelled = self.features if self.features is not None else self.batch
        assert labelled is not None  # noqa: S101 - one of the two is always there
        return labelled

    @property
    def writer_names(self) -> list[str]:
        """The names of the writers in the order of their labels; empty: they have none."""
        names = [str(name) for name in self.labels.metadata.get("writers", [])]
        labels = np.unique(self.labels.y)
        return names if len(names) == len(labels) and (not len(labels) or labels[-1] < len(names)) else []

    def chosen(self, writers: str | None) -> str | None:
        """Return ``writers`` with the name of one of the dataset's subsets replaced by the writers' names."""
        return named_writers(writers, str(self.labels.metadata.get("layout")))

    def source(self, model: str, model_hash: str, facts: dict[str, Any]) -> Source:
        """Return the provenance for the results."""
        metadata, version = self.labels.metadata, self.labels.preprocess_version
        return Source(
            dataset=self.name,
            model=model,
            dataset_hash=str(metadata.get("dataset_hash", "")),
            model_hash=model_hash,
            filenames=self.labels.filenames,
            writer_names=self.writer_names,
            kind=self.kind,
            origin="images" if self.features is None else "features",
            preprocess_version=version or "",
            model_facts=facts,
        )


def open_set(name: str, data: Path, progress: Progress = SILENT) -> EvaluationSet:
    """Open a dataset by name, a prepared ``.npz``, or a features file.

    A folder of images has no labels; where one beside the caller has the name of a prepared set, the set is meant.

    Raises:
        DatasetError: if it is absent; the message has the command that makes it.
        InputError: if the file is damaged.
    """
    from sigkd.models.features import FeatureSet, is_features_file

    path = Path(name)
    if is_features_file(path):
        features = FeatureSet.load(path)
        return EvaluationSet(path.stem, _kind(features.metadata, path), features=features)
    from sigkd.models.extract import prepared_images
    from sigkd.paths import store_path

    if path.is_dir():
        if path.is_absolute() or not store_path(name, data).is_file():
            raise DatasetError(
                f"{path}: a folder of images, which is no dataset yet. Make one with: sigkd preprocess {path} "
                f"--dataset folder --name {path.name}"
            )
        progress.info(f"'{name}': the prepared set {store_path(name, data)}, not the folder {path.absolute()}")
    batch = prepared_images(name, data)
    return EvaluationSet(path.stem if path.suffix else name, _kind(batch.metadata, path), batch=batch)


def _kind(metadata: dict[str, Any], path: Path) -> str:
    """Return which known dataset a set is, by what it states; one that states nothing goes by its file's name."""
    return str(metadata.get("layout") or metadata.get("dataset") or path.stem)


def evaluate_all(
    datasets: Sequence[str],
    models: Sequence[str | None],
    plan: Plan,
    settings: Settings,
    *,
    data: Path,
    cache: Path | None = None,
    device: str = "auto",
    batch_size: int = 64,
    progress: Progress = SILENT,
) -> Results:
    """Evaluate every model on every dataset, all models of a dataset on the same splits.

    Args:
        datasets: names, prepared files, features files.
        models: what ``--model`` may name; None: the default student. Not used for features files.
        plan: protocol, references, splits.
        settings: intervals, stored scores, parallelism.
        data: home of the prepared datasets.
        cache: home of downloaded weights.
        device: where features are computed.
        batch_size: images a step.
        progress: where the work is reported.

    Raises:
        UsageError, InputError, ModelError: for whatever is wrong, before any features are computed.
    """
    sets = [open_set(name, data, progress) for name in datasets]
    names = [opened.name for opened in sets]
    # Results are kept by the name: the second would overwrite the first.
    if len(set(names)) < len(names):
        raise UsageError(f"two datasets have the same name: {', '.join(names)}")
    if plan.splits_file is not None and len(sets) > 1:
        raise UsageError("`splits_file` holds the splits of one dataset: evaluate one dataset at a time")
    asked: list[tuple[EvaluationSet, tuple[int, ...], Protocol]] = []
    for opened in sets:
        stated = opened.labels.metadata.get("protocol")
        protocol = default_protocol(opened.kind, plan.protocol, stated, **plan.changes)
        nrefs = plan.nrefs or (default_counts(opened.kind, stated)[0],)
        if plan.splits_file is not None and plan.splits_file.exists():
            labels = opened.labels
            manifest.load_splits(plan.splits_file, nrefs, plan.splits, labels.y, labels.yforg, labels.filenames)
        else:
            # Of all sets before the first is extracted: hours must not end in a message about a writer.
            _plan(opened, nrefs, plan, protocol)
        asked.append((opened, nrefs, protocol))
    extract = _extractor(sets, models, plan, data, cache, device, batch_size, progress)
    documents = []
    for opened, nrefs, protocol in asked:
        for features, source, cohort in extract(opened):
            documents.append(
                evaluate_features(
                    features.features,
                    features.y,
                    features.yforg,
                    nrefs,
                    plan.splits,
                    plan.seed,
                    protocol=protocol,
                    settings=settings,
                    source=source,
                    cohort=cohort,
                    writers=opened.chosen(plan.writers),
                    skip_short=plan.skip_short,
                    splits_file=plan.splits_file,
                    progress=progress,
                )
            )
    return merge(documents)


def _plan(opened: EvaluationSet, nrefs: tuple[int, ...], plan: Plan, protocol: Protocol) -> None:
    """Find out now whether the splits can be chosen."""
    plan_splits(
        opened.labels.y,
        opened.labels.yforg,
        nrefs,
        1,
        plan.seed,
        protocol,
        writers=opened.chosen(plan.writers),
        skip_short=plan.skip_short,
        names=opened.writer_names,
    )


_Extracted = list[tuple["FeatureSet", Source, "Negatives | None"]]


def _extractor(
    sets: Sequence[EvaluationSet],
    models: Sequence[str | None],
    plan: Plan,
    data: Path,
    cache: Path | None,
    device: str,
    batch_size: int,
    progress: Progress,
) -> Callable[[EvaluationSet], _Extracted]:
    """Load all models and cohorts now, and return what extracts the features of a set by each of the models."""
    loaded: list[tuple[str, LoadedModel, Negatives | None]] = []
    images = [opened for opened in sets if opened.batch is not None]
    wanted = plan.changes.get("negatives") == COHORT
    if not images and any(model is not None for model in models):
        raise UsageError("`model` is not used with a features file: its features are already there")
    if plan.cohort is not None and not wanted:
        raise UsageError("`cohort` needs `negatives='cohort'`")
    if images:
        from sigkd.classifiers.cohort import resolve_cohort
        from sigkd.models.device import resolve_device
        from sigkd.models.io import load_model

        chosen = resolve_device(device)
        progress.info(f"device: {chosen}")
        for spec in models:
            model = load_model(spec, cache=cache)
            cohort = None
            if wanted:
                cohort = resolve_cohort(plan.cohort, model, data=data, cache=cache, device=chosen, progress=progress)
            loaded.append((_unique(spec, model.name, [name for name, _, _ in loaded]), model, cohort))
    cohorts = {
        opened.name: cohort_of_features(opened.features, plan.cohort, cache)
        for opened in sets
        if wanted and opened.features is not None
    }

    def extract(opened: EvaluationSet) -> _Extracted:
        if opened.features is not None:
            own = opened.features
            facts = {key: value for key, value in own.metadata.items() if key in ("student", "loss", "architecture")}
            source = opened.source(own.model_name or opened.name, own.model_hash, facts)
            return [(own, source, cohorts.get(opened.name))]
        from sigkd.models.extract import extract_set

        assert opened.batch is not None  # noqa: S101 - a set is one or the other
        found: _Extracted = []
        for name, model, cohort in loaded:
            features = extract_set(model, opened.batch, device=chosen, batch_size=batch_size, progress=progress)
            found.append((features, opened.source(name, model.hash, model_facts(model)), cohort))
        return found

    return extract


def cohort_of_features(features: FeatureSet, spec: str | None, cache: Path | None) -> Negatives:
    """Return the cohort that fits features whose network is not at hand.

    Raises:
        CohortError: there is none, or the features do not say which model made them.
    """
    from sigkd.classifiers.cohort import load_cohort
    from sigkd.models.binding import Binding

    if not features.model_hash:
        raise CohortError("the features do not say which model made them, so that no cohort fits")
    return load_cohort(spec, Binding.from_dict(features.describe()), cache=cache)


def _unique(spec: str | None, name: str, taken: Sequence[str]) -> str:
    """Return a name for the results: what the user typed where it says more, and never the same twice."""
    path = Path(spec) if spec and Path(spec).suffix else None
    label = spec or name
    if path is not None:  # every run has a final.safetensors: its folder says which one
        label = path.absolute().parent.name if path.stem in ("final", "best") else path.stem
        if label in taken:
            label = "/".join([path.absolute().parent.name, path.stem])
    while label in taken:
        label += "'"
    return label


def model_facts(model: LoadedModel) -> dict[str, Any]:
    """Return what the results keep of a model's metadata: what it is and how it was trained."""
    keys = ("architecture", "student", "teacher", "loss", "licence", "training_data", "recipe", "epochs")
    facts = {key: model.metadata[key] for key in keys if key in model.metadata}
    facts.setdefault("architecture", getattr(model.network, "architecture", ""))
    return {**facts, "name": model.name}
