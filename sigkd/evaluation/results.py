"""The results: a document with protocol, hashes, metrics and every score; read and written here."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from sigkd._version import __version__
from sigkd.errors import InputError
from sigkd.evaluation.answers import Answers
from sigkd.evaluation.paper import PaperValue
from sigkd.evaluation.protocol import Protocol
from sigkd.evaluation.scoring import SplitScores
from sigkd.evaluation.summary import Metric
from sigkd.files import encodable
from sigkd.json_documents import JsonDocument, encode, seal_of


@dataclass(kw_only=True)
class Result:
    """One model on one dataset with one number of references."""

    dataset: str
    model: str
    nref: int
    classifier: str = ""
    gamma: float | None = None
    """Of its kernel; null: it has none."""
    writers: int
    writers_left_out: list[int] = field(default_factory=list)
    """With too few signatures."""
    writers_without_forgeries: list[int] = field(default_factory=list)
    """They serve as random forgeries only."""
    trials: dict[str, int]
    """Scores of each kind in one split."""
    negatives: int
    """References of others behind one classifier; as ``max_negatives`` of the protocol where they were bounded."""
    random_per_writer: int
    random_sampled: bool
    """Whether the random forgeries are a sample of those that could be tried."""
    split_hash: str
    """SHA-256 of all splits: results with the same one are comparable."""
    metrics: dict[str, Metric]
    """By their names in the reference of the metrics."""
    answers: Answers | None = None
    """What ``verify`` would answer, where it was asked for."""
    best: list[str] = field(default_factory=list)
    """Metrics in which this model beats every other one (paired bootstrap over writers, Holm, 5 %)."""
    paper: dict[str, PaperValue] = field(default_factory=dict)
    """The paper's values for the same dataset, model, loss and number of references."""
    writer_names: list[str] = field(default_factory=list)
    """In the order of the writers' labels; empty: they have none."""
    splits: list[SplitScores] = field(default_factory=list)
    """Every score; empty where they were not kept."""

    def scores(self) -> list[SplitScores]:
        """Return the scores, split by split.

        Raises:
            InputError: they were not kept.
        """
        if not self.splits:
            raise InputError(f"the results of '{self.model}' on '{self.dataset}' hold no scores")
        return self.splits


@dataclass(frozen=True)
class Bootstrap:
    """How the intervals were made."""

    replicates: int
    unit: str = "writer"
    interval: str = "percentile"
    level: float = 0.95


@dataclass(frozen=True)
class DatasetFacts:
    """What was evaluated on."""

    hash: str
    """Of the prepared set; empty: not known."""
    trials_hash: str
    """SHA-256 of the labels: the same signatures in the same order."""
    rows: int
    kind: str | None = None
    """The known dataset that it is, or its own name."""
    source: str | None = None
    """``images`` or ``features``."""
    preprocess_version: str = ""
    protocol: Protocol | None = None
    """Of this dataset."""


@dataclass(frozen=True)
class ModelFacts:
    """What was evaluated."""

    hash: str = ""
    name: str = ""
    architecture: str = ""
    student: str | None = None
    loss: str | None = None
    row: str | None = None
    """Of ``sigkd reproduce``: the table's row."""
    details: dict[str, Any] = field(default_factory=dict)
    """What else the model's file says of its training."""

    @classmethod
    def of(cls, facts: Mapping[str, Any], model_hash: str = "") -> ModelFacts:
        """Return the facts of a model's metadata."""
        stated = {each.name for each in fields(cls)} - {"details"}
        named = {name: str(value) for name, value in facts.items() if name in stated and value is not None}
        details = {name: value for name, value in facts.items() if name not in stated}
        return cls(**{"hash": model_hash, **named}, details=details)


class Results(JsonDocument, format="sigkd-results", version=2, frozen=False):
    """What ``sigkd evaluate`` and ``sigkd reproduce`` print, and ``results.json``."""

    results: list[Result]
    protocol: Protocol
    seed: int
    splits: int
    bootstrap: Bootstrap
    datasets: dict[str, DatasetFacts]
    models: dict[str, ModelFacts]
    versions: dict[str, str]
    """Of sigkd and the libraries."""
    missing: list[str] = field(default_factory=list)
    """Of ``sigkd reproduce``: what could not be done, and why."""
    identity: dict[str, Any] | None = None
    """Of ``sigkd reproduce``: what the evaluation depends on."""
    seal: str | None = None
    """SHA-256 of the rest; null: of an older sigkd."""

    def __post_init__(self) -> None:
        if not self.results:
            raise ValueError("no results in it")
        for one in self.results:
            if one.dataset not in self.datasets:
                raise ValueError(f"dataset '{one.dataset}' is not described")
            if missing := {"eer_user", "eer_global"} - set(one.metrics):
                raise ValueError(f"'{one.model}' on '{one.dataset}' has no {' and no '.join(sorted(missing))}")

    def protocol_of(self, dataset: str) -> Protocol:
        """Return the protocol that ``dataset`` was evaluated by."""
        return self.datasets[dataset].protocol or self.protocol

    def text(self, *, ascii_only: bool = False) -> str:
        """Return the text of a file: indented, but lists of numbers on one line."""
        slots: list[str] = []

        def shorten(value: Any, key: str = "") -> Any:
            if key in ("splits", "values", "ci95", "writer_names") and isinstance(value, list):
                slots.append(json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=ascii_only))
                return f"@slot{len(slots) - 1}@"
            if isinstance(value, dict):
                return {name: shorten(item, name) for name, item in value.items()}
            return [shorten(item) for item in value] if isinstance(value, list) else value

        document = self.to_json()
        document["seal"] = seal_of(document)
        whole = json.dumps(shorten(document), indent=2, allow_nan=False, ensure_ascii=ascii_only)
        first, *pieces = whole.split('"@slot')
        filled = (slots[int(number)] + rest for number, rest in (piece.split('@"', 1) for piece in pieces))
        made = first + "".join(filled) + "\n"
        return self.text(ascii_only=True) if not ascii_only and not encodable(made) else made

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a results file.

        Raises:
            InputError: it is absent, damaged or of another version.
        """
        if not Path(path).is_file():
            raise InputError(f"{path}: no such results file; 'sigkd evaluate ... --out DIR' makes one")
        return super().read(path)

    @classmethod
    def upgraded(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return results of version 1, whose metrics stood among the facts of an entry, as those of version 2."""
        if document.get("version") != 1:
            return document
        try:
            datasets = {name: _only(DatasetFacts, facts) for name, facts in document["datasets"].items()}
            for facts in datasets.values():
                facts["protocol"] = facts.get("protocol") and _only(Protocol, facts["protocol"])
            return _only(cls, document) | {
                "version": 2,
                "protocol": _only(Protocol, document["protocol"]),
                "datasets": datasets,
                "models": {name: encode(ModelFacts.of(facts)) for name, facts in document["models"].items()},
                "results": [_upgraded_result(entry) for entry in document["results"]],
            }
        except (AttributeError, KeyError, TypeError):
            return document


def _only(kind: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that are fields of a dataclass."""
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in facts.items() if name in names}


def _upgraded_result(entry: dict[str, Any]) -> dict[str, Any]:
    metrics = {name: value for name, value in entry.items() if isinstance(value, dict) and "values" in value}
    splits = [{"nref": entry["nref"], "bystanders": [], **split} for split in entry.get("splits", [])]
    return _only(Result, entry) | {"metrics": metrics, "splits": splits}


def library_versions() -> dict[str, str]:
    """Return the versions that results depend on."""
    import scipy
    import sklearn

    return {
        "sigkd": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def merge(documents: Sequence[Results]) -> Results:
    """Join results of several datasets and models; each dataset keeps its protocol."""
    datasets: dict[str, DatasetFacts] = {}
    models: dict[str, ModelFacts] = {}
    for document in documents:
        models |= document.models
        for name, facts in document.datasets.items():
            datasets[name] = replace(facts, protocol=document.protocol)
    joined = [one for document in documents for one in document.results]
    return replace(documents[0], results=joined, datasets=datasets, models=models, identity=None)
