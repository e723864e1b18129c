"""Files as scans that can be disturbed, and what ``sigkd preprocess --disturb`` does with them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sigkd.errors import UsageError
from sigkd.images.reader import ImageFile, read_file
from sigkd.images.resolution import Resolution, given_resolution
from sigkd.synthesis.disturbances import Chain, Scan

U8 = npt.NDArray[np.uint8]
PRESUMED_DPI = 300.0
"""By it marks are drawn on scans whose resolution nobody tells."""


def scan_of(file: ImageFile, told: Resolution, presumed: float = PRESUMED_DPI) -> Scan:
    """Return a file as a scan with the resolution that was told as its tag; without one it has none."""
    tag = (told.x, told.y) if told.x is not None and told.y is not None else None
    return Scan(file.rgb if file.has_colour else file.grey, tag or (presumed, presumed), tag)


@dataclass(frozen=True)
class DisturbedFiles:
    """Read files and disturb them; a file's picture is the same each time, and another for another name."""

    chain: Chain

    @property
    def name(self) -> str:
        """The chain as it is written."""
        return self.chain.name

    def __call__(self, path: Path, dpi: float | None, max_pixels: int) -> tuple[U8, float]:
        """Return the disturbed picture of a file and its true resolution.

        Raises:
            ImageError: it cannot be read; UsageError: nobody tells its resolution, in which levels are measured.
        """
        file = read_file(path, max_pixels=max_pixels)
        scan = scan_of(file, file.resolution if dpi is None else given_resolution(dpi))
        if scan.tag is None:
            raise UsageError(f"{path}: `disturb` needs the resolution, which the file does not state: give `dpi`")
        worse = self.chain(scan, zlib.crc32(path.name.encode()))
        if worse.dpi[0] != worse.dpi[1]:
            raise UsageError(f"{self.name}: leaves pixels that are not square")
        return worse.image, worse.dpi[0]
