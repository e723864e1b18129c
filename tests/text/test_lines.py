import itertools

import cv2
import numpy as np
import pytest
from hard_pages import KINDS
from written_pages import write_page

from sigkd.errors import UsageError
from sigkd.text.finders import LINE_FINDERS
from sigkd.text.finders.paper import runs
from sigkd.text.finders.seams import least_paths
from sigkd.text.ink import separate_ink
from sigkd.text.layouts import read_forms
from sigkd.text.lines import find_lines


def grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_page_gives_its_lines(kind):
    page = write_page(6, seed=4)
    found = find_lines(separate_ink(grey(KINDS[kind](page, np.random.default_rng(1)))), "seams")
    assert len(found.lines) == 6, (kind, found.left_out)


def test_binarised_page():
    assert len(find_lines(separate_ink(write_page(5, seed=1, binary=True)), "seams").lines) == 5


def test_skew_is_mended_and_recorded():
    page = KINDS["skewed"](write_page(6, seed=2), np.random.default_rng(3))
    found = find_lines(separate_ink(page), "seams")
    assert 1.3 <= abs(found.page.angle) <= 3.2
    straight = find_lines(separate_ink(write_page(6, seed=2)), "seams")
    assert np.median([x.height for x in found.lines]) <= 1.25 * np.median([x.height for x in straight.lines])


def test_print_above_and_below_is_left_out():
    page = KINDS["header"](write_page(6, seed=5), np.random.default_rng(5))
    found = find_lines(separate_ink(page), "seams")
    assert len(found.lines) == 6
    assert sum(found.left_out.values()) >= 6


def test_strokes_stay_whole_and_lines_apart():
    """A long descender belongs to its line although it reaches into the next one's rows."""
    page = write_page(2, seed=7, pitch=130)
    free = np.flatnonzero((cv2.erode(page[:, 150:-150], np.ones((3, 25))) > 250)[160:].all(axis=0))
    column = 150 + int(free[len(free) // 2])
    cv2.line(page, (column, 95), (column, 205), 20, 5)
    first, second = find_lines(separate_ink(page), "seams").lines
    assert first.top + first.image.shape[0] >= 205
    assert (first.image[: 200 - first.top, column - first.left] < 128).sum() > 90
    assert (second.image[:, column - 2 - second.left : column + 3 - second.left] > 200).all()


def test_touching_lines_are_cut():
    page = write_page(3, seed=8)
    cv2.line(page, (500, 120), (500, 240), 20, 5)
    cv2.line(page, (800, 240), (800, 360), 20, 5)
    assert len(find_lines(separate_ink(page), "seams").lines) == 3


@pytest.mark.parametrize("finder", LINE_FINDERS.names())
def test_a_page_without_text_has_no_lines(finder):
    blank = np.full((600, 500), 255, np.uint8)
    noisy = np.clip(np.random.default_rng(0).normal(220, 6, (900, 700)), 0, 255).astype(np.uint8)
    for page in (blank, noisy):
        assert find_lines(separate_ink(page), finder).lines == []


def test_paper_finder_takes_rows_with_ink_and_drops_low_ones():
    page = np.full((200, 300), 255, np.uint8)
    page[10:40, 50:60] = 0
    page[60:75, 50:60] = 0
    page[100:120, 0:300:7] = 0
    found = find_lines(separate_ink(page), "paper")
    assert [(x.top, x.image.shape, x.height) for x in found.lines] == [(10, (30, 300), 30), (100, (20, 300), 20)]
    assert found.left_out == {"line lower than 20 px": 1}


def test_ready_line_is_one_line():
    page = write_page(1, seed=3)
    found = find_lines(separate_ink(page), "seams", is_line=True)
    assert len(found.lines) == 1
    assert found.lines[0].image.shape[1] == page.shape[1]


def test_unknown_finder():
    with pytest.raises(UsageError, match="line finder"):
        find_lines(separate_ink(write_page(1, seed=1)), "seam")


def test_least_path_is_the_cheapest_of_all():
    """Against every path of a small grid, tried one by one."""
    random = np.random.default_rng(0)
    for rows in (2, 3):
        cost = random.random((rows, 6)).astype(np.float32)
        wide = random.random((4, 6)).astype(np.float32)
        path = least_paths([cost, wide])[0]
        middle = np.abs(np.arange(rows) - (rows - 1) / 2) / rows

        def price(steps, cost=cost, middle=middle):
            moved = np.abs(np.diff(steps))
            if moved.max() > 1:
                return np.inf
            return sum(cost[r, c] + 0.02 * middle[r] for c, r in enumerate(steps)) + 0.004 * moved.sum()

        best = min(price(steps) for steps in itertools.product(range(rows), repeat=6))
        assert price(path.tolist()) == pytest.approx(best, rel=1e-5)


def test_runs():
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == []


@pytest.mark.shared
def test_lines_agree_with_the_form_table(shared_dir):
    from sigkd.images.reader import read_image

    root = shared_dir / "data" / "iam_pages"
    forms = read_forms(root / "forms.txt")
    pages = sorted(root.glob("*.png"))[::110]
    found = [len(find_lines(separate_ink(read_image(path)), "seams").lines) for path in pages]
    expected = [int(forms[path.stem][3]) for path in pages]
    assert np.mean(np.abs(np.array(found) - expected) <= 1) >= 0.95
