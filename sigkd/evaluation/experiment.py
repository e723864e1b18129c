"""Datasets times models: what ``sigkd evaluate`` computes. Everything that can be wrong is found before the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd.errors import UsageError
from sigkd.evaluation import manifest, results
from sigkd.evaluation.evaluate import Settings, Source, evaluate_features, plan_splits
from sigkd.evaluation.protocol import Protocol, default_counts, default_protocol
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
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
    writers: slice = field(default_factory=lambda: slice(None))
    skip_short: bool = False
    splits_file: Path | None = None


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
        known = self.features if self.features is not None else self.batch
        assert known is not None  # noqa: S101 - one of the two is always there
        return known

    def source(self, model: str, model_hash: str, facts: dict[str, Any]) -> Source:
        """Return the provenance for the results."""
        metadata = self.labels.metadata
        names = [str(name) for name in metadata.get("writers", [])]
        labels = np.unique(self.labels.y)
        if len(names) > len(labels) or (len(names) and len(labels) and labels[-1] >= len(names)):
            names = []
        version = self.labels.preprocess_version
        return Source(
            dataset=self.name,
            model=model,
            dataset_hash=str(metadata.get("dataset_hash", "")),
            model_hash=model_hash,
            filenames=self.labels.filenames,
            writer_names=names if len(names) == len(labels) else (),
            extra={"kind": self.kind, "preprocess_version": version or "", "model_facts": facts},
        )


def open_set(name: str, data: Path) -> EvaluationSet:
    """Open a dataset by name, a prepared ``.npz``, or a features file.

    Raises:
        DatasetError: if it is absent; the message has the command that makes it.
        InputError: if the file is damaged.
    """
    from sigkd.models.extract import gather_images
    from sigkd.models.features import FeatureSet, is_features_file

    path = Path(name)
    if is_features_file(path):
        features = FeatureSet.load(path)
        known = str(features.metadata.get("layout") or features.metadata.get("dataset") or path.stem)
        return EvaluationSet(path.stem, known, features=features)
    batch = gather_images([name], data)
    known = str(batch.metadata.get("layout") or batch.metadata.get("dataset") or path.stem)
    return EvaluationSet(path.stem if path.suffix else name, known, batch=batch)


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
) -> dict[str, Any]:
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
    sets = [open_set(name, data) for name in datasets]
    names = [opened.name for opened in sets]
    if len(set(names)) < len(names):
        raise UsageError(f"two datasets have the same name: {', '.join(names)}")
    if plan.splits_file is not None and len(sets) > 1:
        raise UsageError("--splits-file holds the splits of one dataset: evaluate one dataset at a time")
    asked: list[tuple[EvaluationSet, tuple[int, ...], Protocol]] = []
    for opened in sets:
        stated = opened.labels.metadata.get("protocol")
        protocol = default_protocol(opened.kind, plan.protocol, stated, **plan.changes)
        nrefs = plan.nrefs or (default_counts(opened.kind, stated)[0],)
        if plan.splits_file is not None and plan.splits_file.exists():
            known = opened.labels
            manifest.load_splits(plan.splits_file, nrefs, plan.splits, known.y, known.yforg, known.filenames)
        else:
            _plan(opened, nrefs, plan, protocol)
        asked.append((opened, nrefs, protocol))
    extract = _extractor(sets, models, cache, device, batch_size, progress)
    documents = []
    for opened, nrefs, protocol in asked:
        for features, source in extract(opened):
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
                    writers=plan.writers,
                    skip_short=plan.skip_short,
                    splits_file=plan.splits_file,
                    progress=progress,
                )
            )
            documents[-1]["models"][source.model].update(source.extra["model_facts"])
    return results.merge(documents)


def _plan(opened: EvaluationSet, nrefs: tuple[int, ...], plan: Plan, protocol: Protocol) -> None:
    """Find out now whether the splits can be chosen."""
    names = opened.source("", "", {}).writer_names or None
    known = opened.labels
    plan_splits(
        known.y,
        known.yforg,
        nrefs,
        1,
        plan.seed,
        replace(protocol),
        writers=plan.writers,
        skip_short=plan.skip_short,
        names=names,
    )


_Extracted = list[tuple["FeatureSet", Source]]


def _extractor(
    sets: Sequence[EvaluationSet],
    models: Sequence[str | None],
    cache: Path | None,
    device: str,
    batch_size: int,
    progress: Progress,
) -> Callable[[EvaluationSet], _Extracted]:
    """Load all models now, and return what extracts the features of a set by each of them."""
    loaded: list[tuple[str, LoadedModel]] = []
    images = [opened for opened in sets if opened.batch is not None]
    if not images and any(model is not None for model in models):
        raise UsageError("--model is not used with a features file: its features are already there")
    if images:
        from sigkd.models.device import resolve_device
        from sigkd.models.io import load_model

        chosen = resolve_device(device)
        progress.info(f"device: {chosen}")
        for spec in models:
            model = load_model(spec, cache=cache)
            loaded.append((_unique(spec, model.name, [name for name, _ in loaded]), model))

    def extract(opened: EvaluationSet) -> _Extracted:
        if opened.features is not None:
            own = opened.features
            facts = {key: value for key, value in own.metadata.items() if key in ("student", "loss", "architecture")}
            return [(own, opened.source(own.model_name or opened.name, own.model_hash, facts))]
        from sigkd.models.extract import extract_set

        assert opened.batch is not None  # noqa: S101 - a set is one or the other
        found = []
        for name, model in loaded:
            features = extract_set(model, opened.batch, device=chosen, batch_size=batch_size, progress=progress)
            found.append((features, opened.source(name, model.hash, model_facts(model))))
        return found

    return extract


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
