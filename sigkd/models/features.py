"""Feature files: the network's vectors with everything needed to use them later, in the formats people ask for.

``.npz`` is the native form; ``.csv``, ``.mat`` (MATLAB) and ``.parquet`` carry the same content. The layout of each is
in ``docs/reference/features.md``. Nothing is ever pickled.
"""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import InputError, UsageError
from sigkd.files import atomic_path
from sigkd.registry import nearest

# what NumPy, SciPy, csv and zipfile raise when they are given half a file, or something else altogether
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
)

UNKNOWN = -1
"""``y`` and ``yforg`` of an image that came without labels (a plain folder or single files)."""


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
        self.y = np.asarray(self.y, dtype=np.int64).reshape(-1)
        self.yforg = np.asarray(self.yforg, dtype=np.int8).reshape(-1)
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

    def save(self, path: Path) -> None:
        """Write the set, atomically; the suffix of ``path`` chooses the format.

        Raises:
            UsageError: for another suffix, or for ``.parquet`` without pyarrow.
        """
        with atomic_path(Path(path)) as temporary:
            _format(Path(path), _WRITERS)(self, temporary)

    @classmethod
    def load(cls, path: Path) -> FeatureSet:
        """Read a feature file of any format, also one that another program wrote (``features``, ``y``, ``yforg``).

        Raises:
            InputError: if the file is absent, damaged or has no features in it.
        """
        path = Path(path)
        reader: _Reader = _format(path, _READERS)
        if not path.is_file():
            raise InputError(f"{path}: no such features file; 'sigkd extract SRC --out {path.name}' makes one")
        try:
            return reader(path)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        except _DAMAGE as error:
            raise InputError(f"{path}: not a readable features file ({error})") from error

    def describe(self) -> dict[str, Any]:
        """Return the provenance as one JSON document, as it is stored in the files."""
        return {
            "model_name": self.model_name,
            "model_hash": self.model_hash,
            "preprocess_version": self.preprocess_version,
            **self.metadata,
        }


_Writer = Callable[[FeatureSet, Path], None]
_Reader = Callable[[Path], FeatureSet]
_PROVENANCE = ("model_name", "model_hash", "preprocess_version")


def suffixes() -> list[str]:
    """Return the suffixes that features can be written to."""
    return list(_WRITERS)


def check_suffix(path: Path) -> None:
    """Raise UsageError now, before any work, if features cannot be written to a file of this suffix."""
    _format(path, _WRITERS)
    if path.suffix.lower() == ".parquet":
        _pyarrow()


def _format(path: Path, table: dict[str, Any]) -> Any:
    suffix = path.suffix.lower()
    if suffix not in table:
        raise UsageError(
            f"{path}: features are kept as {', '.join(table)}, not '{suffix}'.{nearest(suffix, list(table))}"
        )
    return table[suffix]


def _assemble(
    features: Any, y: Any, yforg: Any, filenames: Sequence[Any] | NDArray[Any] | None, document: dict[str, Any]
) -> FeatureSet:
    features = np.asarray(features, dtype=np.float32)
    count = len(features)
    labels = np.full(count, UNKNOWN) if y is None else np.asarray(y).reshape(-1)
    forged = np.zeros(count, np.int8) if yforg is None else np.asarray(yforg).reshape(-1)
    names = [] if filenames is None else [str(name) for name in np.asarray(filenames).reshape(-1)]
    known = {key: str(document.pop(key, "")) for key in _PROVENANCE}
    return FeatureSet(features, labels, forged, names, metadata=document, **known)


def _document(text: object) -> dict[str, Any]:
    loaded = json.loads(str(text)) if text is not None else {}
    if not isinstance(loaded, dict):
        raise InputError("the metadata is not a JSON object")
    return loaded


def _write_npz(features: FeatureSet, path: Path) -> None:
    with path.open("wb") as stream:
        np.savez(
            stream,
            features=features.features,
            y=features.y,
            yforg=features.yforg,
            filenames=np.asarray(features.filenames, dtype=np.str_),
            metadata=np.asarray(json.dumps(features.describe())),
        )


def _read_npz(path: Path) -> FeatureSet:
    with np.load(path, allow_pickle=False) as archive:
        if "features" not in archive:
            raise InputError(f"holds no array 'features' (it has: {', '.join(archive.files)})")

        def optional(name: str) -> Any:
            return archive[name] if name in archive.files else None

        document = _document(archive["metadata"].item() if "metadata" in archive else None)
        return _assemble(archive["features"], optional("y"), optional("yforg"), optional("filenames"), document)


def _write_mat(features: FeatureSet, path: Path) -> None:
    from scipy.io import savemat

    names = np.empty((len(features), 1), dtype=object)  # an object array becomes a cell array of strings
    names[:, 0] = features.filenames
    savemat(
        path,
        {
            "features": features.features,
            "y": features.y.reshape(-1, 1),
            "yforg": features.yforg.reshape(-1, 1),
            "filenames": names,
            "metadata": json.dumps(features.describe()),
        },
        appendmat=False,
        do_compression=True,
    )


def _read_mat(path: Path) -> FeatureSet:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, appendmat=False)
    except MatReadError as error:
        raise InputError(f"not a readable MATLAB file ({error})") from error
    if "features" not in content:
        raise InputError("holds no variable 'features'")
    names = content.get("filenames")
    if names is not None:
        names = np.asarray([str(np.asarray(cell).reshape(-1)[0]) for cell in names.reshape(-1)])
    metadata = content.get("metadata")
    document = _document(metadata.reshape(-1)[0] if metadata is not None and metadata.size else None)
    return _assemble(content["features"], content.get("y"), content.get("yforg"), names, document)


def _write_csv(features: FeatureSet, path: Path) -> None:
    header = ["filename", "y", "yforg", *_PROVENANCE, *(f"f{i}" for i in range(features.features.shape[1]))]
    provenance = [features.model_name, features.model_hash, features.preprocess_version]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for name, y, forged, vector in zip(
            features.filenames, features.y, features.yforg, features.features, strict=True
        ):
            # nine significant digits bring every float32 back exactly
            writer.writerow([name, int(y), int(forged), *provenance, *(f"{value:.9g}" for value in vector.tolist())])


def _read_csv(path: Path) -> FeatureSet:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        columns = [i for i, name in enumerate(header) if name.startswith("f") and name[1:].isdigit()]
        if not columns:
            raise InputError("has no feature columns f0, f1, ...")
        place = {name: i for i, name in enumerate(header)}
        rows = [row for row in reader if row]
    if any(len(row) != len(header) for row in rows):
        raise InputError("a row is cut short")
    vectors = np.asarray([[float(row[i]) for i in columns] for row in rows], np.float32).reshape(
        len(rows), len(columns)
    )

    def column(name: str) -> list[str] | None:
        return [row[place[name]] for row in rows] if name in place else None

    y, forged = column("y"), column("yforg")
    document = {key: (values[0] if (values := column(key)) else "") for key in _PROVENANCE}
    return _assemble(
        vectors,
        None if y is None else [int(value) for value in y],
        None if forged is None else [int(value) for value in forged],
        column("filename"),
        document,
    )


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(".parquet needs pyarrow: pip install 'sigkd[parquet]'") from error
    return pyarrow


def _write_parquet(features: FeatureSet, path: Path) -> None:
    arrow = _pyarrow()
    vectors = arrow.FixedSizeListArray.from_arrays(
        arrow.array(features.features.reshape(-1)), features.features.shape[1]
    )
    table = arrow.table(
        {"filename": features.filenames, "y": features.y, "yforg": features.yforg, "features": vectors},
    ).replace_schema_metadata({"sigkd": json.dumps(features.describe())})
    arrow.parquet.write_table(table, path)


def _read_parquet(path: Path) -> FeatureSet:
    arrow = _pyarrow()
    try:
        table = arrow.parquet.read_table(path)
    except arrow.ArrowException as error:
        raise InputError(f"not a readable parquet file ({error})") from error
    if "features" not in table.column_names:
        raise InputError("has no column 'features'")
    column = table.column("features").combine_chunks()
    vectors = column.values.to_numpy(zero_copy_only=False).reshape(table.num_rows, -1)

    def values(name: str) -> Any:
        return table.column(name).to_pylist() if name in table.column_names else None

    document = _document((table.schema.metadata or {}).get(b"sigkd", b"{}").decode())
    return _assemble(vectors, values("y"), values("yforg"), values("filename"), document)


_WRITERS: dict[str, _Writer] = {".npz": _write_npz, ".csv": _write_csv, ".mat": _write_mat, ".parquet": _write_parquet}
_READERS: dict[str, _Reader] = {".npz": _read_npz, ".csv": _read_csv, ".mat": _read_mat, ".parquet": _read_parquet}
