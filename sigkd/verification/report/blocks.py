"""What a report is made of: blocks of plain text and pictures, which a page or a PDF file shows in its own way.

No text has markup, so that a name from outside can never become any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Picture:
    """An encoded picture."""

    content: bytes
    """PNG or JPEG."""
    width: int
    height: int
    """In pixels."""

    @property
    def kind(self) -> str:
        """Its media type."""
        return "image/png" if self.content.startswith(b"\x89PNG") else "image/jpeg"


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str
    page: bool = False
    """Whether it starts a page in print."""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str
    soft: bool = False
    """An explanation rather than a result."""
    strong: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: Sequence[str]


@dataclass(frozen=True)
class Notes:
    """What qualifies the answer."""

    title: str
    items: Sequence[str]


@dataclass(frozen=True)
class Answer:
    """The answer."""

    kind: str
    """``accepted``, ``rejected``, ``inconclusive``, ``copy`` or ``refused``."""
    word: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Rows:
    """Names with their values."""

    rows: Sequence[tuple[str, str]]
    hashes: bool = False
    """Whether long hexadecimal values are among them."""


@dataclass(frozen=True)
class Table:
    """Columns under their titles; the first is of names."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[tuple[int, int]] = frozenset()
    """Row and column of cells that stand out."""
    lengthy: bool = False
    """Whether the cells are texts rather than numbers."""


@dataclass(frozen=True)
class Figure:
    """A picture with its caption."""

    picture: Picture
    caption: str
    alt: str


@dataclass(frozen=True)
class Figures:
    """Pictures side by side, so many a row; a row stays together."""

    figures: Sequence[Figure]
    columns: int = 3
    together: bool = False
    """Whether the pictures of a row belong to each other also where a screen is narrow."""


@dataclass(frozen=True)
class Signing:
    """Lines to sign on."""

    labels: Sequence[str]


Block: TypeAlias = Heading | Paragraph | Bullets | Notes | Answer | Rows | Table | Figures | Signing


@dataclass(frozen=True)
class Document:
    """A whole report."""

    language: str
    title: str
    subtitle: str
    running: str
    """What stands on every page."""
    page_of: str
    """With places for ``page`` and ``pages``."""
    author: str
    blocks: Sequence[Block]
