import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written_pages import write_page

from sigkd.text import cleaning
from sigkd.text.ink import PAPER, even_light, is_binarised, separate_ink
from sigkd.text.printed import is_printed, printed_block, regularity


def test_binarised_pages_are_recognised_and_left_alone():
    page = write_page(2, seed=1, binary=True)
    assert is_binarised(page)
    assert not is_binarised(write_page(2, seed=1) // 2 + 60 * (np.arange(360)[:, None] % 2 == 0).astype(np.uint8))
    found = separate_ink(page)
    assert found.grey is page
    np.testing.assert_array_equal(found.ink, page == 0)


def test_uneven_light_becomes_white_paper():
    rows = np.linspace(120, 240, 800)[:, None]
    page = np.repeat(rows, 600, axis=1)
    page[400:405, 100:500] *= 0.4
    evened = even_light(page.astype(np.uint8))
    assert np.median(evened[::50]) >= PAPER - 4
    assert evened[402, 300] < 130


def test_ink_of_a_grey_page_is_its_strokes():
    clean = write_page(3, seed=2)
    shaded = (clean.astype(float) * np.linspace(0.6, 0.95, clean.shape[1])).astype(np.uint8)
    ink = separate_ink(shaded).ink > 0
    truth = clean < 140
    assert (ink & truth).sum() / (ink | truth).sum() > 0.9


def test_rules_go_and_crossing_strokes_stay():
    ink = np.zeros((400, 1200), np.uint8)
    ink[200:203, 50:1150] = 1
    ink[150:250, 600:605] = 1
    cleaned, rules = cleaning.without_rules(ink)
    assert cleaned[:, :590].sum() == 0
    assert cleaned[150:250, 600:605].all()
    assert [(abs(rule.row - 201) <= 1, rule.left < 60, rule.right > 1140) for rule in rules] == [(True, True, True)]


def test_margin_lines_go_and_long_strokes_stay():
    ink = np.zeros((1200, 1000), np.uint8)
    ink[:, 100:103] = 1
    ink[300:304, 400:600] = 1  # a dash of the pen, far from as long as the page is wide
    cleaned, rules = cleaning.without_rules(ink)
    assert cleaned[:, 90:110].sum() == 0
    assert cleaned[300:304, 400:600].all()
    assert rules == ()


def test_solid_areas_go_with_their_thin_ends():
    ink = separate_ink(write_page(3, seed=3)).ink
    dirty = ink.copy()
    dirty[:, :30] = 1
    cv2.circle(dirty, (60, 300), 25, 1, -1)
    cleaned = cleaning.without_solids(dirty)
    assert cleaned[:, :90].sum() == 0
    np.testing.assert_array_equal(cleaned[:, 110:], ink[:, 110:])


@settings(max_examples=8, deadline=None)
@given(st.floats(-4, 4))
def test_skew_is_found(angle):
    page = write_page(6, seed=5)
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1)
    ink = (cv2.warpAffine(255 - page, turn, (width, height)) > 127).astype(np.uint8)
    found = cleaning.find_skew(ink)
    # a slight skew is not worth turning the page for
    assert found == pytest.approx(angle, abs=0.55) or (found == 0 and abs(angle) < 0.8)


def test_blank_pages_have_no_skew_and_no_letters():
    blank = np.zeros((300, 300), np.uint8)
    assert cleaning.find_skew(blank) == 0
    assert cleaning.letter_height(np.zeros((0, 5), np.int32), 300) is None
    assert cleaning.clean_page(separate_ink(255 - blank)).letter == 0
    assert cleaning.stroke_width(blank) == 0


def test_stroke_width():
    ink = np.zeros((200, 400), np.uint8)
    ink[50:56, 20:380] = 1
    assert cleaning.stroke_width(ink) == pytest.approx(6, rel=0.1)


def test_print_is_told_from_writing():
    random = np.random.default_rng(0)
    left = np.arange(30) * 25
    tall = random.random(30) < 0.4
    height = np.where(tall, 30, 20)
    print_boxes = np.stack([left, 100 - height, np.full(30, 18), height], axis=1).astype(np.int32)
    hand_height = random.integers(18, 60, 30)
    feet = 100 + random.integers(-9, 14, 30)
    hand = np.stack([left, feet - hand_height, np.full(30, 18), hand_height], axis=1).astype(np.int32)
    assert regularity(print_boxes) == (1.0, 1.0)
    assert is_printed(print_boxes)
    assert not is_printed(hand)
    assert not is_printed(print_boxes[:5])


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ([False] * 4, (0, 4)),
        ([True, True, False, False], (2, 4)),
        ([True, False, True, True, False, False], (4, 6)),
        ([False, False, True], (0, 2)),
        ([False, True, False, False], (0, 4)),
    ],
)
def test_only_blocks_of_print_at_the_ends_go(printed, kept):
    assert printed_block(printed) == kept
