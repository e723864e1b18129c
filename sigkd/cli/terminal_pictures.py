"""Pictures inside a terminal: kitty's protocol, iTerm2's, and sixel. Terminals that know none of them show none."""

from __future__ import annotations

import base64
import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sigkd.registry import check_name

if TYPE_CHECKING:
    from PIL import Image

PROTOCOLS = ("kitty", "iterm2", "sixel")
_CHUNK = 4096  # of base64, at most, that kitty's protocol takes at once
_CELL = 9  # pixels of a terminal's column, about
_WIDEST = 1600
_COLOURS = 32
_SIX = 6  # rows of pixels that one line of a sixel picture has
_SIXEL_TERMINALS = ("foot", "mlterm", "contour", "yaft", "sixel")


def protocol(wanted: str = "auto") -> str | None:
    """Return how pictures are shown on standard output; None: not at all.

    Args:
        wanted: one of :data:`PROTOCOLS`, ``none``, or ``auto``: what the environment tells of the terminal.

    Raises:
        UsageError: another word.
    """
    check_name(wanted, ("auto", *PROTOCOLS, "none"), "protocol")
    if wanted != "auto":
        return None if wanted == "none" else wanted
    return _told(os.environ) if sys.stdout.isatty() else None


def _told(environment: Mapping[str, str]) -> str | None:
    """Return what a terminal's environment tells; nothing inside tmux and screen, which swallow pictures."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "TMUX" in environment or term.startswith("screen"):
        return None
    if "KITTY_WINDOW_ID" in environment or "kitty" in term or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm", "mintty") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "sixel" if any(name in term for name in _SIXEL_TERMINALS) else None


def show_picture(picture: Image.Image, how: str) -> None:
    """Write a picture to standard output, as wide as the terminal at most."""
    width = min(shutil.get_terminal_size((100, 24)).columns * _CELL, _WIDEST)
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    encode = {"kitty": _kitty, "iterm2": _iterm2, "sixel": sixel}[how]
    for piece in encode(picture):
        sys.stdout.write(piece)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _kitty(picture: Image.Image) -> Iterator[str]:
    """https://sw.kovidgoyal.net/kitty/graphics-protocol/: PNG (f=100), shown at once (a=T), in pieces (m=1)."""
    content = base64.b64encode(_png(picture)).decode()
    for start in range(0, len(content), _CHUNK):
        head = "a=T,f=100," if start == 0 else ""
        more = int(start + _CHUNK < len(content))
        yield f"\x1b_G{head}m={more};{content[start : start + _CHUNK]}\x1b\\"


def _iterm2(picture: Image.Image) -> Iterator[str]:
    """https://iterm2.com/documentation-images.html."""
    content = _png(picture)
    yield f"\x1b]1337;File=inline=1;size={len(content)}:{base64.b64encode(content).decode()}\x07"


def sixel(picture: Image.Image) -> Iterator[str]:
    """DEC's sixel graphics (EK-PPLV2-PM-B01, chapter 14): a palette, then six rows at a time, a colour after another.

    A byte has the six pixels of a column, ``!N`` repeats it; ``$`` returns to the row's beginning, ``-`` ends it.
    """
    import numpy as np
    from PIL import Image

    indexed = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    palette, pixels = indexed.getpalette() or [], np.asarray(indexed)
    used = np.unique(pixels).tolist()
    yield f'\x1bP0;1q"1;1;{picture.width};{picture.height}'
    for colour in used:
        levels = ";".join(str(round(level * 100 / 255)) for level in palette[3 * colour : 3 * colour + 3])
        yield f"#{colour};2;{levels}"
    weights = 1 << np.arange(_SIX)
    for top in range(0, pixels.shape[0], _SIX):
        band = pixels[top : top + _SIX]
        for colour in np.unique(band).tolist():
            codes = (weights[: len(band), None] * (band == colour)).sum(axis=0)
            ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
            runs = zip(codes[ends - 1].tolist(), np.diff(ends, prepend=0).tolist(), strict=True)
            yield f"#{colour}" + "".join(_repeated(chr(63 + code), count) for code, count in runs) + "$"
        yield "-"
    yield "\x1b\\"


def _repeated(letter: str, count: int) -> str:
    return letter * count if count < 4 else f"!{count}{letter}"
