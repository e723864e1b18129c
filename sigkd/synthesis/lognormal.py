"""Pen movements by the kinematic theory: a sum of lognormal strokes along circular arcs.

Sources: R. Plamondon, A kinematic theory of rapid human movements, Biological Cybernetics 72 (1995) 295-307, 309-320;
C. O'Reilly and R. Plamondon, Development of a Sigma-Lognormal representation for on-line signatures, Pattern
Recognition 42 (2009) 3324-3337. The parameters of a stroke by its duration and asymmetry follow D. Berio and F. F.
Leymarie, Computational models for the analysis and synthesis of graffiti tag strokes, Computational Aesthetics (2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

SAMPLE_TIME = 0.006
"""Seconds between the points of a trajectory."""


@dataclass(frozen=True)
class Kinematics:
    """How somebody moves a pen."""

    stroke_time: float = 0.12
    """Seconds for a stroke of one x-height."""
    overlap: float = 0.5
    """How far a stroke has run when the next begins (0: at once, 1: one after the other); the lower, the rounder."""
    asymmetry: float = 0.08
    """Skewness of the bell-shaped speed, in (0, 1)."""
    tremor: float = 0.0
    """Amplitude of an involuntary 8-12 Hz oscillation, in x-heights."""
    jitter: float = 0.06
    """Relative standard deviation of the durations and onsets."""


def arc_angles(points: Array, corners: NDArray[np.bool_]) -> Array:
    """Return the turning angle [n-1] of the arc between each two points: arcs meet smoothly except at corners."""
    chord = np.diff(points, axis=0)
    heading = np.arctan2(chord[:, 1], chord[:, 0])
    turn = np.angle(np.exp(1j * np.diff(heading)))  # at the inner points
    weight = np.hypot(chord[:, 0], chord[:, 1]) + 1e-9
    smooth = ~corners[1:-1] & (np.abs(turn) < 2.8)
    # the tangent at a point divides its turn by the lengths of the neighbouring chords: the shorter one turns more
    share = weight[1:] / (weight[:-1] + weight[1:])
    before = np.where(smooth, turn * share, np.nan)
    after = np.where(smooth, turn * (1 - share), np.nan)
    at_end = np.append(before, np.nan)
    at_start = np.insert(after, 0, np.nan)
    both = np.stack([at_end, at_start])
    known = np.isfinite(both)
    angles = 2 * np.where(known, both, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.clip(angles, -2.6, 2.6))


def trajectory(
    points: Array, corners: NDArray[np.bool_], kinematics: Kinematics, rng: np.random.Generator
) -> tuple[Array, Array]:
    r"""Return the positions [T, 2] and speeds [T] (x-heights a second) of one pen-down movement through target points.

    The pen's position is the start plus the sum of the strokes' displacements. Stroke i runs along an arc of length
    D_i from direction :math:`\theta_i` to :math:`\theta_i + \delta_i` and has covered the fraction
    :math:`w_i(t) = \Phi((\ln(t - t_{0i}) - \mu_i) / \sigma_i)` of it at time t (a lognormal speed). Since neighbouring
    strokes overlap in time the targets are rounded, not hit, as in real handwriting.

    Args:
        points: targets [n, 2], n >= 2, in x-heights.
        corners: which targets are sharp turns [n]: there the next stroke waits.
        kinematics: the writer's manner.
        rng: source of the variation in time.
    """
    chord = np.diff(points, axis=0)
    length = np.hypot(chord[:, 0], chord[:, 1]) + 1e-6
    delta = arc_angles(points, corners)
    delta = np.where(np.abs(delta) < 1e-3, 1e-3, delta)
    arc = length * (delta / 2) / np.sin(delta / 2)
    start_angle = np.arctan2(chord[:, 1], chord[:, 0]) - delta / 2

    count = len(length)
    spread = 1 + kinematics.jitter * rng.standard_normal((2, count)).clip(-2.5, 2.5)
    duration = kinematics.stroke_time * arc**0.35 * spread[0]  # near isochrony: long strokes are faster
    sigma = float(np.sqrt(-np.log(1 - kinematics.asymmetry)))
    mu = 3 * sigma - np.log((np.exp(6 * sigma) - 1) / duration)
    waiting = np.where(corners[:-1], 0.5 + 0.5 * kinematics.overlap, kinematics.overlap) * spread[1]
    onset = np.concatenate([[0.0], np.cumsum(duration[:-1] * waiting[1:])])
    t0 = onset - np.exp(mu - 3 * sigma)

    end = float((onset + duration).max())
    time = np.linspace(0.0, end, max(int(end / SAMPLE_TIME), 4))[:, None]
    elapsed = np.maximum(time - t0, 1e-9)
    done = ndtr((np.log(elapsed) - mu) / sigma)  # [T, count]
    angle = start_angle + delta * done
    radius = arc / delta
    x = points[0, 0] + ((np.sin(angle) - np.sin(start_angle)) * radius).sum(axis=1)
    y = points[0, 1] + ((np.cos(start_angle) - np.cos(angle)) * radius).sum(axis=1)
    if kinematics.tremor:
        phase = rng.uniform(0, 2 * np.pi, (2, 3, 1))
        frequency = rng.uniform(7.5, 12.5, (2, 3, 1))
        shake = np.sin(2 * np.pi * frequency * time[:, 0] + phase).sum(axis=1) * kinematics.tremor / 2
        x, y = x + shake[0], y + shake[1]
    position = np.stack([x, y], axis=1)
    step = np.diff(position, axis=0, append=position[-1:])
    return position, np.hypot(step[:, 0], step[:, 1]) / (time[1, 0] - time[0, 0])
