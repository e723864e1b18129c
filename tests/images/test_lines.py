"""Printed lines against straight strokes of the pen."""

import cv2
import numpy as np
import pytest

from sigkd.images.lines import printed_lines, tracks

SHAPE = (200, 400)


def drawn(points, thickness=2):
    """Return how much of each pixel a line covers, 0 to 255: a scan's edges are soft."""
    cover = np.zeros(SHAPE, np.uint8)
    corners = [np.round(np.asarray(points) * 16).astype(np.int32)]
    cv2.polylines(cover, corners, False, 255, thickness, cv2.LINE_AA, 4)
    return cover


def printed(cover, darkness=150.0, ink=150.0):
    return printed_lines((cover > 60).astype(np.uint8), cover * np.float32(darkness / 255), ink)


def bowed(sag, start=60, stop=300, y=120.0):
    x = np.linspace(start, stop, 200)
    place = (x - x.mean()) / np.ptp(x)
    return drawn(np.stack([x, y + sag * (1 - 4 * place**2)], axis=1))


def test_a_ruled_line_is_printed_where_strokes_interrupt_it_too():
    line = drawn([(5, 120), (395, 120)])
    line[:, 100:118] = 0
    line[:, 200:226] = 0
    assert (printed(line) == (line > 60)).all()
    assert len(tracks((line > 60).astype(np.uint8), line * np.float32(0.6))) == 1


@pytest.mark.parametrize("sag", [2.0, 6.0])
def test_a_bent_stroke_is_the_pens(sag):
    assert not printed(bowed(sag)).any()


def test_a_short_slanting_stroke_is_the_pens_unless_it_is_much_paler():
    stroke = drawn([(100, 100), (180, 112)])
    assert not printed(stroke).any()
    assert printed(stroke, darkness=70.0).sum() >= 0.95 * (stroke > 60).sum()


def test_a_slanting_line_across_the_scan_is_printed():
    line = drawn([(2, 90), (398, 104)])
    assert printed(line).sum() >= 0.95 * (line > 60).sum()


def test_teeth_of_a_comb_hang_on_their_line_and_a_pens_stroke_elsewhere_does_not():
    comb = drawn([(20, 150), (380, 150)])
    for x in range(20, 381, 40):
        comb |= drawn([(x, 128), (x, 150)])
    stroke = bowed(5.0, 60, 200, 60.0)
    found = printed(comb | stroke)
    assert found[comb > 60].mean() >= 0.97
    assert not found[(stroke > 60) & (comb <= 60)].any()


def test_nothing_to_see():
    assert not printed(np.zeros(SHAPE, np.uint8)).any()
