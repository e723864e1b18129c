"""What is kept of a scan beside its features: whether its scale is known, its measures, a picture to find copies by."""

from __future__ import annotations

import base64
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sigkd.images.copies import SIZE, descriptor
from sigkd.images.scan import Scan
from sigkd.images.scan_measures import ScanMeasures


@dataclass(frozen=True)
class ScanFacts:
    """Facts of a scan that was read by version 2 of the preprocessing."""

    scale_known: bool
    """Whether the resolution was told; else it was estimated by the strokes, and only views without a scale count."""
    measures: ScanMeasures
    picture: npt.NDArray[np.uint8]
    """:func:`sigkd.images.copies.descriptor` of the ink, uint8 [96, 192]."""

    @classmethod
    def of(cls, scan: Scan) -> ScanFacts:
        """Return the facts of a scan."""
        return cls(scan.resolution.known, scan.measures, descriptor(scan.ink))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; the picture is compressed (about 2 kB)."""
        packed = base64.b64encode(zlib.compress(self.picture.tobytes(), 9)).decode("ascii")
        return {"scale_known": self.scale_known, "measures": asdict(self.measures), "picture": packed}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> ScanFacts:
        """Return the facts of :meth:`to_json`.

        Raises:
            ValueError: they are damaged.
        """
        size = SIZE[0] * SIZE[1]
        try:
            unpacker = zlib.decompressobj()
            pixels = unpacker.decompress(base64.b64decode(facts["picture"], validate=True), size + 1)
            if len(pixels) != size:
                raise ValueError("the picture of a scan has another size")
            picture = np.frombuffer(pixels, np.uint8).reshape(SIZE)
            return cls(bool(facts["scale_known"]), ScanMeasures(**facts["measures"]), picture)
        except (zlib.error, KeyError, TypeError) as error:
            raise ValueError(f"facts of a scan are damaged ({type(error).__name__})") from None
