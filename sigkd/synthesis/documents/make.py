"""Documents from seeds: which layout, whose signatures, how it is scanned."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sigkd.errors import UsageError
from sigkd.registry import nearest
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.documents.layouts import LAYOUTS, Layout
from sigkd.synthesis.documents.page import Field, Page, Signer
from sigkd.synthesis.documents.specimens import Specimen, made_up_specimen, scanned_specimen
from sigkd.synthesis.fonts import Font, Split

_WRITERS = 1 << 24
_EMPTY_SHARE = 0.1


@dataclass(frozen=True)
class Document:
    """A made-up document."""

    scan: Scan
    """The page and its truth: see :func:`~sigkd.synthesis.disturbances.scan.signature_boxes`."""
    layout: Layout
    fields: tuple[Field, ...]
    """The places for signatures, signed or not."""


def kinds(split: Split | None = None) -> list[str]:
    """Return the kinds of documents that have layouts on this side of the split."""
    entries = [LAYOUTS.get(name) for name in LAYOUTS]
    return list(dict.fromkeys(entry.kind for entry in entries if split in (None, entry.split)))


def make_document(
    kind: str,
    seed: int = 0,
    number: int = 0,
    *,
    signatures: Sequence[Scan] | None = None,
    signed: bool | None = None,
    split: Split | None = None,
    fonts: tuple[Font, ...] | None = None,
    dpi: float = 300.0,
    colour: bool | None = None,
) -> Document:
    """Return a made-up document; the same arguments give the same one.

    Args:
        kind: a kind (cheque, letter ...: one of its layouts is drawn) or the name of a layout.
        seed: of everything.
        number: of the document.
        signatures: scans of signatures on plain paper, set in this order, in their size, into the fields; fields beyond
            their number stay empty. None: writers who do not exist sign.
        signed: whether the fields are signed; None: nine of ten are.
        split: only layouts and fonts for training, or only held-out ones.
        fonts: typefaces to print with; None: :func:`sigkd.synthesis.fonts.shipped_fonts`.
        dpi: resolution of the scan.
        colour: whether it is scanned in colour; None: one of two.

    Raises:
        UsageError: an unknown kind or layout, or one without layouts on this side of the split.
    """
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
    chosen = _layout(kind, split, rng)
    in_colour = bool(rng.random() < 0.5) if colour is None else colour
    signer = _made_up(rng.spawn(1)[0], in_colour, signed) if signatures is None else _given(signatures)
    page = Page(
        chosen.width, chosen.height, dpi, rng, signer, in_colour, split,
        natural=signatures is not None, writer=int(rng.integers(_WRITERS)), fonts=fonts,
    )  # fmt: skip
    chosen.draw(page)
    return Document(page.scan(), chosen, tuple(page.fields))


def _layout(kind: str, split: Split | None, rng: np.random.Generator) -> Layout:
    entries = [LAYOUTS.get(name) for name in LAYOUTS]
    fitting = [entry for entry in entries if kind in (entry.kind, entry.name) and split in (None, entry.split)]
    if not fitting:
        names = [*kinds(split), *(entry.name for entry in entries if split in (None, entry.split))]
        side = f" for {split}" if split else ""
        raise UsageError(f"no document '{kind}'{side}.{nearest(kind, names)} Known: {', '.join(names)}")
    return fitting[int(rng.integers(len(fitting)))]


def _made_up(rng: np.random.Generator, colour: bool, signed: bool | None) -> Signer:
    """Return a signer: every person on the page is another made-up writer."""
    first = int(rng.integers(_WRITERS))
    times: dict[int, int] = {}

    def sign(person: int) -> Specimen | None:
        empty = rng.random() < _EMPTY_SHARE
        if signed is False or (signed is None and empty):
            return None
        times[person] = times.get(person, -1) + 1
        return made_up_specimen(first + person, times[person], colour=colour)

    return sign


def _given(signatures: Sequence[Scan]) -> Signer:
    rest = list(signatures)

    def sign(person: int) -> Specimen | None:
        return scanned_specimen(rest.pop(0)) if rest else None

    return sign
