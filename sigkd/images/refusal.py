"""What is no signature, by name: pages, cheques, photographs, print, blots, several signatures at once."""

from __future__ import annotations

from sigkd.errors import ImageError
from sigkd.images.reading import Step
from sigkd.images.scan_measures import ScanMeasures


class NotASignatureError(ImageError):
    """The scan holds something else than one signature (exit code 4)."""

    def __init__(self, reason: str, message: str, steps: tuple[Step, ...] = ()) -> None:
        super().__init__(message)
        self.steps = steps
        """How far the scan was read."""
        self.reason = reason
        """Fixed, for programs: ``blank``, ``inverted``, ``empty-form``, ``print``, ``photo``, ``page``, ``document``,
        ``several``, ``writing`` or ``blot``."""


LEAST_INK_SHARE = 0.1
"""Share of what is dark that is the writer's, below which there is but print, or but a form's lines."""
MOST_DARK = 0.3
"""Share of a picture that ink, print and lines cover, on a ground with texture; tight crops on plain paper have 0.3."""
TEXTURED, UNEVEN, SHADED = 0.01, 0.03, 0.15
"""Unevenness of the ground from which a picture is a photograph: if much else speaks for it, and by itself."""
SOLID, DARK = 0.12, 0.225
"""Shares of solid ink, and of the picture that is dark, that speak for a photograph where its ground is uneven."""
MUCH_PRINT, MOST_PRINT = 40, 90
"""Pieces of print that make a document, with ink in several places and without."""
ALL_PRINTED, PRINTED, PICTURED = 0.7, 0.65, 0.5
"""Share of print in what is dark that makes print with little beside it: however few its pieces, where they are many,
and, where the ground is uneven, a picture. Captions, stamps, forms and cheques around a signature have 0.55 at most."""
MOST_ROWS = 3
"""Lines of writing above each other."""
MOST_CLUSTERS = 1.45
"""Groups of ink more than 10 mm apart; 1.3 is the most of 600 signatures."""
MOST_SOLID = 0.25
"""Share of the ink in areas wider than 2 mm; 0.05 is the most of 600 signatures."""
MOST_FILL = 0.43
"""Share of its box that ink covers; 0.32 is the most of 602 signatures, 0.41 of 281 names in thick strokes."""
MOST_BLOT = 15.0
"""Square mm of dark areas wider than any stroke."""
LARGEST = 150.0
"""Largest extent of the ink in mm; 76 is the most of 600 signatures."""


def reason_against(measures: ScanMeasures) -> NotASignatureError | None:
    """Return why a scan is no signature, or None where it may be one."""
    m = measures
    dense = m.dark > MOST_DARK and m.ground > TEXTURED
    uneven = m.ground > UNEVEN and (m.solid > SOLID or m.dark > DARK)
    toned = m.ground > 2 * TEXTURED and m.print > PICTURED and m.letters > MUCH_PRINT
    if dense or uneven or toned or m.ground > SHADED:
        return NotASignatureError("photo", "a photograph or a picture, not a signature on paper")
    scattered = m.clusters > MOST_CLUSTERS or m.rows > MOST_ROWS or m.width > LARGEST or m.height > LARGEST
    if m.letters > MOST_PRINT or (m.letters > MUCH_PRINT and scattered):
        if m.letters > 4 * MOST_PRINT:
            return NotASignatureError("page", "a page of text: crop the signature")
        return NotASignatureError(
            "document", "a form, a cheque or another document with much print: crop the signature"
        )
    if m.print > (PRINTED if m.letters > MUCH_PRINT else ALL_PRINTED):
        return NotASignatureError("print", "mostly print or a stamp: crop the signature")
    if 1 - m.lines - m.print < LEAST_INK_SHARE:
        if m.print > m.lines:
            return NotASignatureError("print", "print, but hardly any handwriting: there is no signature in it")
        return NotASignatureError(
            "empty-form", "lines of a form, but hardly any handwriting: there is no signature in it"
        )
    if m.solid > MOST_SOLID or m.blot > MOST_BLOT or m.area > MOST_FILL * m.width * m.height:
        return NotASignatureError("blot", "solid areas, not strokes: a blot, a logo or a stamp")
    if m.rows > MOST_ROWS:
        return NotASignatureError("writing", f"{m.rows} lines of writing, not a signature: crop the signature")
    if m.clusters > MOST_CLUSTERS:
        return NotASignatureError("several", "ink in places far apart: crop one signature; one image for each")
    if max(m.width, m.height) > LARGEST:
        size = f"{m.width:.0f} x {m.height:.0f} mm"
        return NotASignatureError("document", f"ink over {size}: crop the signature, or state the resolution")
    return None
