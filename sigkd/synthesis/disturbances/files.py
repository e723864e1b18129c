"""Scans to files, with the resolution tag that they carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from sigkd.errors import UsageError
from sigkd.files import atomic_path
from sigkd.registry import nearest
from sigkd.synthesis.disturbances.scan import Scan

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},
    "JPEG": {"quality": 95},
    "TIFF": {"compression": "tiff_lzw"},
}


def write_scan(path: Path, scan: Scan) -> None:
    """Write a scan in the format of the suffix, with its tag (JPEG: to whole dpi), or with none where it has none.

    Raises:
        UsageError: if the suffix is none of :data:`SUFFIXES`.
    """
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        hint = nearest(path.suffix.lower(), list(SUFFIXES))
        raise UsageError(f"{path}: pictures are written as {', '.join(SUFFIXES)}.{hint}")
    tag = {"dpi": scan.tag} if scan.tag else {}
    with atomic_path(path) as temporary:
        Image.fromarray(scan.image).save(temporary, form, **_OPTIONS[form], **tag)
