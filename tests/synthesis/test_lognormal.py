import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from sigkd.synthesis.lognormal import Kinematics, arc_angles, trajectory

STEADY = Kinematics(jitter=0.0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_single_stroke_is_the_lognormal_of_the_theory():
    """One straight stroke: the covered distance is the lognormal's distribution function, written out here."""
    points = np.array([[0.0, 0.0], [3.0, 4.0]])
    position, _ = trajectory(points, np.zeros(2, bool), STEADY, rng())
    sigma = np.sqrt(-np.log(1 - STEADY.asymmetry))
    duration = STEADY.stroke_time * 5**0.35
    mu = 3 * sigma - np.log((np.exp(6 * sigma) - 1) / duration)
    time = np.linspace(0, duration, len(position))
    covered = 5 * ndtr((np.log(time + np.exp(mu - 3 * sigma)) - mu) / sigma)
    np.testing.assert_allclose(np.hypot(*position.T), covered, atol=5e-3)
    np.testing.assert_allclose(position[:, 1], position[:, 0] * 4 / 3, atol=5e-3)


def test_speed_is_one_bell_per_stroke():
    _, speed = trajectory(np.array([[0.0, 0.0], [4.0, 0.0]]), np.zeros(2, bool), STEADY, rng())
    rising = np.diff(speed) > 0
    assert np.flatnonzero(np.diff(rising.astype(int))).size == 1
    assert speed[0] < 0.1 * speed.max()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=2, max_size=9), st.floats(0.3, 0.95))
def test_movement_runs_from_the_first_target_to_the_last(points, overlap):
    targets = np.array(points) + np.arange(len(points))[:, None] * 0.01
    position, speed = trajectory(targets, np.zeros(len(points), bool), Kinematics(overlap=overlap), rng())
    assert np.isfinite(position).all() and np.isfinite(speed).all() and (speed >= 0).all()
    reach = np.abs(np.diff(targets, axis=0)).sum() + 1e-6
    assert np.hypot(*(position[0] - targets[0])) <= 0.02 * reach
    assert np.hypot(*(position[-1] - targets[-1])) <= 0.02 * reach


def test_arcs_of_a_regular_polygon_make_its_circle():
    angle = np.linspace(0, 2 * np.pi, 13)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(arc_angles(points, np.zeros(13, bool)), np.pi / 6, atol=1e-9)
    position, _ = trajectory(points, np.zeros(13, bool), Kinematics(overlap=1.0, jitter=0.0), rng())
    np.testing.assert_allclose(np.hypot(*position.T), 1.0, atol=0.02)


def test_less_overlap_hits_the_corner_more_closely():
    points, corner = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]]), np.zeros(3, bool)
    height = [
        trajectory(points, corner, Kinematics(overlap=overlap, jitter=0.0), rng())[0][:, 1].max()
        for overlap in (0.4, 0.6, 0.9)
    ]
    assert height == sorted(height)
    sharp, _ = trajectory(points, np.array([False, True, False]), Kinematics(overlap=0.4, jitter=0.0), rng())
    assert sharp[:, 1].max() > height[0]


def test_tremor_shakes_the_line_by_its_amplitude():
    points = np.array([[0.0, 0.0], [30.0, 0.0]])
    calm, _ = trajectory(points, np.zeros(2, bool), Kinematics(jitter=0.0, stroke_time=1.0), rng())
    shaken, _ = trajectory(points, np.zeros(2, bool), Kinematics(jitter=0.0, stroke_time=1.0, tremor=0.1), rng())
    assert np.abs(calm[:, 1]).max() < 1e-2
    assert 0.03 < np.abs(shaken[:, 1]).max() < 0.2


@pytest.mark.parametrize("turn", [True, False])
def test_corners_stop_the_arc_from_bending_through_them(turn):
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    angles = arc_angles(points, np.array([False, turn, False]))
    assert np.allclose(angles, 0.0) == turn
