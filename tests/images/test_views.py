"""Signatures are placed at a size in millimetres or fitted, and never cut."""

import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.images.views import FITTED_BOX, View, place

SEEN = (150, 220)


def strokes(height, width, seed=0):
    """Ink that touches all sides of its box."""
    random = np.random.default_rng(seed)
    ink = np.full((height, width), 255, np.uint8)
    for _ in range(6):
        y, x = random.integers(0, height), random.integers(0, width)
        ink[max(0, y - 3) : y + 3] = np.where(random.random(width) < 0.7, 40, ink[max(0, y - 3) : y + 3])
        ink[:, max(0, x - 3) : x + 3] = 60
    ink[[0, 1, 2, -3, -2, -1]] = 50
    ink[:, [0, 1, 2, -3, -2, -1]] = 50
    return ink


def seen(placed):
    top, left = (170 - SEEN[0]) // 2, (242 - SEEN[1]) // 2
    return placed[top : top + SEEN[0], left : left + SEEN[1]]


@pytest.mark.parametrize("shape", [(60, 120), (300, 700), (900, 500), (2000, 4000), (40, 1500), (1500, 60)])
@pytest.mark.parametrize("name", ["fitted", "80.6mm", "50.8mm"])
def test_nothing_is_cut(shape, name):
    ink = strokes(*shape)
    placed = place(ink, View.named(name))
    assert placed.shape == (170, 242)
    assert placed.dtype == np.uint8
    assert int(seen(placed).astype(int).sum()) == int(placed.astype(int).sum())
    # the ink that is there is the ink that was there, at the placing's scale
    rows = np.flatnonzero(placed.max(axis=1) > 8)
    columns = np.flatnonzero(placed.max(axis=0) > 8)
    high, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert high == pytest.approx(wide * shape[0] / shape[1], abs=3 if high < wide else 3 * high / wide)


@pytest.mark.parametrize("shape", [(60, 120), (300, 700), (900, 500), (40, 1500), (1500, 60)])
def test_fitted_fills_the_box(shape):
    placed = place(strokes(*shape), View.named("fitted"))
    rows, columns = np.flatnonzero(placed.max(axis=1) > 8), np.flatnonzero(placed.max(axis=0) > 8)
    filled = max((rows[-1] - rows[0] + 1) / FITTED_BOX[0], (columns[-1] - columns[0] + 1) / FITTED_BOX[1])
    assert 0.96 <= filled <= 1.03


def test_canvas_keeps_the_size_on_paper():
    placed = place(strokes(280, 560), View.named("80.6mm"))  # 952 pixels at 300 dpi: 5.6 to one
    rows, columns = np.flatnonzero(placed.max(axis=1) > 8), np.flatnonzero(placed.max(axis=0) > 8)
    assert rows[-1] - rows[0] + 1 == pytest.approx(50, abs=2)
    assert columns[-1] - columns[0] + 1 == pytest.approx(100, abs=2)


def test_centre_of_mass_is_in_the_middle():
    ink = np.full((100, 300), 255, np.uint8)
    ink[:, :40] = 0
    ink[48:52] = 100
    placed = place(ink, View.named("80.6mm")).astype(float)
    assert (placed.sum(axis=0) @ np.arange(242)) / placed.sum() == pytest.approx(120.5, abs=1)
    assert (placed.sum(axis=1) @ np.arange(170)) / placed.sum() == pytest.approx(84.5, abs=1)


@pytest.mark.parametrize("name", ["", "80", "mm", "-3mm", "1e9mm", "nanmm", "fit"])
def test_unknown_views(name):
    with pytest.raises(UsageError, match="unknown view"):
        View.named(name)
