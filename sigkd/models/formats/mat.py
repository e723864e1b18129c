"""``.mat``: features for MATLAB."""

from __future__ import annotations

import struct
import zlib
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

    _check(path.read_bytes())
    content = loadmat(path, appendmat=False)
    if "features" not in content:
        raise InputError("holds no variable 'features'")
    found = {name: content[name] for name in ("features", "y", "yforg") if name in content}
    if "filenames" in content:
        found["filenames"] = [str(np.asarray(cell).reshape(-1)[0]) for cell in content["filenames"].reshape(-1)]
    metadata = content.get("metadata")
    return assemble(found, metadata.reshape(-1)[0] if metadata is not None and metadata.size else None)


def _check(content: bytes) -> None:
    """Compare the checksums of compressed variables: SciPy's reader may end the process over damaged ones.

    The format is MathWorks', MAT-File Format: version 5 has a header of 128 bytes, then elements of a type, a number of
    bytes and the bytes; those of type 15 are compressed by zlib.

    Raises:
        ValueError: damaged.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None or content[124:126] not in (b"\x00\x01", b"\x01\x00"):
        return  # another version, of which SciPy says so
    place = _TEXT + 12
    while place < len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        part = content[place + 8 : place + 8 + size]
        place += 8 + size
        if kind not in (_MATRIX, _COMPRESSED) or place > len(content):
            raise ValueError("its variables are damaged")
        if kind == _COMPRESSED:
            stream = zlib.decompressobj()
            stream.decompress(part)
            if not stream.eof or stream.unused_data:
                raise ValueError("a variable is damaged")


_MATRIX, _COMPRESSED = 14, 15

FEATURE_FORMATS.register("mat")(FeatureFormat(write, read))
