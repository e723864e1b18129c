"""The loader that all signature datasets share: a layout says how paths are read, this module scans and checks."""

from __future__ import annotations

import filecmp
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from sigkd.errors import DatasetError
from sigkd.images.canvas import CANVAS
from sigkd.images.formats import natural, search
from sigkd.paths import path_text
from sigkd.registry import Registry

Kind = Literal["genuine", "skilled", "simple"]
KINDS: tuple[Kind, ...] = ("genuine", "skilled", "simple")
"""In the order of their codes in ``yforg``: 0, 1, 2."""


@dataclass(frozen=True)
class SignatureRecord:
    """One signature of a dataset on disk."""

    path: Path
    writer: str
    kind: Kind
    """For a forgery, ``writer`` is the one whose signature is imitated."""
    number: str = ""
    """Which of the writer's signatures it is, where the file's name says so."""
    dpi: float | None = None
    """The scan's resolution, where a table states it."""


@dataclass(frozen=True)
class Defaults:
    """References and test signatures of one writer in an evaluation (Table 3 of the paper where it has the dataset)."""

    references: int = 5
    test_genuine: int = 10
    test_skilled: int = 10


@dataclass
class SignatureSet:
    """The signatures of a dataset on disk: by writer, then genuine, skilled, simple, then file, in natural order."""

    name: str
    root: Path
    records: list[SignatureRecord]
    canvas: tuple[int, int]
    defaults: Defaults
    missing: list[str] = field(default_factory=list)
    """What a complete set would have besides: ``writer 7: genuine 3, 12``."""
    left_out: int = 0
    """Images of writers that do not belong to the set (by its definition)."""
    passed: dict[str, list[str]] = field(default_factory=dict)
    """Why other files below the root were passed over, and which."""

    @property
    def writers(self) -> list[str]:
        """The writers' names in their order."""
        return list(dict.fromkeys(record.writer for record in self.records))

    @property
    def fingerprint(self) -> str:
        """SHA-256 by which the same scans are known again, wherever they lie: of writer, kind, number and size of each.

        Raises:
            DatasetError: a file cannot be read.
        """
        try:
            # By size, not content: the scans of a large set are not read twice for it.
            each = sorted(f"{one.writer}/{one.kind}/{one.number}/{one.path.stat().st_size}" for one in self.records)
        except OSError as error:
            raise DatasetError(f"{error.filename}: {error.strerror}") from error
        return hashlib.sha256("\n".join(each).encode()).hexdigest()

    def file_of(self, record: SignatureRecord) -> str:
        """Return the name of a record's file inside of the set, with ``/``."""
        return path_text(record.path.relative_to(self.root) if record.path.is_relative_to(self.root) else record.path)


@dataclass(frozen=True)
class Layout:
    """How a dataset lies on disk.

    The patterns are regular expressions over a file's path inside of the root (with ``/``, without the suffix, any
    letter case, at any depth) with the groups ``writer`` and, where names are numbered, ``number``.
    """

    title: str
    """What the dataset is, in a line."""
    shape: str
    """What the root holds, for messages."""
    source: str
    """Where to get it."""
    genuine: str = ""
    skilled: str = ""
    simple: str = ""
    numbers: Mapping[Kind, range | int] = field(default_factory=dict)
    """What a complete writer has of each kind: the file numbers, or how many where numbers are not certain."""
    writers: range | int | None = None
    """Numbers of the writers, or how many there are at least; others do not belong to the set."""
    highest_writer: int | None = None
    """Writers with a higher number do not belong to the set."""
    canvas: tuple[int, int] = CANVAS
    """Canvas that the paper uses for every set, pixels."""
    largest: tuple[int, int] | None = None
    """Canvas on which the set's largest signature fits, pixels."""
    defaults: Defaults = field(default_factory=Defaults)
    subsets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Writers set apart in advance, by the subset's name: ``choose`` to choose by, ``report`` to report on."""

    def scan(self, root: Path, *, documents: bool = False) -> SignatureSet:
        """Read every path under ``root``; nothing is opened.

        Args:
            root: the set's folder.
            documents: take PDF files, too: signatures are looked for on their pages.

        Raises:
            DatasetError: if no image is in the layout, or one signature is there twice.
        """
        below = search(root, documents=documents)
        found: list[SignatureRecord] = []
        left_out, strange = 0, []
        for path in below.images:
            record = self.record(path, root)
            if record is None:
                strange.append(path_text(path.relative_to(root)))
            elif self._belongs(record.writer):
                found.append(record)
            else:
                left_out += 1
        if not found:
            raise DatasetError(f"{root}: no signature in this layout; the root should hold {self.shape}")
        refuse_doubles(found, root)
        records = sorted(found, key=record_order)
        missing, passed = list(self._missing(records)), dict(below.others)
        if strange:
            passed["no signature by its place and name"] = strange
        return SignatureSet("", root, records, self.canvas, self.defaults, missing, left_out, passed)

    @cached_property
    def _patterns(self) -> list[tuple[Kind, re.Pattern[str]]]:
        return [
            # At any depth: archives are unpacked with a folder around them, or two.
            (kind, re.compile(rf"(?:^|.*/){pattern}$", re.IGNORECASE))
            for kind, pattern in zip(KINDS, (self.genuine, self.skilled, self.simple), strict=True)
            if pattern
        ]

    def record(self, path: Path, root: Path) -> SignatureRecord | None:
        """Return the signature that a file is by its place and name; None: it is none of this layout."""
        inside = path.relative_to(root).with_suffix("").as_posix()
        for kind, pattern in self._patterns:
            if match := pattern.match(inside):
                number = match.groupdict().get("number") or ""
                # In capitals: collections write one writer as a and as A.
                return SignatureRecord(path, path_text(match["writer"].upper()), kind, number)
        return None

    def _belongs(self, writer: str) -> bool:
        number = re.search(r"\d+$", writer)
        if number is None:
            return True
        if isinstance(self.writers, range) and int(number[0]) not in self.writers:
            return False
        return self.highest_writer is None or int(number[0]) <= self.highest_writer

    def _missing(self, records: list[SignatureRecord]) -> Iterator[str]:
        """Yield what lacks for a complete set, by writer."""
        numbers: dict[str, dict[Kind, list[str]]] = defaultdict(lambda: {kind: [] for kind in KINDS})
        for record in records:
            numbers[record.writer][record.kind].append(record.number)
        if isinstance(self.writers, range):
            present = {int(writer) for writer in numbers if writer.isdigit()}
            if absent := [number for number in self.writers if number not in present]:
                yield f"writer{'s' * (len(absent) > 1)} {ranges(absent)}"
        elif isinstance(self.writers, int) and len(numbers) < self.writers:
            yield f"{self.writers - len(numbers)} of {self.writers} writers"
        for writer, by_kind in numbers.items():
            lacks = [f"{kind} {lack}" for kind in KINDS if (lack := _lacking(by_kind[kind], self.numbers.get(kind)))]
            if lacks:
                yield f"writer {writer}: {', '.join(lacks)}"


DATASETS: Registry[Layout] = Registry("dataset")
"""Every layout by the name that ``--dataset`` takes."""


def record_order(record: SignatureRecord) -> tuple[object, int, object]:
    """Return the sorting key of a record: writer, kind, file."""
    return natural(record.writer), KINDS.index(record.kind), natural(record.path.as_posix())


def refuse_doubles(records: Iterable[SignatureRecord], root: Path) -> None:
    """Raise DatasetError if a signature is there more than once: the set lies under the root twice.

    It is one where the numbers are the same, or without numbers, the names and the contents.
    """
    seen: dict[tuple[str, Kind, int | str], Path] = {}
    for record in records:
        number = int(record.number) if record.number else record.path.name.casefold()
        key = record.writer.casefold(), record.kind, number
        other = seen.setdefault(key, record.path)
        if other is not record.path and (record.number or filecmp.cmp(other, record.path, shallow=False)):
            first, second = (path.relative_to(root).as_posix() for path in (other, record.path))
            raise DatasetError(
                f"{root}: writer {record.writer}'s signature is there twice: {first} and {second}; where a set was "
                "unpacked twice, name one of its folders"
            )


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers in short: ``1-3, 7``."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _lacking(present: list[str], expected: range | int | None) -> str:
    if isinstance(expected, int):
        return f"({expected - len(present)} of {expected})" if len(present) < expected else ""
    if expected is None:
        return ""
    counts = Counter(int(number) for number in present)
    return ranges(number for number in expected if number not in counts)
