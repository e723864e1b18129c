import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd.text.splits import split_rows, thin_rows

crops = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=200)


def columns(rows):
    label, page, line = np.array(rows).T
    return label, label * 10 + page, line  # a page has one writer


@given(crops, st.floats(0, 0.9), st.integers(0, 3))
@settings(deadline=None)
def test_no_page_or_line_is_in_both_parts(rows, share, seed):
    label, page, line = columns(rows)
    part = split_rows(label, page, line, share, seed)
    for writer in np.unique(label):
        own = label == writer
        several = np.unique(page[own]).size > 1
        unit = page[own] if several else line[own]
        for value in np.unique(unit):
            assert np.unique(part[own][unit == value]).size == 1
        if share > 0 and np.unique(unit).size > 1:
            assert set(part[own]) == {0, 1}
        else:
            assert not part[own].any()


def test_share_is_met_where_units_allow_it():
    label = np.repeat(np.arange(20), 100)
    page = np.repeat(np.arange(200), 10)
    part = split_rows(label, page, np.zeros(2000, int), 0.3, 0)
    assert part.mean() == pytest.approx(0.3)


def test_split_of_a_writer_does_not_depend_on_the_others():
    label, page, line = columns([(w, p, li) for w in range(4) for p in range(4) for li in range(3)])
    part = split_rows(label, page, line, 0.3, 1)
    some = label >= 2
    np.testing.assert_array_equal(split_rows(label[some] - 2, page[some], line[some], 0.3, 1), part[some])


@given(crops, st.integers(1, 250))
@settings(deadline=None)
def test_thinning_is_even_and_exact(rows, limit):
    label = columns(rows)[0]
    keep = thin_rows(label, limit, 0)
    assert keep.sum() == min(limit, len(label))
    kept = np.bincount(label[keep], minlength=5)
    full = np.bincount(label, minlength=5)
    cut = kept < full
    if cut.any():
        assert kept[cut].max() - kept[cut].min() <= 1
        assert kept.max() <= kept[cut].max() + 1
