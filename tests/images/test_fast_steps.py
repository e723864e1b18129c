"""Steps of reading that were written for speed give what the plain words of their definition give."""

import cv2
import numpy as np
import pytest

from sigkd.images.ink_network import INK, PRINT
from sigkd.images.scan import _without_dust
from sigkd.images.scan_measures import _coarse, _solid
from sigkd.images.writing import _most_likely, _parts_of_letters, _written, count_kinds


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_most_likely_kind_is_the_first_of_the_greatest(rng):
    odds = rng.integers(-2, 3, (4, 150, 70)).astype(np.float32)  # with many ties
    kinds, margin = _most_likely(list(odds))
    np.testing.assert_array_equal(kinds, np.argmax(odds, axis=0))
    np.testing.assert_array_equal(margin, odds[INK] - np.delete(odds, INK, axis=0).max(axis=0))


@pytest.mark.parametrize("shape", [(300, 141), (299, 140)])
def test_what_is_written_is_dark_and_ink_by_the_odds_of_the_half_as_large_picture(rng, shape):
    grey = rng.integers(0, 256, shape, np.uint8)
    margin = rng.normal(-0.7, 1.0, (150, 71)).astype(np.float32)
    large = cv2.resize(margin, (142, 300), interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]]
    np.testing.assert_array_equal(_written(grey, np.uint8(180), margin), (grey <= 180) & (large > -0.7))


def test_kinds_are_counted(rng):
    kinds = rng.integers(0, 4, (50, 70), np.uint8)
    np.testing.assert_array_equal(count_kinds(kinds), np.bincount(kinds.reshape(-1), minlength=4))
    assert count_kinds(np.full((3, 3), 2, np.uint8)).tolist() == [0, 0, 9, 0]


@pytest.mark.parametrize("shape", [(8, 12), (9, 13), (1, 1), (4, 3)])
def test_a_coarse_pixel_is_inked_where_any_of_its_block_is(rng, shape):
    mask = (rng.random(shape) < 0.1).astype(np.uint8)
    coarse = _coarse(mask)
    assert coarse.shape == (-(-shape[0] // 4), -(-shape[1] // 4))
    for row, column in np.ndindex(coarse.shape):
        assert coarse[row, column] == mask[4 * row : 4 * row + 4, 4 * column : 4 * column + 4].max()


def test_solid_is_what_a_disc_of_two_millimetres_fits_into():
    strokes = np.zeros((200, 200), np.uint8)
    strokes[50:70] = 1  # 1.7 mm
    assert _solid(strokes) == 0.0
    strokes[120:160, 20:60] = 1  # 3.4 mm
    assert _solid(strokes) == pytest.approx(1600 * 0.97 / (1600 + 4000), abs=0.02)


def test_small_print_beside_ink_within_a_letter_is_ink():
    kinds = np.zeros((40, 200), np.uint8)
    kinds[10:12, 10:40], kinds[10:12, 40:45] = INK, PRINT  # the smaller part of a letter
    kinds[10:12, 100:102], kinds[10:12, 102:140] = INK, PRINT  # the larger part
    expected = np.zeros(kinds.shape, bool)
    expected[10:12, 40:45] = True
    np.testing.assert_array_equal(_parts_of_letters(kinds), expected)
    assert not _parts_of_letters(np.zeros((5, 5), np.uint8)).any()


def test_dots_stay_beside_strokes_and_go_where_they_are_alone():
    mask = np.zeros((300, 600), np.uint8)
    mask[100:106, 50:300] = 1
    mask[80:84, 100:103] = 1  # a dot near the stroke
    mask[80:84, 500:503] = 1  # one alone
    mask[20, 20] = 1  # dust
    expected = mask.copy()
    expected[80:84, 500:503] = expected[20, 20] = 0
    np.testing.assert_array_equal(_without_dust(mask), expected)
    np.testing.assert_array_equal(_without_dust(mask[:, 400:]), np.zeros((300, 200), np.uint8))
    assert not _without_dust(np.zeros((20, 30), np.uint8)).any()
