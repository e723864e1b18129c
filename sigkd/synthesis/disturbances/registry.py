"""The table of disturbances, their levels, and how both are written: ``line``, ``shade=0.4``, ``line+shade=0.4``."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sigkd.errors import UsageError
from sigkd.json_documents import JsonDocument
from sigkd.registry import Registry
from sigkd.synthesis.disturbances.scan import Scan

Function = Callable[[Scan, float, np.random.Generator], Scan]


@dataclass(frozen=True)
class Level:
    """What may be set."""

    unit: str
    """mm, dpi, degrees, share of what, ..."""
    default: float
    low: float
    high: float


@dataclass(frozen=True)
class KnownDisturbance:
    """A disturbance that there is."""

    name: str
    family: str
    """The module that holds it: lines, light, ink, ..."""
    summary: str
    level: Level | None
    """Null: there is nothing to set."""


class DisturbanceList(JsonDocument, format="sigkd-disturbances", version=1):
    """What ``sigkd disturb --list`` prints."""

    disturbances: list[KnownDisturbance]


class DisturbedScans(JsonDocument, format="sigkd-disturbed-scans", version=1):
    """What ``sigkd disturb`` prints."""

    files: list[Path]
    sheet: Path | None


@dataclass(frozen=True)
class Disturbance:
    """One thing that happens to scans, at a level in a physical unit."""

    name: str
    summary: str
    """What it does, as a phrase."""
    level: Level | None
    """Unit, default and range of its level; None where there is nothing to set."""
    family: str
    """The module that holds it: lines, light, ink, ..."""
    function: Function

    @property
    def default(self) -> float:
        """The level where none is given."""
        return self.level.default if self.level else 1.0

    def __call__(self, scan: Scan, level: float | None = None, rng: np.random.Generator | int = 0) -> Scan:
        """Return the disturbed scan.

        Args:
            scan: what to disturb; it is left as it is.
            level: within the range; None: the default.
            rng: source of the random choices, or a seed.
        """
        strength = self.check(self.default if level is None else level)
        return self.function(scan, strength, np.random.default_rng(rng))

    def check(self, level: float) -> float:
        """Return the level.

        Raises:
            UsageError: if it is outside of the range.
        """
        if self.level and not self.level.low <= level <= self.level.high:
            span = f"{self.level.low:g} and {self.level.high:g} {self.level.unit}"
            raise UsageError(f"{self.name}={level:g}: the level must lie between {span}")
        return level


@dataclass(frozen=True)
class Chain:
    """Disturbances one after the other, each at its level: one row of a table of disturbances."""

    steps: tuple[tuple[Disturbance, float], ...]

    @property
    def name(self) -> str:
        """As it is written: ``line+shade=0.4``; a default level is left out."""
        return "+".join(step.name if level == step.default else f"{step.name}={level:g}" for step, level in self.steps)

    @property
    def summary(self) -> str:
        """What it does, with the levels."""
        return ", ".join(
            f"{step.summary} ({level:g} {step.level.unit})" if step.level else step.summary
            for step, level in self.steps
        )

    def __call__(self, scan: Scan, seed: int = 0, *numbers: int) -> Scan:
        """Return the disturbed scan; the same seed and numbers (of writer, signature ...) give the same picture."""
        for step, level in self.steps:
            # by name, so that a step draws the same whatever stands before it
            scan = step(scan, level, np.random.default_rng([seed, zlib.crc32(step.name.encode()), *numbers]))
        return scan


DISTURBANCES: Registry[Disturbance] = Registry("disturbance")


def disturbance(name: str, summary: str, level: Level | None = None) -> Callable[[Function], Function]:
    """Return the decorator that registers a function of (scan, level, random generator) as a disturbance."""

    def decorate(function: Function) -> Function:
        family = function.__module__.rpartition(".")[2]
        DISTURBANCES.register(name)(Disturbance(name, summary, level, family, function))
        return function

    return decorate


def all_disturbances() -> list[Disturbance]:
    """Return every registered disturbance in order of registration: family by family, compositions last."""
    return [DISTURBANCES.get(name) for name in DISTURBANCES]


def parse_chain(text: str) -> Chain:
    """Read ``NAME[=LEVEL][+NAME[=LEVEL]...]``.

    Raises:
        UsageError: an unknown name (the message has the nearest one), or a level that is no number or out of range.
    """
    steps = []
    for part in text.split("+"):
        name, equals, value = part.strip().partition("=")
        entry = DISTURBANCES.get(name)
        if equals and entry.level is None:
            raise UsageError(f"{part}: {name} has no level")
        try:
            level = float(value) if equals else entry.default
        except ValueError:
            raise UsageError(f"{part}: '{value}' is not a number") from None
        steps.append((entry, entry.check(level)))
    return Chain(tuple(steps))


def parse_chains(texts: Iterable[str]) -> list[Chain]:
    """Read several chains; ``all`` stands for every disturbance at its default level.

    Raises:
        UsageError: as :func:`parse_chain`.
    """
    chains: list[Chain] = []
    for text in texts:
        if text == "all":
            chains += [Chain(((entry, entry.default),)) for entry in all_disturbances()]
        else:
            chains.append(parse_chain(text))
    return chains
