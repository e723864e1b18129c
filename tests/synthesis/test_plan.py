import string

import numpy as np
import pytest

from sigkd.synthesis.glyphs import glyph
from sigkd.synthesis.plan import signature_plan, word_plan
from sigkd.synthesis.writer import generator, made_up_word, writer_style


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_every_letter_has_a_form_between_descender_and_ascender(letter):
    form = glyph(letter)
    assert 0.4 < form.advance < 1.6
    for points, corners in form.components:
        assert points.shape == (len(corners), 2) and len(points) >= 2
        assert points[:, 1].min() >= -1.1 and points[:, 1].max() <= 2.2


def test_joined_words_are_one_movement_printed_ones_are_not():
    from dataclasses import replace

    style = writer_style(0)
    for joined, bodies in ((1.0, 1), (0.0, 4)):
        plan, advance = word_plan("nemu", replace(style, joined=joined), 0, 0, np.random.default_rng(0))
        assert len(plan) == bodies
        assert 1.5 < advance < 12


def test_a_writer_always_bends_a_letter_the_same_way():
    style = writer_style(5)
    first, second = (word_plan("a", style, 5, 0, np.random.default_rng(seed))[0] for seed in (1, 2))
    assert np.array_equal(first[0].points, second[0].points)
    other, _ = word_plan("a", style, 6, 0, np.random.default_rng(1))
    assert not np.array_equal(first[0].points, other[0].points)


def test_plans_are_finite_and_of_many_forms():
    kinds = set()
    for writer in range(150):
        plan = signature_plan(writer, writer_style(writer))
        every = np.vstack([part.points for part in plan.components])
        assert np.isfinite(every).all() and np.ptp(every[:, 0]) > 0.5
        assert 230 <= plan.width <= 1150
        kinds.add((len(plan.components), any(part.flourish for part in plan.components)))
    assert len(kinds) > 12


def test_words_have_the_asked_length():
    rng = generator(0, "page", 1)
    words = [made_up_word(rng, 3, 6) for _ in range(200)]
    assert {len(word) for word in words} == {3, 4, 5, 6}
    assert all(word.isascii() and word.islower() for word in words)
    assert len(set(words)) > 150
