"""How a signature comes out on one occasion: the writer's own variation, and a forger's misreading of it.

Nobody performs a plan exactly. Proportions drift along the name (spacing, heights, baseline, slant), strokes end short
or long, flourishes swing, the pen lifts once more, a dot is forgotten. A forger knows the form from looking at it: gets
proportions and curves wrong, the same way in every attempt, and draws where the writer swings.

Sources: M. A. Ferrer et al., Static signature synthesis, IEEE TPAMI 37 (2015), 667-680 (variation of a person);
J. Galbally et al., Synthetic on-line signature generation, part I, Pattern Recognition 45 (2012), 2610-2621.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sigkd.synthesis.lognormal import arc_angles
from sigkd.synthesis.plan import Component, Plan, SignaturePlan
from sigkd.synthesis.writer import Array, Pen, Style, random_pen

GENUINE = 0.6
"""How far genuine signatures of the typical writer vary; 1 is the amounts of this module."""
FORGER = 2.65
"""How far a careless forger misreads the form, in the same measure; a careful one two thirds of it."""

_STEADIEST = 0.9  # nobody repeats a signature better, relative to the typical writer
_TARGET = 0.10  # of the neighbouring strokes' length: where a target is missed
_SPACING, _HEIGHT, _BASELINE, _LEAN = 0.16, 0.12, 0.08, 0.07  # x-heights; the second and last are ratios
_USUAL = (8.0, 3.0)  # x-heights: width and height of a plan to which these amounts belong
_WAVES = (2.5, 12.0)  # x-heights: lengths of the drifts along the name
_MISREAD_WAVES = (5.0, 25.0)  # proportions are misread over several letters: each stays readable
_SWING, _SHIFT, _TURN = 0.13, 0.16, 0.05  # of flourishes: relative size, x-heights, radians
_STROKE_END = 0.20  # relative
_PALEST = 0.5  # darkness of a pen that still signs
_LONG, _STRAIGHT = 1.5, 0.24  # x-heights, radians: strokes that a hand does not draw so straight
_DOT = 0.35  # x-heights: largest extent of a dot
_LATE = 0.18  # x-heights: dots and crossbars land where the hand is already


@dataclass(frozen=True)
class Performance:
    """A plan as it comes out once."""

    components: Plan
    style: Style
    """The slant, the movement and the pen of the occasion."""
    rise: float
    """Angle of the baseline."""
    size: Array
    """Width and height relative to the plan's, [2]."""


def perform(style: Style, plan: SignaturePlan, rng: np.random.Generator) -> Performance:
    """Return a genuine signature of the writer."""
    amount = GENUINE * max(style.consistency, _STEADIEST)
    kinematics = replace(
        style.kinematics,
        stroke_time=style.kinematics.stroke_time * _about(rng, 0.10),
        overlap=min(style.kinematics.overlap * _about(rng, 0.10), 0.85),
    )
    pen = _again(random_pen(rng) if rng.random() < 0.1 else style.pen, rng)
    components = _lifted(_deviating(plan.components, amount, rng), 0.10, rng)
    return Performance(
        _without_a_dot(components, 0.15, rng),
        replace(style, kinematics=kinematics, pen=pen, slant=style.slant + float(rng.normal(0, 0.045 * amount))),
        plan.rise + float(rng.normal(0, 0.045 * amount)),
        _sizes(0.09, 0.06, amount, rng),
    )


def perform_forged(
    style: Style, plan: SignaturePlan, own: Style, forger: np.random.Generator, rng: np.random.Generator
) -> Performance:
    """Return one attempt of a forger.

    Args:
        style: the writer's.
        plan: the writer's.
        own: the forger's style.
        forger: what the forger does alike in every attempt; a new generator with the same state each time.
        rng: what differs from one attempt to the next.
    """
    care = forger.uniform(0.0, 1.0)
    kinematics = replace(
        style.kinematics,
        stroke_time=style.kinematics.stroke_time * (1.2 + 1.2 * care),
        overlap=min(style.kinematics.overlap * (1.05 + 0.25 * care), 0.85),
        tremor=forger.uniform(0.003, 0.016) * (0.4 + care),
        jitter=0.09,
    )
    pen = random_pen(forger) if forger.random() < 0.3 else _again(style.pen, forger, 0.15)
    slant = 0.8 * style.slant + 0.2 * own.slant + float(forger.normal(0, 0.05))
    misread = FORGER * (1.0 - care / 3.0)
    components = _deviating(plan.components, misread, forger, _MISREAD_WAVES, 0.6)
    components = _lifted(components, 0.15, forger)
    size = _sizes(0.05 * misread, 0.04 * misread, 1.0, forger)
    rise = plan.rise + float(forger.normal(0, 0.06))
    # each attempt also varies, less than a signature that swings
    components = _deviating(components, 0.8 * GENUINE, rng)
    return Performance(
        _without_a_dot(components, 0.05, rng),
        replace(style, kinematics=kinematics, pen=_again(pen, rng), slant=slant + float(rng.normal(0, 0.03))),
        rise + float(rng.normal(0, 0.03)),
        size * _sizes(0.06, 0.05, 1.0, rng),
    )


def _about(rng: np.random.Generator, spread: float) -> float:
    return float(np.exp(rng.normal(0, spread)))


def _sizes(common: float, each: float, amount: float, rng: np.random.Generator) -> Array:
    """Return factors of width and height."""
    return np.asarray(np.exp(amount * (rng.normal(0, common) + rng.normal(0, each, 2))))


def _again(pen: Pen, rng: np.random.Generator, spread: float = 0.05) -> Pen:
    """Return a pen of the same kind, pressed a little more or less."""
    return replace(
        pen,
        width=pen.width * _about(rng, spread),
        darkness=min(max(pen.darkness * _about(rng, spread), _PALEST), 1.0),
    )


class _Drift:
    """Smooth functions of the place along the name, of unit variance."""

    def __init__(self, count: int, lengths: tuple[float, float], rng: np.random.Generator, waves: int = 3) -> None:
        self._frequency = 2 * np.pi / np.exp(rng.uniform(np.log(lengths[0]), np.log(lengths[1]), (count, waves, 1)))
        self._phase = rng.uniform(0, 2 * np.pi, (count, waves, 1))
        self._scale = np.sqrt(2 / waves)

    def __call__(self, x: Array) -> Array:
        """Return the functions' values [count, n] at the places x [n]."""
        return np.asarray(np.sin(self._frequency * x + self._phase).sum(axis=1) * self._scale)


def _deviating(
    plan: Plan, amount: float, rng: np.random.Generator, lengths: tuple[float, float] = _WAVES, miss: float = 1.0
) -> Plan:
    """Return the plan with proportions that drift along it, missed targets, other stroke ends and swings."""
    drift = _Drift(4, lengths, rng)
    every = np.vstack([part.points for part in plan])
    # where a plan is taller than letters are, so are its errors
    wide, tall = (max(float(size), 1.0) ** 0.5 for size in np.ptp(every, axis=0) / _USUAL)
    reach = tall * wide  # and errors add up along a long name
    spacing, height, baseline, lean = drift(every[:, 0] / reach)
    shift = np.empty_like(every)
    shift[:, 0] = amount * (reach * _SPACING * spacing + _LEAN * lean * every[:, 1])
    shift[:, 1] = amount * (_HEIGHT * height * every[:, 1] + reach * _BASELINE * baseline)
    shifts = np.split(shift, np.cumsum([len(part.points) for part in plan])[:-1])
    return [_deviated(part, own, amount, miss, tall, rng) for part, own in zip(plan, shifts, strict=True)]


def _deviated(
    part: Component, shift: Array, amount: float, miss: float, tall: float, rng: np.random.Generator
) -> Component:
    points, count = part.points, len(part.points)
    step = points[1:] - points[:-1]
    length = np.hypot(step[:, 0], step[:, 1])
    reach = np.concatenate([length[:1], np.minimum(length[1:], length[:-1]), length[-1:]])  # the shorter neighbour
    noise = rng.standard_normal((count + 1, 2))
    missed = (0.8 * noise[1:] + 0.6 * noise[:-1]) * np.minimum(np.maximum(reach, 0.15), 2.5)[:, None]
    moved = points + amount * miss * _TARGET * missed + shift
    # the last stroke ends early or late
    moved[-1] += (moved[-1] - moved[-2]) * min(max(rng.normal(0, _STROKE_END * amount), -0.5), 0.6)
    if part.flourish:
        centre = points.mean(axis=0)
        turn = rng.normal(0, _TURN * amount)
        scale = np.exp(rng.normal(0, _SWING * amount, 2))
        turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        moved = (moved - centre) * scale @ turned + centre + rng.normal(0, _SHIFT * amount * tall, 2)
    elif count <= 3:
        moved = moved + rng.normal(0, _LATE * amount, 2) * [1.0, 0.5]
    return _bent(replace(part, points=moved), rng)


def _bent(part: Component, rng: np.random.Generator) -> Component:
    """Return the component without long straight strokes: the hand turns about a point below the writing."""
    step = part.points[1:] - part.points[:-1]
    long = np.hypot(step[:, 0], step[:, 1]) > _LONG
    if not long.any():
        return part
    places = np.flatnonzero(long & (np.abs(arc_angles(part.points, part.corners)) < _STRAIGHT))
    if not len(places):
        return part
    along, up = rng.uniform(0.4, 0.6, (len(places), 1)), rng.uniform(0.04, 0.07, (len(places), 1))
    chord = step[places]
    above = np.where(chord[:, :1] < 0, -1.0, 1.0) * chord[:, ::-1] * [-1.0, 1.0]
    middle = part.points[places] + along * chord + up * above
    points = np.insert(part.points, places + 1, middle, axis=0)
    return replace(part, points=points, corners=np.insert(part.corners, places + 1, False))


def _lifted(plan: Plan, share: float, rng: np.random.Generator) -> Plan:
    """Return the plan with pen lifts that others of the same writer have not: where a letter runs into the next."""
    parts: Plan = []
    for part in plan:
        low = np.flatnonzero((part.points[2:-2, 1] < 0.35) & (part.points[2:-2, 1] > -0.3)) + 2
        if part.flourish or len(part.points) < 8 or not len(low) or rng.random() >= share * len(part.points) / 12:
            parts.append(part)
            continue
        cut = int(rng.choice(low))
        parts.append(Component(part.points[: cut + 1], part.corners[: cut + 1]))
        gap = rng.normal(0.06, 0.05), rng.normal(0, 0.05)
        parts.append(Component(part.points[cut:] + gap, part.corners[cut:]))
    return parts


def _without_a_dot(plan: Plan, share: float, rng: np.random.Generator) -> Plan:
    kept = [part for part in plan if part.flourish or np.ptp(part.points, axis=0).max() > _DOT or rng.random() >= share]
    return kept or plan
