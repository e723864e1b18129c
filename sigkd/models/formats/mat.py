"""``.mat``: features for MATLAB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sigkd.errors import InputError
from sigkd.models.features import FeatureSet, assemble
from sigkd.models.formats import FEATURE_FORMATS, FeatureFormat


def write(features: FeatureSet, path: Path) -> None:
    """Write a MATLAB 5 file; ``y`` and ``yforg`` are columns, ``filenames`` a cell array."""
    from scipy.io import savemat

    names = np.empty((len(features), 1), dtype=object)  # an object array becomes a cell array of strings
    names[:, 0] = features.filenames
    content = {
        "features": features.features,
        "y": features.y.reshape(-1, 1),
        "yforg": features.yforg.reshape(-1, 1),
        "filenames": names,
        "metadata": features.provenance,
    }
    savemat(path, content, appendmat=False, do_compression=True)
    with path.open("r+b") as stream:  # its text has the time, and the same features shall be the same bytes
        stream.write(b"MATLAB 5.0 MAT-file, written by sigkd".ljust(_TEXT))


_TEXT = 116  # bytes of the header that are for people


def read(path: Path) -> FeatureSet:
    """Read a file that has at least the variable ``features``."""
    from scipy.io import loadmat

    content = loadmat(path, appendmat=False)
    if "features" not in content:
        raise InputError("holds no variable 'features'")
    found = {name: content[name] for name in ("features", "y", "yforg") if name in content}
    if "filenames" in content:
        found["filenames"] = [str(np.asarray(cell).reshape(-1)[0]) for cell in content["filenames"].reshape(-1)]
    metadata = content.get("metadata")
    return assemble(found, metadata.reshape(-1)[0] if metadata is not None and metadata.size else None)


FEATURE_FORMATS.register("mat")(FeatureFormat(write, read))
