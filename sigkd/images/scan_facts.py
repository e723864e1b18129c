"""What is kept of a scan beside its features: its resolution, its measures, a picture to find copies by."""

from __future__ import annotations

import base64
import zlib
from dataclasses import asdict, astuple, dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.images.copies import SIZE, descriptor
from sigkd.images.resolution import Resolution
from sigkd.images.scan import Scan
from sigkd.images.scan_measures import ScanMeasures

_APART = 2.5  # mm
_INKED = 40  # of 255


@dataclass(frozen=True)
class ReckonedResolution:
    """The resolution that was reckoned with."""

    x: float
    """Pixels an inch."""
    y: float
    source: str
    """Where it is from: ``tag``, ``option``, ``table``, ``gallery``; otherwise it was estimated by the strokes."""

    def __str__(self) -> str:
        size = f"{self.x:.0f}" if round(self.x) == round(self.y) else f"{self.x:.0f} x {self.y:.0f}"
        known = self.source in ("tag", "option", "table", "gallery")
        return f"{size} dpi ({self.source if known else 'estimated by the strokes'})"


@dataclass(frozen=True)
class ScanFacts:
    """Facts of a scan that was read by version 2 of the preprocessing."""

    resolution: Resolution
    """What was told; where nothing was, it was estimated by the strokes, and only views without a scale count."""
    measures: ScanMeasures
    picture: npt.NDArray[np.uint8]
    """:func:`sigkd.images.copies.descriptor` of the ink, uint8 [96, 192]."""

    @classmethod
    def of(cls, scan: Scan) -> ScanFacts:
        """Return the facts of a scan."""
        return cls(scan.resolution, scan.measures, descriptor(scan.ink))

    @property
    def scale_known(self) -> bool:
        """Whether the resolution was told."""
        return self.resolution.known

    @property
    def beside(self) -> float:
        """Share of the ink that stands beside, above or below the rest, more than 2.5 mm from it."""
        return share_beside(self.picture, self.measures.width, self.measures.height)

    @property
    def reckoned(self) -> ReckonedResolution:
        """The resolution that was reckoned with."""
        x, y, aspect = self.resolution.x, self.resolution.y, self.resolution.aspect
        if x is None or y is None:
            x, y = self.measures.dpi * aspect**0.5, self.measures.dpi / aspect**0.5
        return ReckonedResolution(x, y, self.resolution.source)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values; the picture is compressed (about 2 kB)."""
        told = list(astuple(self.resolution))
        return {"resolution": told, "measures": asdict(self.measures), "picture": pack_picture(self.picture)}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> ScanFacts:
        """Return the facts of :meth:`to_json`.

        Raises:
            ValueError: they are damaged.
        """
        try:
            x, y, source, aspect = facts["resolution"]
            across, down = (None, None) if x is None else (float(x), float(y))
            resolution = Resolution(across, down, str(source), float(aspect))
            measures = ScanMeasures(**facts["measures"])
            return cls(resolution, measures, unpack_picture(facts["picture"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"facts of a scan are damaged ({type(error).__name__})") from None


def share_beside(picture: npt.NDArray[np.uint8], width: float, height: float) -> float:
    """Return the share of ink outside of the box of its largest body, gaps up to 2.5 mm bridged.

    Args:
        picture: of :func:`sigkd.images.copies.descriptor`.
        width: of the ink in mm.
        height: likewise.
    """
    ink = np.asarray(picture > _INKED, np.uint8)
    _, _, columns, rows = cv2.boundingRect(ink)
    if not columns:
        return 0.0
    unit = columns / width if columns < ink.shape[1] else rows / height  # pixels in a mm; wide ink may be cut
    reach = max(3, 2 * round(_APART * unit / 2) + 1)
    joined = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, labels = cv2.connectedComponents(joined, connectivity=8)
    amounts = np.bincount(labels[ink > 0])
    left, top, wide, high = cv2.boundingRect(np.asarray((labels == amounts.argmax()) & (ink > 0), np.uint8))
    return 1.0 - cv2.countNonZero(ink[top : top + high, left : left + wide]) / cv2.countNonZero(ink)


def pack_picture(picture: npt.NDArray[np.uint8]) -> str:
    """Return a descriptor [96, 192] as a short text."""
    return base64.b64encode(zlib.compress(picture.tobytes(), 9)).decode("ascii")


def unpack_picture(packed: str) -> npt.NDArray[np.uint8]:
    """Return the descriptor [96, 192] of :func:`pack_picture`.

    Raises:
        ValueError: it is damaged.
    """
    size = SIZE[0] * SIZE[1]
    try:
        pixels = zlib.decompressobj().decompress(base64.b64decode(packed, validate=True), size + 1)
    except zlib.error:
        raise ValueError("the picture of a scan is damaged") from None
    if len(pixels) != size:
        raise ValueError("the picture of a scan has another size")
    return np.frombuffer(pixels, np.uint8).reshape(SIZE)
