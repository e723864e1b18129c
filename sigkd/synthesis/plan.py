"""What is written: motor plans of words and signatures, as target points in x-heights (y upwards, baseline 0)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.glyphs import glyph
from sigkd.synthesis.writer import Style, generator, made_up_word

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Component:
    """One movement with the pen on the paper."""

    points: Array
    """Targets [n, 2]."""
    corners: NDArray[np.bool_]
    """Sharp turns [n]."""
    flourish: bool = False
    """A paraph rather than a letter: drawn faster, and varies more."""


Plan = list[Component]


@dataclass(frozen=True)
class SignaturePlan:
    """A writer's signature as the writer means it."""

    components: Plan
    width: float
    """Intended width on paper, pixels of the scan."""
    rise: float
    """Angle of the baseline."""


def _personal(letter: str, style: Style, writer: int, seed: int) -> list[tuple[Array, NDArray[np.bool_]]]:
    """Return a letter's components in this writer's hand: the copybook form, bent the same way each time."""
    rng = generator(seed, "glyph", writer, ord(letter))
    capital = letter.isupper()
    scale = style.capital if capital else 1.0
    stretch = style.width * float(np.exp(rng.normal(0, 0.10 * style.shape)))
    parts = []
    for points, corners in glyph(letter).components:
        bent = points + rng.normal(0, 0.055 * style.shape, points.shape)
        x, y = bent[:, 0] * stretch * scale, bent[:, 1] * scale
        if not capital:
            y = np.where(
                y > 1.1, 1.1 + (y - 1.1) * style.ascender, np.where(y < -0.1, -0.1 + (y + 0.1) * style.descender, y)
            )
        parts.append((np.stack([x, y], axis=1), corners))
    return parts


def word_plan(text: str, style: Style, writer: int, seed: int, rng: np.random.Generator) -> tuple[Plan, float]:
    """Return the components of a word written from x = 0, and where the next word may begin.

    Letters are joined with the writer's probability; crossbars and dots come after the letter's body.
    """
    bodies: list[Component] = []
    extras: list[Component] = []
    x = 0.0
    previous = ""
    for letter in text:
        parts = _personal(letter, style, writer, seed)
        advance = glyph(letter).advance * style.width * (style.capital if letter.isupper() else 1.0)
        points, corners = parts[0][0] + [x, 0.0], parts[0][1]
        join = bool(previous) and previous.islower() and letter.islower() and rng.random() < style.joined
        if letter.islower() and (join or not style.entry):
            points, corners = points[1:], corners[1:]
        if join:
            last = bodies[-1]
            bodies[-1] = replace(
                last, points=np.vstack([last.points, points]), corners=np.concatenate([last.corners, corners])
            )
        else:
            bodies.append(Component(points, corners))
        extras += [Component(more + np.array([x, 0.0]), sharp) for more, sharp in parts[1:]]
        x += max(advance + style.spacing * (1.0 if letter.islower() else 1.6), 0.35)
        previous = letter
    return bodies + extras, x


def _shift(plan: Plan, dx: float, dy: float = 0.0) -> Plan:
    return [replace(part, points=part.points + np.array([dx, dy])) for part in plan]


def _curve(rows: list[tuple[float, float]], corners: tuple[int, ...] = ()) -> Component:
    sharp = np.zeros(len(rows), bool)
    sharp[list(corners)] = True
    return Component(np.array(rows, float), sharp, flourish=True)


def _wave(rng: np.random.Generator, humps: int, width: float, height: float, decay: float) -> Component:
    """Return the line into which hurried letters collapse: flattening humps, pointed or round, with a tail."""
    rows, corners = [(0.0, rng.uniform(0.0, 0.3))], [False]
    pointed = rng.random() < 0.5
    x = 0.0
    for hump in range(humps):
        size = height * decay**hump * rng.uniform(0.65, 1.2)
        x += width * rng.uniform(0.35, 0.8)
        rows += [(x, size), (x + width * rng.uniform(-0.12, 0.35), rng.uniform(-0.1, 0.12))]
        corners += [pointed, rng.random() < 0.6]
    tail = rng.choice([0.4, 1.5, 3.5], p=[0.4, 0.35, 0.25])
    rows.append((x + width * (0.5 + tail), rng.uniform(-0.2, 0.5) * (1 + 0.4 * tail)))
    corners.append(False)
    return Component(np.array(rows), np.array(corners))


def _scrawl(rng: np.random.Generator) -> Component:
    """Return a signature that never was letters: strokes up and down with loops, leaning forwards."""
    count = int(rng.integers(4, 12))
    height, step = rng.uniform(1.2, 4.0), rng.uniform(0.4, 1.8)
    rows, corners = [(0.0, rng.uniform(-0.5, 1.5))], [False]
    x, loops = 0.0, rng.random()
    for number in range(count):
        size = height * rng.uniform(0.35, 1.15) * (1.0 if number < 2 else rng.uniform(0.3, 0.9))
        x += step * rng.uniform(0.3, 1.5)
        if rng.random() < loops:  # over the top and back: a loop
            rows += [(x + 0.25 * size, 0.8 * size), (x, size), (x - 0.22 * size, 0.6 * size)]
            corners += [False, False, False]
        else:
            rows.append((x, size))
            corners.append(rng.random() < 0.6)
        low = rng.uniform(-0.5, 0.4) - (rng.random() < 0.2) * rng.uniform(0.5, 2.0)
        rows.append((x + rng.uniform(-0.1, 0.5) * step, low))
        corners.append(rng.random() < 0.45)
    rows.append((x + rng.uniform(0.5, 7.0), rng.uniform(0, 1.8)))
    corners.append(False)
    return Component(np.array(rows), np.array(corners), flourish=True)


def _box(plan: Plan) -> tuple[float, float, float, float]:
    every = np.vstack([part.points for part in plan])
    return (*map(float, every.min(axis=0)), *map(float, every.max(axis=0)))  # type: ignore[return-value]


def _paraph(rng: np.random.Generator, plan: Plan) -> Plan:
    """Return ``plan`` with a flourish: a line under, through or around the name, loops, a zigzag, a long exit."""
    left, low, right, high = _box(plan)
    width, height = right - left, high - low
    last = plan[-1]
    ex, ey = map(float, last.points[-1])
    kind = rng.choice(["exit", "under", "back", "loops", "around", "through", "zigzag", "hook"])
    u = rng.uniform
    below = low - u(0.1, 0.9)
    if kind == "exit":
        tail = [(ex + width * u(0.15, 0.6), ey + u(-0.3, 0.8)), (ex + width * u(0.6, 1.2), ey + u(-0.5, 2.0))]
        return [*plan[:-1], _extend(last, tail)]
    if kind == "under":
        line = [(left + width * u(-0.1, 0.3), below + u(-0.4, 0.3)), (left + width * 0.6, below + u(-0.1, 0.2))]
        return [*plan, _curve([*line, (right + width * u(-0.1, 0.25), below + u(-0.1, 0.9))])]
    if kind == "back":
        tail = [(right + u(0.2, 1.0), ey - u(0.2, 0.8)), (left + width * u(-0.1, 0.4), below)]
        tail += [
            (left + width * u(-0.15, 0.2), below - u(0.05, 0.5)),
            (right + width * u(-0.2, 0.35), below + u(-0.3, 0.9)),
        ]
        return [*plan[:-1], _extend(last, tail, (1,) if rng.random() < 0.6 else ())]
    if kind == "loops":
        cx, cy, rx, ry = (
            left + width * u(0.3, 0.8),
            low + height * u(-0.1, 0.5),
            width * u(0.15, 0.4),
            height * u(0.2, 0.6),
        )
        turns, start = int(rng.integers(4, 11)), u(0, 2 * np.pi)
        angles = start + np.arange(turns) * u(1.2, 1.8) * rng.choice([-1, 1])
        drift = np.linspace(0, u(0, width * 0.35), turns)
        rows = [(cx + rx * np.cos(a) + d, cy + ry * np.sin(a)) for a, d in zip(angles, drift, strict=True)]
        return [*plan, _curve([*rows, (right + width * u(0.0, 0.4), cy + height * u(-0.4, 0.4))])]
    if kind == "around":
        cx, cy, rx, ry = (left + right) / 2, (low + high) / 2, width * u(0.5, 0.62), height * u(0.5, 0.8)
        angles = u(-0.6, 0.8) + np.linspace(0, u(4.5, 7.5), 8)
        tilt = u(0.0, 0.35)
        rows = [(cx + rx * np.cos(a), cy + ry * np.sin(a) + tilt * rx * np.cos(a)) for a in angles]
        return [*plan, _curve(rows)]
    if kind == "through":
        lines: Plan = []
        for _ in range(int(rng.integers(1, 4))):
            y = low + height * u(0.1, 0.7)
            lines.append(_curve([(left + width * u(-0.25, 0.3), y), (right + width * u(0.0, 0.35), y + u(-0.2, 0.9))]))
        return [*plan, *lines]
    if kind == "zigzag":
        steps, reach = int(rng.integers(3, 7)), width * u(0.25, 0.7)
        x0, y0 = right - reach * u(0.4, 1.0), low + height * u(-0.2, 0.5)
        rows = [
            (x0 + (k % 2) * reach * u(0.7, 1.0), y0 - 0.18 * k * u(0.5, 1.5) + (k % 2) * u(0.2, 1.2))
            for k in range(steps)
        ]
        return [*plan, _curve(rows, tuple(range(1, steps - 1)) if rng.random() < 0.5 else ())]
    drop = u(1.0, 3.0)
    tail = [
        (ex + u(0.4, 1.2), ey - 0.3 * drop),
        (ex - u(0.0, 0.8), ey - drop),
        (ex - width * u(0.1, 0.6), ey - drop * u(0.5, 1.0)),
    ]
    return [*plan[:-1], _extend(last, tail)]


def _extend(part: Component, tail: list[tuple[float, float]], corners: tuple[int, ...] = ()) -> Component:
    more = _curve(tail, corners)
    points = np.vstack([part.points, more.points])
    return Component(points, np.concatenate([part.corners, more.corners]), flourish=True)


def _capital_letter(rng: np.random.Generator) -> str:
    return chr(ord("A") + int(rng.integers(26)))


def _letters(rng: np.random.Generator, style: Style, writer: int, seed: int) -> Plan:
    """Return the written part of a signature: a name, initials, or a name that collapses into a line."""
    readable = rng.random()
    large = replace(style, capital=style.capital * float(rng.choice([rng.uniform(0.9, 1.2), rng.uniform(1.2, 2.0)])))
    plan: Plan = []
    x = 0.0
    initials = int(rng.choice([0, 1, 2], p=[0.35, 0.45, 0.2]))
    for _ in range(initials):
        part, advance = word_plan(_capital_letter(rng), large, writer, seed, rng)
        plan += _shift(part, x, rng.uniform(-0.3, 0.2))
        if rng.random() < 0.3:
            plan.append(Component(np.array([[x + advance, 0.05], [x + advance + 0.08, 0.0]]), np.zeros(2, bool)))
        x += advance * rng.uniform(0.55, 1.15)
    name = made_up_word(rng, 4, 11)
    if readable < 0.12:  # block capitals or separate letters
        text = name.upper() if rng.random() < 0.5 else name.capitalize()
        part, _ = word_plan(text, replace(large, joined=0.0, capital=style.capital * 0.8), writer, seed, rng)
        return plan + _shift(part, x)
    if readable < 0.5:
        if rng.random() < 0.3:  # a given name before it, in the same hand
            part, advance = word_plan(made_up_word(rng, 3, 6).capitalize(), large, writer, seed, rng)
            plan += _shift(part, x)
            x += advance + rng.uniform(0.2, 0.8)
        part, _ = word_plan(name.capitalize(), large, writer, seed, rng)
        return plan + _shift(part, x)
    legible = int(rng.integers(1, 4))
    part, advance = word_plan(name[:legible].capitalize(), large, writer, seed, rng)
    wave = _wave(rng, int(rng.integers(2, 8)), rng.uniform(0.6, 1.8), rng.uniform(0.7, 1.6), rng.uniform(0.7, 1.02))
    return [*plan, *_shift(part, x), *_shift([wave], x + advance * rng.uniform(0.85, 1.0))]


def signature_plan(writer: int, style: Style, seed: int = 0) -> SignaturePlan:
    """Return the motor plan of the signature of the made-up writer number ``writer``."""
    rng = generator(seed, "plan", writer)
    if rng.random() < 0.22:
        plan: Plan = [_scrawl(rng)]
        if rng.random() < 0.5:
            plan = [
                *word_plan(_capital_letter(rng), replace(style, capital=style.capital * 1.4), writer, seed, rng)[0],
                *plan,
            ]
    else:
        plan = _letters(rng, style, writer, seed)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15]))):
        plan = _paraph(rng, plan)
    return SignaturePlan(
        plan, float(np.clip(640 * np.exp(rng.normal(0, 0.32)), 230, 1150)), float(rng.normal(0.10, 0.13))
    )
