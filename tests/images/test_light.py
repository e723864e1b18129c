"""Light is evened out; what the pen left keeps its darkness relative to the paper."""

import numpy as np
import pytest

from sigkd.images.light import divide_by, paper_brightness, paper_in_shadow


def lit(shape=(300, 600), low=0.35):
    light = np.linspace(1.0, low, shape[1])[None, :] * np.linspace(1.0, 0.8, shape[0])[:, None]
    share = np.ones(shape)
    share[100:106, 50:550] = 0.4
    share[50:250, 300:305] = 0.4
    return share, np.rint(240 * light * share).astype(np.uint8)


@pytest.mark.parametrize("colour", [False, True])
def test_ramps_are_taken_away(colour):
    share, image = lit()
    if colour:
        image = np.stack([image, image // 2, image // 3], axis=2)
    flat = divide_by(image, paper_brightness(image, 2.0)).astype(float)
    inner = flat[20:-20, 20:-20]
    expected = share[20:-20, 20:-20] if not colour else share[20:-20, 20:-20, None]
    paper = np.broadcast_to(expected == 1, inner.shape)
    assert np.abs(inner[paper] - 255).mean() < 6
    assert np.abs(inner[~paper] / 255 - 0.4).mean() < 0.04


def test_clean_black_and_white_stays():
    image = np.full((200, 300), 255, np.uint8)
    image[90:95, 20:280] = 0
    np.testing.assert_array_equal(divide_by(image, paper_brightness(image, 2.0)), image)


def test_hard_edge_of_a_shadow_is_no_ink():
    share, _ = lit()
    rows, columns = np.indices(share.shape)
    edge = rows + 0.4 * columns - 300.0  # its tip lies along the lower edge of the picture
    light = 1 - 0.5 / (1 + np.exp(-np.clip(edge, -30, 30)))
    image = np.rint(240 * light * share).astype(np.uint8)
    flat = divide_by(image, paper_in_shadow(image, 2.0)[1]).astype(float)
    paper = flat[share == 1]
    assert (paper < 225).mean() < 0.002
    assert np.abs(flat[share < 1] / 255 - 0.4).mean() < 0.04
    assert (divide_by(image, paper_brightness(image, 2.0))[share == 1] < 225).mean() > 0.01  # smoothed, it is


def test_shadows_change_nothing_where_there_are_none():
    _, image = lit()
    paper, followed = paper_in_shadow(image, 2.0)
    assert followed is paper
    np.testing.assert_array_equal(paper, paper_brightness(image, 2.0))
