"""The results: a document with protocol, hashes, metrics and every score; written as JSON, read and checked here.

In memory the scores are :class:`~sigkd.evaluation.scoring.SplitScores`; they become JSON values when it is written.
"""

from __future__ import annotations

import base64
import json
import math
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sigkd._version import __version__
from sigkd.errors import InputError
from sigkd.evaluation.manifest import ROWS, rows_of, writers_of
from sigkd.evaluation.protocol import Protocol, Split
from sigkd.evaluation.scoring import KINDS, SplitScores
from sigkd.files import write_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT, VERSION = "sigkd-results", 1
INLINE = 50_000
"""Scores of one kind and split up to which they are plain numbers; more are the same numbers in base64."""


def new_document(protocol: dict[str, Any], seed: int, splits: int, replicates: int) -> dict[str, Any]:
    """Return a document without results."""
    import scipy
    import sklearn

    return {
        "format": FORMAT,
        "version": VERSION,
        "results": [],
        "protocol": protocol,
        "seed": seed,
        "splits": splits,
        "bootstrap": {"replicates": replicates, "unit": "writer", "interval": "percentile", "level": 0.95},
        "datasets": {},
        "models": {},
        "versions": {
            "sigkd": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def merge(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join documents of several datasets and models under one protocol description a dataset."""
    joined = {**documents[0], "results": [], "datasets": {}, "models": {}}
    for document in documents:
        joined["results"] += document["results"]
        for key in ("datasets", "models"):
            joined[key].update(document[key])
        for dataset in document["datasets"]:
            joined["datasets"][dataset]["protocol"] = document["protocol"]
    return joined


def encode(scores: Sequence[NDArray[np.float64]]) -> Any:
    """Return scores a writer as JSON values: lists, or one base64 text of little-endian float64 where they are many."""
    if sum(map(len, scores)) <= INLINE:
        return [own.tolist() for own in scores]
    flat = np.concatenate(scores).astype("<f8").tobytes()
    return {"encoding": "base64-float64", "lengths": [len(s) for s in scores], "data": base64.b64encode(flat).decode()}


def decode(value: Any) -> list[NDArray[np.float64]]:
    """Return what :func:`encode` was given."""
    if isinstance(value, dict):
        if value.get("encoding") != "base64-float64":
            raise ValueError(f"unknown encoding {value.get('encoding')!r} of scores")
        flat = np.frombuffer(base64.b64decode(value["data"]), dtype="<f8")
        return np.split(flat.astype(np.float64), np.cumsum(value["lengths"])[:-1])
    return [np.asarray(own, dtype=np.float64).reshape(-1) for own in value]


def scores_document(scores: SplitScores) -> dict[str, Any]:
    """Return one split's scores as JSON values, with the rows of the tests in the order of the scores."""
    split = scores.split
    document = {
        "split": split.number,
        "writers": scores.writers,
        "fold": scores.fold.tolist(),
        "calibration": [list(line) for line in scores.calibration],
        "thresholds": scores.thresholds,
        "rows": {kind: [getattr(own, kind).tolist() for own in split.writers] for kind in ROWS},
        "scores": {kind: encode(getattr(scores, kind)) for kind in KINDS},
    }
    return {**document, "bystanders": rows_of(split.bystanders)} if split.bystanders else document


def read_scores(nref: int, document: dict[str, Any]) -> SplitScores:
    """Return the scores of a :func:`scores_document`.

    Raises:
        KeyError, TypeError, ValueError: the document is damaged.
    """
    rows = [{kind: document["rows"][kind][place] for kind in ROWS} for place in range(len(document["writers"]))]
    writers = writers_of([{"writer": w, **own} for w, own in zip(document["writers"], rows, strict=True)])
    split = Split(nref, document["split"], writers, writers_of(document.get("bystanders", [])))
    scores = {kind: decode(document["scores"][kind]) for kind in KINDS}
    for kind, own in scores.items():
        if len(own) != len(writers):
            raise ValueError(f"{len(own)} rows of {kind} scores for {len(writers)} writers")
        if not all(np.isfinite(values).all() for values in own):
            raise ValueError(f"{kind} scores are not finite")
    calibration = [(float(a), float(b)) for a, b in document["calibration"]]
    fold = np.asarray(document["fold"], dtype=np.int64)
    genuine, skilled, simple, random = (scores[kind] for kind in KINDS)
    return SplitScores(split, genuine, skilled, simple, random, fold, calibration, document["thresholds"])


def scores_of(entry: dict[str, Any]) -> list[SplitScores]:
    """Return the scores of one entry of ``results``, split by split.

    Raises:
        InputError: if the entry was saved without scores.
    """
    if not entry.get("splits"):
        raise InputError(f"the results of '{entry.get('model')}' on '{entry.get('dataset')}' hold no scores")
    scores: list[SplitScores] = entry["splits"]
    return scores


def protocol_of(document: dict[str, Any], dataset: str) -> Protocol:
    """Return the protocol that ``dataset`` was evaluated by."""
    described = document["datasets"].get(dataset, {}).get("protocol") or document["protocol"]
    return Protocol(**{key: value for key, value in described.items() if key in Protocol.__dataclass_fields__})


def dumps(document: dict[str, Any]) -> str:
    """Return the document as text: indented, but the scores of a split on one line."""
    slots: list[str] = []

    def shorten(value: Any, key: str = "") -> Any:
        if key == "splits" and isinstance(value, list):
            value = [scores_document(own) for own in value]
        if key in ("splits", "values", "ci95", "writer_names") and isinstance(value, list):
            slots.append(json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False))
            return f"@slot{len(slots) - 1}@"
        if isinstance(value, dict):
            return {name: shorten(item, name) for name, item in value.items()}
        return [shorten(item) for item in value] if isinstance(value, list) else value

    pieces = json.dumps(shorten(document), indent=2, allow_nan=False, ensure_ascii=False).split('"@slot')
    return pieces[0] + "".join(
        slots[int(number)] + rest for number, rest in (piece.split('@"', 1) for piece in pieces[1:])
    )


def save(path: Path, document: dict[str, Any]) -> None:
    """Write the document, atomically."""
    write_text(path, dumps(document) + "\n")


def _refuse(token: str) -> float:
    raise ValueError(f"holds {token}")


def load(path: Path) -> dict[str, Any]:
    """Read and check a results file; the scores come back as :class:`~sigkd.evaluation.scoring.SplitScores`.

    Raises:
        InputError: if it is absent, truncated, of another version, or holds NaN or impossible values.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such results file; 'sigkd evaluate ... --out DIR' makes one") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a results file (not UTF-8 text)") from error
    try:
        document = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) - 1
        raise InputError(f"{path}: {'truncated' if cut else 'damaged'} results file ({error})") from error
    except ValueError as error:
        raise InputError(f"{path}: the results file {error}: a score or metric is not a number") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(f"{path}: not a results file of sigkd (format '{FORMAT}')")
    if document.get("version") != VERSION:
        raise InputError(
            f"{path}: results file of version {document.get('version')}, this sigkd reads version {VERSION}; "
            "evaluate again, or use another sigkd"
        )
    try:
        _check(document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path}: damaged results file ({type(error).__name__}: {error})") from error
    return document


def _check(document: dict[str, Any]) -> None:
    if not document["results"]:
        raise ValueError("no results in it")
    for entry in document["results"]:
        for key in ("dataset", "model", "nref", "split_hash", "eer_user", "eer_global"):
            if key not in entry:
                raise KeyError(key)
        if entry["dataset"] not in document["datasets"]:
            raise ValueError(f"dataset '{entry['dataset']}' is not described")
        for name, metric in metrics_of(entry):
            if not all(math.isfinite(value) for value in [metric["mean"], metric["std"], *metric["values"]]):
                raise ValueError(f"{name} is not finite")
        if "splits" in entry:
            entry["splits"] = [read_scores(entry["nref"], split) for split in entry["splits"]]


def metrics_of(entry: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield name and summary of every metric of an entry of ``results``."""
    for name, value in entry.items():
        if isinstance(value, dict) and "mean" in value and "values" in value:
            yield name, value
