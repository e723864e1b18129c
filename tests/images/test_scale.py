"""Scans come to 300 dpi, by their resolution or by the width of their strokes."""

import cv2
import numpy as np
import pytest

from sigkd.errors import ImageError
from sigkd.images.resolution import Resolution, given_resolution
from sigkd.images.scale import reckoned_dpi, resized, stroke_width


def written(width, size=(400, 900), darkness=180):
    """A scribble whose strokes are ``width`` pixels wide."""
    sheet = np.full((size[0] * 8, size[1] * 8), 255, np.uint8)
    t = np.linspace(0, 12, 400)
    x, y = 60 + t * 60 + 40 * np.sin(5 * t), size[0] / 2 + 100 * np.sin(2.3 * t + 1) * np.cos(t)
    points = np.rint(np.stack([x, y], axis=1) * 8).astype(np.int32)
    cv2.polylines(sheet, [points], False, 255 - darkness, max(1, round(width * 8)), cv2.LINE_8)
    return np.asarray(cv2.resize(sheet, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("width", [1.5, 2, 3, 4, 6, 10])
def test_stroke_width(width):
    assert stroke_width(written(width)) == pytest.approx(width, rel=0.3, abs=0.3)


def test_stroke_width_follows_the_scale():
    scan = written(6, (800, 1800))
    widths = [stroke_width(resized(scan, (factor, factor))) / factor for factor in (0.35, 0.5, 0.75, 1.0, 1.5)]
    assert max(widths) / min(widths) < 1.15


def test_blank_paper_has_no_strokes():
    assert stroke_width(np.full((200, 300), 240, np.uint8)) == 0
    noise = np.random.default_rng(0).normal(235, 2, (300, 400)).clip(0, 255).astype(np.uint8)
    assert stroke_width(noise) == 0


def test_known_resolutions_are_believed():
    assert reckoned_dpi(written(4), given_resolution((204, 98))) == (204, 98)


def test_unknown_resolutions_are_estimated():
    across, down = reckoned_dpi(written(4), Resolution())
    assert across == down == pytest.approx(300, rel=0.25)
    squeezed = resized(written(4), (1.0, 0.5))
    across, down = reckoned_dpi(squeezed, Resolution(aspect=2.0))
    assert across == pytest.approx(2 * down)
    assert across == pytest.approx(300, rel=0.4)


def test_sheets_larger_than_a3_are_refused_before_they_are_enlarged():
    with pytest.raises(ImageError, match=r"a sheet of \d+ x \d+ mm is no scan of a signature"):
        reckoned_dpi(np.full((3000, 3000), 255, np.uint8), given_resolution(75))


@pytest.mark.parametrize("factor", [(0.5, 0.5), (1.47, 3.06), (1.5, 0.75), (0.8, 1.3), (1.0, 1.0)])
def test_resizing_keeps_the_ink(factor):
    scan = written(5)
    result = resized(scan, factor)
    assert result.shape == (round(400 * factor[1]), round(900 * factor[0]))
    ink = (255.0 - result).sum() / (factor[0] * factor[1])
    assert ink == pytest.approx((255.0 - scan).sum(), rel=0.03)
