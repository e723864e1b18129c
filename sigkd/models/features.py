"""Feature sets: the network's vectors with everything needed to use them later; their formats are in ``formats``."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import InputError, UsageError
from sigkd.files import atomic_path, parsing
from sigkd.json_documents import JsonDocument
from sigkd.models.formats import FEATURE_FORMATS, FeatureFormat, feature_suffixes
from sigkd.registry import nearest

UNKNOWN = -1
"""``y`` and ``yforg`` of an image that came without labels (a plain folder or single files)."""

LABELS = (UNKNOWN, 0, 1, 2)
"""What ``yforg`` may be: unknown, genuine, skilled forgery, simple forgery."""

PROVENANCE = ("model_name", "model_hash", "preprocess_version")
"""The fields of a set that every format keeps by themselves."""


@dataclass
class FeatureSet:
    """Feature vectors of N images and where they come from.

    ``features`` is float32 [N, D], ``y`` int64 [N] (writer; -1 unknown), ``yforg`` int8 [N] (0 genuine, 1 skilled
    forgery, 2 simple forgery, -1 unknown), ``filenames`` one name an image. ``model_hash`` names the weights and
    ``preprocess_version`` the preparation of the images; both are empty in files that other programs wrote.
    ``metadata`` holds the rest as JSON values (dataset name and hash, canvas, writers' names, precision).
    """

    features: NDArray[np.float32]
    y: NDArray[np.int64]
    yforg: NDArray[np.int8]
    filenames: list[str] = field(default_factory=list)
    model_hash: str = ""
    preprocess_version: str = ""
    model_name: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.features = np.ascontiguousarray(self.features, dtype=np.float32)
        from sigkd.datasets.prepared import whole_numbers  # with it come all layouts of datasets

        self.y = whole_numbers(self.y, "writers' numbers")
        labels = whole_numbers(self.yforg, "labels")
        if not np.isin(labels, LABELS).all():
            raise InputError(f"a label (yforg) is none of {', '.join(map(str, LABELS))}")
        self.yforg = labels.astype(np.int8)
        self.filenames = [str(name) for name in self.filenames] or [str(i) for i in range(len(self.features))]
        if self.features.ndim != 2:
            raise InputError(f"features must be a matrix N x D, not of shape {self.features.shape}")
        lengths = {len(self.features), len(self.y), len(self.yforg), len(self.filenames)}
        if len(lengths) != 1:
            raise InputError(
                f"{len(self.features)} feature vectors, {len(self.y)} writers, {len(self.yforg)} labels and "
                f"{len(self.filenames)} file names do not belong together"
            )
        if not np.isfinite(self.features).all():
            raise InputError("the features contain NaN or infinite values")

    def __len__(self) -> int:
        return len(self.features)

    def save(self, path: Path) -> Extraction:
        """Write the set, atomically, and return what was written; the suffix of ``path`` chooses the format.

        Raises:
            UsageError: for another suffix, or for ``.parquet`` without pyarrow.
        """
        chosen = check_suffix(Path(path))
        with atomic_path(Path(path)) as temporary:
            chosen.write(self, temporary)
        count, length = self.features.shape
        return Extraction(out=Path(path), count=count, length=length, **self.origin, metadata=self.metadata)

    @classmethod
    def load(cls, path: Path) -> FeatureSet:
        """Read a feature file of any format, also one that another program wrote (``features``, ``y``, ``yforg``).

        Raises:
            InputError: if the file is absent, damaged or has no features in it.
            UsageError: for a suffix that features are not kept in, or without the library that it needs.
        """
        path = Path(path)
        chosen = check_suffix(path)
        if not path.is_file():
            raise InputError(f"{path}: no such features file; 'sigkd extract SRC --out {path.name}' makes one")
        with parsing(path, "features file"):
            return chosen.read(path)

    @property
    def provenance(self) -> str:
        """:meth:`describe` as JSON."""
        return json.dumps(self.describe())

    @property
    def origin(self) -> dict[str, Any]:
        """The values of :data:`PROVENANCE`."""
        return {name: getattr(self, name) for name in PROVENANCE}

    def describe(self) -> dict[str, Any]:
        """Return the provenance as one JSON document, as it is stored in the files."""
        return {**self.origin, **self.metadata}


class Extraction(JsonDocument, format="sigkd-extraction", version=1):
    """What ``sigkd extract`` prints: a file of features."""

    out: Path
    count: int
    length: int
    """Of each feature vector."""
    model_name: str
    model_hash: str
    preprocess_version: str
    metadata: dict[str, Any]
    """What else the file says of its origin."""
    also: list[Path] = field(default_factory=list)
    """Further files with the same."""


def check_suffix(path: Path) -> FeatureFormat:
    """Return the format of a file's suffix.

    Raises:
        UsageError: features cannot be kept in such a file, or a library that it needs is absent.
    """
    suffix = path.suffix.lower()
    suffixes = feature_suffixes()
    if suffix not in suffixes:
        raise UsageError(
            f"{path}: features are kept as {', '.join(suffixes)}, not '{suffix}'.{nearest(suffix, suffixes)}"
        )
    chosen = FEATURE_FORMATS.get(suffix[1:])
    chosen.require()
    return chosen


def is_features_file(path: Path) -> bool:
    """Return whether ``path`` is a file of features by its suffix; of an ``.npz``, by what it holds."""
    if path.suffix.lower() != ".npz":
        return path.suffix.lower() in feature_suffixes()
    try:
        with zipfile.ZipFile(path) as archive:
            return "features.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def assemble(found: Mapping[str, Any], document: object) -> FeatureSet:
    """Make a set of what a file holds.

    Args:
        found: ``features``, and where they are known ``y``, ``yforg`` and ``filenames``. Without ``y`` the writers are
            unknown, without ``yforg`` every signature counts as genuine.
        document: what :meth:`FeatureSet.describe` returned, or its JSON text; None in another program's file.

    Raises:
        InputError: a file of ours that lacks a part, or parts that do not fit.
    """
    facts = json.loads(str(document)) if not isinstance(document, dict | None) else dict(document or {})
    if not isinstance(facts, dict):
        raise InputError("the metadata is not a JSON object")
    provenance = {key: str(facts.pop(key, "")) for key in PROVENANCE}
    missing = [name for name in ("y", "yforg", "filenames") if name not in found]
    if provenance["model_hash"] and missing:
        raise InputError(f"'{missing[0]}' is missing, which every features file of sigkd has: the file is damaged")
    count = len(np.asarray(found["features"]))
    y, forged = found.get("y", np.full(count, UNKNOWN)), found.get("yforg", np.zeros(count, np.int8))
    names = [str(name) for name in np.asarray(found.get("filenames", [])).reshape(-1)]
    return FeatureSet(found["features"], y, forged, names, metadata=facts, **provenance)
