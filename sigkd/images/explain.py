"""One picture of how a scan was read: all steps side by side, what was taken away in colour, and the measures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from sigkd.images.ink_network import INK, LINE, PRINT
from sigkd.images.reading import Step
from sigkd.images.scan_measures import USUAL, ScanMeasures

U8 = npt.NDArray[np.uint8]

CELL = (260, 460)
"""Height and width of a step's picture, pixels."""

_COLUMNS = 3
_GAP, _CAPTION, _ROW = 8, 34, 15
_COLOURS = {INK: (255, 150, 0), LINE: (220, 30, 30), PRINT: (30, 90, 230)}
_WHITE, _BLACK, _FRAME, _ALARM = (255, 255, 255), (40, 40, 40), (200, 200, 200), (200, 0, 0)


def explain(steps: Sequence[Step], measures: ScanMeasures | None, verdict: str = "") -> Image.Image:
    """Return the steps of a scan that was read with ``explain=True``, side by side.

    What was taken away is red where it is a line, blue where it is print, orange where it was ink too little to keep.

    Args:
        steps: of the scan, or of the error that refused it.
        measures: of the scan, if it got so far.
        verdict: a line for the end, such as why it was refused.
    """
    shown = [step for step in steps if step.picture is not None]
    cells = len(shown) + 1
    rows = -(-cells // _COLUMNS)
    height = CELL[0] + _CAPTION + _GAP
    measured = len(dataclasses.fields(ScanMeasures)) + 2
    size = _COLUMNS * (CELL[1] + _GAP) + _GAP, max(rows * height, (rows - 1) * height + measured * _ROW + _GAP) + _GAP
    sheet = Image.new("RGB", size, _WHITE)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=12)
    for number, step in enumerate(shown):
        left, top = _GAP + number % _COLUMNS * (CELL[1] + _GAP), _GAP + number // _COLUMNS * height
        draw.text((left, top), f"{number + 1}. {step.name}", _BLACK, font)
        draw.text((left, top + 15), step.did[: CELL[1] // 6], _BLACK, font)
        picture = _picture(step)
        sheet.paste(picture, (left, top + _CAPTION))
        draw.rectangle(
            (left - 1, top + _CAPTION - 1, left + picture.width, top + _CAPTION + picture.height), None, _FRAME
        )
    left, top = _GAP + len(shown) % _COLUMNS * (CELL[1] + _GAP), _GAP + len(shown) // _COLUMNS * height
    draw.text((left, top), verdict[: CELL[1] // 6], _ALARM, font)
    if measures is not None:
        _table(draw, measures, left, top + 18, font)
    return sheet


def _picture(step: Step) -> Image.Image:
    picture = np.asarray(step.picture)
    colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    if step.taken is not None:
        colour = colour.copy()
        for kind, tone in _COLOURS.items():
            colour[step.taken == kind] = tone
    share = min(CELL[0] / colour.shape[0], CELL[1] / colour.shape[1], 1.0)
    size = max(1, round(colour.shape[1] * share)), max(1, round(colour.shape[0] * share))
    return Image.fromarray(np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA), np.uint8))


def _table(
    draw: ImageDraw.ImageDraw,
    measures: ScanMeasures,
    left: int,
    top: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write each measure beside its usual range, red where it is outside."""
    draw.text((left + 90, top), "here", _BLACK, font)
    draw.text((left + 170, top), "usually", _BLACK, font)
    for row, (name, value) in enumerate(dataclasses.asdict(measures).items(), 1):
        low, high = USUAL[name]
        tone = _BLACK if low <= value <= high else _ALARM
        draw.text((left, top + row * _ROW), name, tone, font)
        draw.text((left + 90, top + row * _ROW), f"{value:.3g}", tone, font)
        draw.text((left + 170, top + row * _ROW), f"{low:.3g} to {high:.3g}", tone, font)
