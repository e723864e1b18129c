"""A writer varies from one signature to the next; a forger misreads the form and draws it."""

import itertools

import numpy as np
import pytest

from sigkd.images.copies import COPY, descriptor, similarity
from sigkd.images.scan import read_scan
from sigkd.synthesis import signature_image
from sigkd.synthesis.lognormal import arc_angles
from sigkd.synthesis.performance import perform, perform_forged
from sigkd.synthesis.plan import Component, SignaturePlan, signature_plan
from sigkd.synthesis.signatures import DPI, signature_ink
from sigkd.synthesis.writer import writer_style

SEED = 5
WRITERS = range(10)


def performed(writer, *numbers, style=None):
    style = style or writer_style(writer, SEED)
    plan = signature_plan(writer, writer_style(writer, SEED), SEED)
    return perform(style, plan, np.random.default_rng([writer, *numbers]))


def forged(writer, forger, attempt):
    style = writer_style(writer, SEED)
    generators = np.random.default_rng([writer, forger]), np.random.default_rng([writer, forger, attempt])
    return perform_forged(style, signature_plan(writer, style, SEED), writer_style(99, SEED), *generators)


def described(writer, index, kind="genuine"):
    ink, _, _ = signature_ink(writer, index, kind, SEED)
    return descriptor(255 - ink)


def test_the_same_generator_performs_the_same():
    for one, again in ((performed(3, 1), performed(3, 1)), (forged(3, 0, 1), forged(3, 0, 1))):
        assert one.style == again.style and one.rise == again.rise and np.array_equal(one.size, again.size)
        assert all(np.array_equal(a.points, b.points) for a, b in zip(one.components, again.components, strict=True))


def test_nobody_signs_twice_alike():
    pairs = [
        similarity(*pair)
        for writer in WRITERS
        for pair in itertools.combinations([described(writer, index) for index in range(6)], 2)
    ]
    assert np.mean(np.array(pairs) >= COPY) < 0.02  # of clean ink: scans differ by paper and pen, too
    assert np.mean(np.array(pairs) >= 0.5) > 0.1, "and yet it is one hand"


def test_a_forger_misreads_the_same_way_each_time():
    """Targets lie nearer to those of the forger's next attempt than to another forger's."""
    within, between = [], []
    for writer in range(30):
        own, next_one, other = (forged(writer, *numbers) for numbers in ((0, 1), (0, 2), (1, 1)))
        first, second, third = (done.components[0].points * done.size for done in (own, next_one, other))
        if len(first) == len(second) == len(third):
            within.append(np.abs(first - second).mean())
            between.append(np.abs(first - third).mean())
        assert own.style.pen.nib == next_one.style.pen.nib
    assert len(within) > 10
    assert np.mean(within) < 0.75 * np.mean(between)


def test_forgers_miss_the_form_by_more_than_the_writer_varies():
    def distance(done, plan):
        ours = np.vstack([part.points for part in done.components])
        meant = np.vstack([part.points for part in plan.components])
        return float(np.abs(np.ptp(ours, axis=0) / np.ptp(meant, axis=0) - 1).mean())

    genuine, skilled = [], []
    for writer in range(40):
        plan = signature_plan(writer, writer_style(writer, SEED), SEED)
        genuine.append(distance(performed(writer, 1), plan))
        skilled.append(distance(forged(writer, 0, 1), plan))
    assert np.mean(skilled) > 1.3 * np.mean(genuine)


def test_forgers_draw_slower_and_tremble():
    for writer in WRITERS:
        own = writer_style(writer, SEED).kinematics
        done = forged(writer, 0, 0).style.kinematics
        assert done.stroke_time > 1.15 * own.stroke_time
        assert done.tremor > 0 == performed(writer, 0).style.kinematics.tremor


def test_the_pen_lifts_once_more_now_and_then_and_dots_are_forgotten():
    counts = [{len(performed(writer, number).components) for number in range(12)} for writer in WRITERS]
    assert sum(len(found) > 1 for found in counts) > len(counts) / 3
    dot = Component(np.array([[1.0, 1.5], [1.05, 1.45]]), np.zeros(2, bool))
    body = Component(np.array([[0.0, 0.0], [0.5, 1.0], [1.0, 0.0]]), np.zeros(3, bool))
    plan = SignaturePlan([body, dot], 600.0, 0.0)
    parts = [len(perform(writer_style(0), plan, np.random.default_rng(n)).components) for n in range(200)]
    assert set(parts) == {1, 2} and 10 < parts.count(1) < 60


def test_long_strokes_bend():
    line = Component(np.array([[0.0, 0.0], [8.0, 0.3]]), np.zeros(2, bool), flourish=True)
    for number in range(20):
        (part,) = perform(writer_style(0), SignaturePlan([line], 600.0, 0.0), np.random.default_rng(number)).components
        assert len(part.points) == 3
        assert 0.08 < np.abs(arc_angles(part.points, part.corners)).max() < 0.7


@pytest.mark.parametrize("writer", [1, 6, 13, 19])  # with lines under and through the name
def test_the_reader_has_nothing_to_remark(writer):
    for kind in ("genuine", "skilled"):
        assert not read_scan(signature_image(writer, 3, kind, seed=3), dpi=DPI).remarks
