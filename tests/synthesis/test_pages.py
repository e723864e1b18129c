import numpy as np
import pytest

from sigkd.synthesis import page_image


def dark_rows(image: np.ndarray) -> np.ndarray:
    return (image < 0.7 * np.median(image)).sum(axis=1)


def runs(mask: np.ndarray) -> int:
    return int((np.diff(mask.astype(int), prepend=0) == 1).sum())


def test_same_numbers_give_the_same_page():
    assert np.array_equal(page_image(2, 1, seed=3, lines=2), page_image(2, 1, seed=3, lines=2))
    assert not np.array_equal(page_image(2, 1, seed=3, lines=2), page_image(2, 2, seed=3, lines=2))


def test_a_page_is_full_of_lines():
    image = page_image(1, 0)
    assert image.shape == (2480, 1748) and image.dtype == np.uint8
    assert 10 <= runs(dark_rows(image) > 0) <= 60
    dark = image < 0.7 * np.median(image)
    assert 0.01 < dark.mean() < 0.2
    assert not dark[:, :40].any() and not dark[:40].any()  # margins


def test_lines_are_counted():
    few, many = (dark_rows(page_image(4, 0, lines=lines)) for lines in (2, 8))
    assert np.flatnonzero(few)[-1] < np.flatnonzero(many)[-1] / 2
    assert not dark_rows(page_image(4, 0, lines=0)).any()


def test_ruling_is_pale_and_across_the_page():
    plain, ruled = (page_image(1, 0, lines=3, ruled=ruled).astype(int) for ruled in (False, True))
    difference = plain - ruled
    lines = np.flatnonzero(np.median(difference, axis=1) > 10)
    assert 3 <= len(lines) <= 15
    assert np.median(difference[lines]) < 60


def test_header_stands_above_the_writing():
    image = page_image(3, 0, lines=1, header=True)
    rows = dark_rows(image)
    rules = np.flatnonzero(rows > 0.5 * image.shape[1])
    assert runs(np.isin(np.arange(len(rows)), rules)) == 2
    assert rows[rules[-1] + 10 :].any()


@pytest.mark.parametrize("size", [(1200, 900), (600, 400)])
def test_small_sheets_hold_less(size):
    assert page_image(0, 0, size=size).shape == size
