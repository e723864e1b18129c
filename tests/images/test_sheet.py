"""Contact sheets show every image in its place."""

import numpy as np
import pytest

from sigkd.images.sheet import contact_sheet


def test_arrangement():
    images = [np.full((20, 30), level, np.uint8) for level in (0, 50, 100, 150, 200)]
    sheet = np.asarray(contact_sheet(images, columns=2))
    assert sheet.shape == (3 * 26 + 6, 2 * 36 + 6)
    for number, image in enumerate(images):
        top, left = 6 + number // 2 * 26, 6 + number % 2 * 36
        np.testing.assert_array_equal(sheet[top : top + 20, left : left + 30], image)


def test_labels_take_room_and_long_ones_are_cut():
    images = np.zeros((3, 20, 60), np.uint8)
    plain = contact_sheet(images, columns=3)
    named = contact_sheet(images, ["a", "", "a very long label " * 5], columns=3)
    assert named.height > plain.height
    assert np.asarray(named)[27:38].min() < 100


def test_larger_images_shrink_and_ink_is_shown_dark():
    sheet = np.asarray(contact_sheet([np.zeros((300, 100), np.uint8)], cell=(30, 40), invert=True))
    assert sheet.shape == (42, 52)
    assert sheet[20, 25] == 255


def test_nothing_to_show():
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])
    with pytest.raises(ValueError, match="2 labels for 1"):
        contact_sheet([np.zeros((2, 2), np.uint8)], ["a", "b"])
