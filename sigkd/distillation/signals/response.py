"""The response of a teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sigkd.distillation.signals import Seen, Signal


@dataclass(frozen=True)
class Response(Signal):
    """The 2048-element response, float32 [B, 2048]."""

    name: ClassVar[str] = "response"

    def compute(self, seen: Seen) -> dict[str, Tensor]:
        """Return the response of the look."""
        return {"response": seen.taps.response}

    def unpack(self, arrays: Mapping[str, Tensor]) -> Tensor:
        """Return float32 [B, 2048]."""
        return arrays["response"]
