"""Scans of a dataset, disturbed on their way into a signature store: what ``sigkd preprocess --disturb`` reads."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sigkd.errors import UsageError
from sigkd.images.reader import read_file
from sigkd.synthesis.disturbances import Chain, Scan

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DisturbedFiles:
    """Read files and disturb them; a file's picture is the same each time, and another for another name."""

    chain: Chain

    @property
    def name(self) -> str:
        """The chain as it is written."""
        return self.chain.name

    def __call__(self, path: Path, dpi: float | None) -> tuple[U8, float]:
        """Return the disturbed picture of a file and its true resolution.

        Raises:
            ImageError: it cannot be read; UsageError: nobody tells its resolution, in which levels are measured.
        """
        file = read_file(path)
        told = file.resolution
        if dpi is not None:
            across = down = dpi
        elif told.x is not None and told.y is not None:
            across, down = told.x, told.y
        else:
            raise UsageError(f"{path}: `disturb` needs the resolution, which the file does not state: give `dpi`")
        scan = Scan(file.rgb if file.has_colour else file.grey, (across, down))
        worse = self.chain(scan, zlib.crc32(path.name.encode()))
        if worse.dpi[0] != worse.dpi[1]:
            raise UsageError(f"{self.name}: leaves pixels that are not square")
        return worse.image, worse.dpi[0]
