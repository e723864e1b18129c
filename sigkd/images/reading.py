"""The steps in which a scan is read, and what each reports."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Step:
    """One step of the chain."""

    name: str
    did: str
    """What it did, for people."""
    picture: U8 | None = None
    """How the scan looks after it, uint8 [H, W]; only where asked for."""
    taken: U8 | None = None
    """Which pixels of it were taken away (not 0), uint8 [H, W]; only where asked for."""


@dataclass
class Log:
    """The steps so far; pictures are kept only where asked for."""

    explain: bool
    steps: list[Step] = field(default_factory=list)

    def add(self, name: str, did: str, picture: U8 | None = None, taken: U8 | None = None) -> None:
        """Report a step."""
        kept = (picture, taken) if self.explain else (None, None)
        self.steps.append(Step(name, did, *kept))


@dataclass(frozen=True)
class Ground:
    """What the ink is on."""

    bright: float
    """Brightness of the paper where it is brightest, grey levels."""
    uneven: float
    """Mean difference of the brightness from that some mm around, as a share of it."""
    outside: float
    """Share of the picture that is beyond the paper."""
    blot: float
    """Square mm of dark areas, wider than any stroke, within the paper."""
