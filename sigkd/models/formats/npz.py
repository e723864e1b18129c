"""``.npz``: the native form of features, one array each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sigkd.errors import InputError
from sigkd.files import numpy_archive
from sigkd.models.features import FeatureSet, assemble
from sigkd.models.formats import FEATURE_FORMATS, FeatureFormat


def write(features: FeatureSet, path: Path) -> None:
    """Write the arrays of the set and its provenance as a JSON text."""
    with path.open("wb") as stream:
        np.savez(
            stream,
            features=features.features,
            y=features.y,
            yforg=features.yforg,
            filenames=np.asarray(features.filenames, dtype=np.str_),
            metadata=np.asarray(features.provenance),
        )


def read(path: Path) -> FeatureSet:
    """Read an archive that has at least the array ``features``."""
    with numpy_archive(path) as archive:
        if "features" not in archive.files:
            raise InputError(f"holds no array 'features' (it has: {', '.join(archive.files)})")
        found: dict[str, Any] = {
            name: archive[name] for name in ("features", "y", "yforg", "filenames") if name in archive.files
        }
        return assemble(found, archive["metadata"].item() if "metadata" in archive.files else None)


FEATURE_FORMATS.register("npz")(FeatureFormat(write, read))
