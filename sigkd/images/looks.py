"""What ``sigkd look`` tells of scans."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sigkd.images.remarks import Remark
from sigkd.images.scan import Scan
from sigkd.images.scan_facts import ReckonedResolution
from sigkd.images.scan_measures import ScanMeasures
from sigkd.json_documents import JsonDocument


@dataclass(frozen=True)
class Refusal:
    """Why a scan cannot be compared."""

    reason: str
    """Fixed, for programs."""
    message: str


@dataclass(frozen=True)
class TakenStep:
    """A step of the reading."""

    name: str
    did: str
    """What it did, for people."""


@dataclass(frozen=True)
class Look:
    """How a scan was read."""

    file: Path
    refused: Refusal | None
    picture: Path | None
    """Of every step, where it was asked for."""
    resolution: ReckonedResolution | None = None
    """Null, as what follows, where the scan cannot be read."""
    box: tuple[int, int, int, int] | None = None
    """Of the ink in the scan's pixels: first row, end row, first column, end column (ends exclusive)."""
    measures: ScanMeasures | None = None
    remarks: tuple[Remark, ...] = ()
    steps: tuple[TakenStep, ...] = ()


class Looks(JsonDocument, format="sigkd-looks", version=1):
    """What ``sigkd look`` prints."""

    scans: list[Look]


def look_at(path: Path, scan: Scan | None, refused: Exception | None, picture: Path | None) -> Look:
    """Return what is told of a scan that was read, refused, or both."""
    refusal = None
    if refused is not None:
        refusal = Refusal(getattr(refused, "reason", "unreadable"), str(refused).removeprefix(f"{path}: "))
    if scan is None:
        return Look(path, refusal, picture)
    resolution = ReckonedResolution(*scan.dpi, scan.resolution.source)
    steps = tuple(TakenStep(step.name, step.did) for step in scan.steps)
    return Look(path, refusal, picture, resolution, scan.box, scan.measures, scan.remarks, steps)
