"""Signatures as ink that can be laid on a page: made-up ones, and ones taken from scans."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.disturbances.surface import find_marks, grey, paper_level
from sigkd.synthesis.marks import U8, Resolution, Tone
from sigkd.synthesis.render import deposited
from sigkd.synthesis.signatures import DPI, Kind, signature_ink

_PEN_TONES: tuple[Tone, ...] = ((18, 30, 120), (25, 45, 150), (10, 20, 80), 15, 15, 15, 40)


@dataclass(frozen=True)
class Specimen:
    """One signature, without its paper and cut to its ink."""

    coverage: U8
    """uint8 [h, w]: how much of the paper's light it takes, 0 none .. 255 all (before its colour)."""
    presence: U8
    """uint8 [h, w]: whether there is ink, however pale: 0 no .. 255 yes; the truth of masks and boxes."""
    dpi: Resolution
    tone: Tone
    """What full coverage leaves of white paper."""

    def at(self, dpi: Resolution, scale: float = 1.0) -> Specimen:
        """Return it at another resolution, ``scale`` times as large on paper."""
        height, width = self.coverage.shape
        size = (
            max(round(width * scale * dpi[0] / self.dpi[0]), 1),
            max(round(height * scale * dpi[1] / self.dpi[1]), 1),
        )
        method = cv2.INTER_AREA if size[0] < width else cv2.INTER_CUBIC
        coverage, presence = (
            np.asarray(cv2.resize(layer, size, interpolation=method), np.uint8)
            for layer in (self.coverage, self.presence)
        )
        return Specimen(coverage, presence, dpi, self.tone)


def made_up_specimen(writer: int, index: int, kind: Kind = "genuine", seed: int = 0, colour: bool = False) -> Specimen:
    """Return the signature of :func:`sigkd.synthesis.signature_image` as ink, in the writer's colour if ``colour``."""
    ink, pen, rng = signature_ink(writer, index, kind, seed)
    coverage = np.clip(deposited(ink, pen, rng), 0, 255).astype(np.uint8)
    presence = _presence(ink, float(255 * pen.darkness))
    tone = _PEN_TONES[writer % len(_PEN_TONES)] if colour else 8
    return _cut(Specimen(coverage, presence, (DPI, DPI), tone))


def scanned_specimen(scan: Scan) -> Specimen:
    """Return the ink of a scan of one signature on plain paper; coloured ink is taken in grey."""
    image = grey(scan.image)
    paper = paper_level(scan.with_image(image))
    marks = find_marks(scan)
    # what is far from any ink is the paper's grain, not the writer's
    near = cv2.GaussianBlur(cv2.dilate(marks.mask, np.ones((5, 5), np.uint8)), (0, 0), 1.0)
    coverage = 255 - np.asarray(cv2.divide(image, np.maximum(paper, 1), scale=255), np.uint8)
    coverage = np.asarray(cv2.multiply(coverage, near, scale=1 / 255), np.uint8)
    inked = coverage[marks.mask > 0]
    presence = _presence(coverage, float(np.percentile(inked, 60)) if inked.size else 255.0)
    return _cut(Specimen(coverage, presence, scan.dpi, 0))


def _presence(ink: U8, full: float) -> U8:
    return np.asarray(cv2.convertScaleAbs(ink, alpha=255 / max(full, 1)), np.uint8)


def _cut(specimen: Specimen) -> Specimen:
    left, top, width, height = cv2.boundingRect(specimen.presence)
    if width == 0:
        return specimen
    place = (slice(top, top + height), slice(left, left + width))
    return Specimen(specimen.coverage[place], specimen.presence[place], specimen.dpi, specimen.tone)
