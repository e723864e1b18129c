"""Print that touches ink: part of the signature, or of a caption that stands near."""

import numpy as np

from sigkd.images.ink_network import INK, PAPER, PRINT
from sigkd.images.writing import _print_that_is_ink


def sheet(letters):
    """Return kinds [h, w]: a stroke, a piece of print on it, and letters of a caption 10 mm below it."""
    kinds = np.full((160, 300), PAPER, np.uint8)
    kinds[40:44, 20:280] = INK
    kinds[30:40, 100:110] = PRINT
    for number in range(letters):
        kinds[110:120, 60 + 15 * number : 68 + 15 * number] = PRINT
    return kinds


def test_print_on_ink_is_ink_where_no_print_stands_by_itself():
    assert _print_that_is_ink(sheet(0))[30:40, 100:110].all()


def test_print_far_from_a_caption_is_ink():
    found = _print_that_is_ink(sheet(8))
    assert found[30:40, 100:110].all()
    assert not found[110:120].any()


def test_letters_of_a_caption_that_touch_ink_stay_print():
    kinds = sheet(8)
    kinds[44:116, 50:53] = INK  # a stroke down to the caption
    kinds[110:120, 53:58] = PRINT
    found = _print_that_is_ink(kinds)
    assert not found[110:120].any()
    assert found[30:40, 100:110].all()


def test_few_pieces_of_print_leave_it_undecided():
    assert not _print_that_is_ink(sheet(4)).any()
