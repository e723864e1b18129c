"""A sheet to print, write and sign on, in millimetres, that keeps the truth of what is where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from sigkd.synthesis.disturbances.scan import FIELDS, NUMBERS, POINTS_PER_INCH, PRESENT, Scan
from sigkd.synthesis.disturbances.surface import blend, multiply
from sigkd.synthesis.documents.specimens import Specimen
from sigkd.synthesis.fonts import Font, Split, choose_font, text_coverage, text_rise
from sigkd.synthesis.handwriting import handwriting
from sigkd.synthesis.marks import (
    MM_PER_INCH,
    SECURITY_TINTS,
    STAMP_INKS,
    U8,
    Tone,
    draw_lines,
    guilloche,
    luminance,
    seal_impression,
)
from sigkd.synthesis.render import Paper, random_paper, texture
from sigkd.synthesis.writer import made_up_word

Signer = Callable[[int], Specimen | None]
"""Gives the next signature of a person on the page (0, 1, ...), or None: the field stays empty."""

_LARGEST_OVERRUN = 1.5
"""How many times as high as its field a signature may be before its writer writes smaller."""


@dataclass(frozen=True)
class Field:
    """A place for a signature."""

    role: str
    """Who signs there: ``signature``, ``second signature``, ``witness``, ``specimen`` ..."""
    number: int
    """Its value in the layer ``field``."""
    signature: int
    """The signature's value in the layer ``number``; 0: unsigned."""
    scale: float
    """How much smaller than usual it is written there; 1: as usual."""


@dataclass
class Page:
    """A sheet under the hands of a layout. Lengths are in mm from the top left corner; texts stand on a baseline."""

    width: float
    height: float
    dpi: float
    rng: np.random.Generator
    signer: Signer
    colour: bool = False
    split: Split | None = None
    natural: bool = False
    """Signatures keep their size, whatever the field."""
    writer: int = 0
    """Whose hand fills in the page."""
    fonts: tuple[Font, ...] | None = None
    fields: list[Field] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = (self.down(self.height), self.down(self.width))
        self.paper: Paper = _office_paper(self.rng)
        grain = (np.arange(256) - 128) * (self.paper.fibre / 64.0) + self.paper.white
        sheet = cv2.LUT(texture(2, shape, self.rng), np.clip(np.rint(grain), 0, 255).astype(np.uint8))
        self.image: U8 = np.asarray(cv2.cvtColor(sheet, cv2.COLOR_GRAY2RGB) if self.colour else sheet, np.uint8)
        self.layers: dict[str, U8] = {}
        self.font = choose_font(self.rng, self.fonts, self.split)
        self.head = choose_font(self.rng, self.fonts, self.split)
        self.black = int(self.rng.integers(10, 60))
        self.pen: Tone = (20, 35, 125) if self.colour and self.rng.random() < 0.6 else int(self.rng.integers(15, 60))

    def down(self, mm: float) -> int:
        """Return a length in whole pixels."""
        return round(mm * self.dpi / MM_PER_INCH)

    def layer(self, name: str) -> U8:
        """Return a layer of the truth, to be written into."""
        if name not in self.layers:
            self.layers[name] = np.zeros(self.image.shape[:2], np.uint8)
        return self.layers[name]

    def tone(self, colour: Tone) -> Tone:
        """Return a colour as this page can show it."""
        return colour if self.colour or isinstance(colour, int) else luminance(colour)

    def put(self, coverage: U8, left: int, top: int, tone: Tone, layer: str, truth: U8 | None = None) -> None:
        """Print coverage with its corner at a pixel; what lies beyond the sheet is lost.

        ``truth``: what the layer gets, where that is not the coverage.
        """
        height, width = self.image.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + coverage.shape[1], width), min(top + coverage.shape[0], height)
        if x0 >= x1 or y0 >= y1:
            return
        inner = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        place = (slice(y0, y1), slice(x0, x1))
        self.image[place] = multiply(self.image[place], coverage[inner], self.tone(tone))
        kept = self.layer(layer)[place]
        np.maximum(kept, (coverage if truth is None else truth)[inner], out=kept)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        points: float = 9.0,
        *,
        font: Font | None = None,
        align: float = 0.0,
        tone: Tone | None = None,
    ) -> float:
        """Print a line on baseline ``y`` and return its width; ``align``: 0 begins at ``x``, 0.5 centred, 1 ends."""
        face, pixels = font or self.font, points * self.dpi / POINTS_PER_INCH
        if not face.writes(text):
            text = text.encode("ascii", "ignore").decode()
        coverage = text_coverage(text, face, pixels)
        left = self.down(x) - round(align * coverage.shape[1])
        top = self.down(y) - text_rise(text, face, pixels)
        self.put(coverage, left, top, self.black if tone is None else tone, "print")
        return float(coverage.shape[1] * MM_PER_INCH / self.dpi)

    def paragraph(self, x: float, y: float, width: float, lines: int, points: float = 10.0) -> float:
        """Print lines of made-up words, the last one shorter; return the baseline for what follows."""
        face = self.font.size(points * self.dpi / POINTS_PER_INCH)
        pitch = points * 0.3528 * 1.3
        for line in range(lines):
            room = self.down(width) * (self.rng.uniform(0.3, 0.8) if line == lines - 1 else 1.0)
            text = made_up_word(self.rng, 3, 8)
            text = text.capitalize() if line == 0 else text
            while True:
                longer = f"{text} {made_up_word(self.rng, 1, 10)}"
                if face.getlength(longer) > room:
                    break
                text = longer
            self.text(x, y, text, points)
            y += pitch
        return y

    def words(self, letters: int, *, capital: bool = True) -> str:
        """Return made-up words of about so many letters in all."""
        text = made_up_word(self.rng, 3, 8)
        while len(text) < letters - 3:
            text += " " + made_up_word(self.rng, 1, 10)
        return text.capitalize() if capital else text

    def name(self) -> str:
        """Return a made-up name."""
        return f"{made_up_word(self.rng, 3, 7).capitalize()} {made_up_word(self.rng, 4, 10).capitalize()}"

    def line(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        thickness: float = 0.2,
        *,
        dash: tuple[float, float] | None = None,
        tone: Tone | None = None,
    ) -> None:
        """Print a straight line."""
        room = thickness + 0.5
        left, top = self.down(min(x0, x1) - room), self.down(min(y0, y1) - room)
        shape = (self.down(abs(y1 - y0) + 2 * room), self.down(abs(x1 - x0) + 2 * room))
        unit = self.dpi / MM_PER_INCH
        ends = (x0 * unit - left, y0 * unit - top, x1 * unit - left, y1 * unit - top)
        coverage = draw_lines(shape, (self.dpi, self.dpi), [ends], thickness, dash)
        self.put(coverage, left, top, self.black if tone is None else tone, "line")

    def box(self, x: float, y: float, width: float, height: float, thickness: float = 0.2) -> None:
        """Print a frame."""
        for ends in ((x, y, x + width, y), (x, y + height, x + width, y + height),
                     (x, y, x, y + height), (x + width, y, x + width, y + height)):  # fmt: skip
            self.line(*ends, thickness)

    def comb(self, x: float, y: float, cells: int, pitch: float = 5.0, height: float = 7.0, text: str = "") -> None:
        """Print a row of cells and write block letters into them."""
        self.box(x, y, cells * pitch, height)
        short = y if self.rng.random() < 0.5 else y + 0.6 * height
        for cell in range(1, cells):
            self.line(x + cell * pitch, short, x + cell * pitch, y + height, 0.12)
        for cell, letter in enumerate(text[:cells]):
            if letter != " ":
                ink = handwriting(letter, height * 0.6, (self.dpi, self.dpi), self.rng, self.writer)
                wide, high = ink.shape[1], ink.shape[0]
                left = self.down(x + (cell + 0.5) * pitch) - wide // 2
                self.put(ink, left, self.down(y + 0.85 * height) - high, self.pen, "handwriting")

    def shaded(self, x: float, y: float, width: float, height: float, tone: Tone = 215) -> None:
        """Print a tinted area."""
        full = np.full((self.down(height), self.down(width)), 255, np.uint8)
        self.put(full, self.down(x), self.down(y), tone, "background")

    def security_print(self, x: float, y: float, width: float, height: float) -> None:
        """Print a pattern of fine waves."""
        waves = guilloche((self.down(height), self.down(width)), (self.dpi, self.dpi), self.rng)
        waves = np.asarray(waves * self.rng.uniform(0.25, 0.7), np.uint8)
        tint = SECURITY_TINTS[int(self.rng.integers(len(SECURITY_TINTS)))]
        self.put(waves, self.down(x), self.down(y), tint, "background")

    def stamp(self, x: float, y: float) -> None:
        """Stamp, centred at a place."""
        seal = seal_impression((self.dpi, self.dpi), self.rng, self.rng.uniform(0.35, 0.9), self.split)
        ink = STAMP_INKS[int(self.rng.integers(len(STAMP_INKS)))]
        self.put(seal, self.down(x) - seal.shape[1] // 2, self.down(y) - seal.shape[0] // 2, ink, "stamp")

    def write(self, x: float, y: float, text: str, height: float = 4.0, *, room: float = 1e3) -> None:
        """Fill in by hand on baseline ``y``; ``height`` is of figures and capitals; smaller where room is short."""
        ink = handwriting(text, height, (self.dpi, self.dpi), self.rng, self.writer)
        if ink.shape[1] > self.down(room):
            ink = handwriting(
                text, height * self.down(room) / ink.shape[1], (self.dpi, self.dpi), self.rng, self.writer
            )
        self.put(ink, self.down(x), self.down(y) - round(0.85 * ink.shape[0]), self.pen, "handwriting")

    def picture(self, x: float, y: float, image: U8, alpha: U8 | None = None) -> None:
        """Print a picture, uint8 [h, w] or [h, w, 3], in place of the paper; ``alpha`` 0: the paper stays."""
        if image.ndim == 3 and not self.colour:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if image.ndim == 2 and self.colour:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        mask = np.full(image.shape[:2], 255, np.uint8) if alpha is None else alpha
        left, top = self.down(x), self.down(y)
        place = (slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1]))
        part = self.image[place]
        mask, image = mask[: part.shape[0], : part.shape[1]], image[: part.shape[0], : part.shape[1]]
        self.image[place] = blend(part, image, mask)
        kept = self.layer("picture")[place]
        np.maximum(kept, mask, out=kept)

    def sign_here(
        self, x: float, y: float, width: float, height: float, role: str = "signature", *, person: int | None = None,
        on_line: bool = True,
    ) -> None:  # fmt: skip
        """Keep a place for a signature and have it signed.

        Args:
            x: left side.
            y: upper side.
            width: of the place.
            height: of the place; its lower side is the line to sign on, where there is one.
            role: who signs.
            person: who it is among the page's people; None: the next one.
            on_line: whether it stands on the lower side, else it is in the middle.
        """
        number = len(self.fields) + 1
        self.layer(FIELDS)[self.down(y) : self.down(y + height), self.down(x) : self.down(x + width)] = number
        specimen = self.signer(number - 1 if person is None else person)
        signature, scale = 0, 1.0
        if specimen is not None:
            signature = max((entry.signature for entry in self.fields), default=0) + 1
            scale = self._sign(specimen, (x, y, width, height), signature, on_line)
        self.fields.append(Field(role, number, signature, scale))

    def _sign(self, specimen: Specimen, place: tuple[float, float, float, float], number: int, on_line: bool) -> float:
        """Lay a signature on the page and return its scale: where there is room, and over no other signature."""
        x, y, width, height = place
        wide = specimen.coverage.shape[1] * MM_PER_INCH / specimen.dpi[0]
        high = specimen.coverage.shape[0] * MM_PER_INCH / specimen.dpi[1]
        largest = min(self.width * 0.95 / wide, self.height * 0.95 / high)
        if not self.natural:
            largest = min(largest, 1.1 * width / wide, _LARGEST_OVERRUN * height / high)
        scale = min(1.0, largest)
        others = self.layer(NUMBERS)
        for attempt in range(6):
            ink = specimen.at((self.dpi, self.dpi), scale)
            rows, columns = ink.coverage.shape
            free = max(self.down(width) - columns, 0)
            left = self.down(x) + int(self.rng.uniform(0, 1) * free) - max(columns - self.down(width), 0) // 2
            if on_line:
                top = self.down(y + height) - round(rows * self.rng.uniform(0.7, 0.95))
            else:
                top = self.down(y + height / 2) - round(rows * self.rng.uniform(0.4, 0.6))
            left = int(np.clip(left, 0, self.image.shape[1] - columns))
            top = int(np.clip(top, 0, self.image.shape[0] - rows))
            window = others[top : top + rows, left : left + columns]
            mask = ink.presence > PRESENT
            if not (window[mask] > 0).any():
                break
            if attempt >= 2 and not self.natural:
                scale *= 0.85
        self.put(ink.coverage, left, top, ink.tone, "signature", ink.presence)
        self._number(mask, left, top, number)
        return float(scale)

    def _number(self, mask: NDArray[np.bool_], left: int, top: int, number: int) -> None:
        """Number a signature's ink and half a millimetre around it, so that it may grow; others keep their own."""
        reach = self.down(0.5)
        grown = np.pad(mask.astype(np.uint8), reach)
        near = cv2.dilate(grown, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
        layer = np.pad(self.layer(NUMBERS), reach)
        window = layer[top : top + near.shape[0], left : left + near.shape[1]]
        window[near & (window == 0)] = number
        window[grown > 0] = number
        self.layers[NUMBERS] = layer[reach:-reach, reach:-reach] if reach else layer

    def scan(self) -> Scan:
        """Return the scanned page with its truth, softened and with the scanner's noise."""
        image = cv2.GaussianBlur(self.image, (0, 0), max(self.paper.blur * self.dpi / 400, 0.4))
        noise = (np.arange(256) - 127.5) * (self.paper.noise / 74.0)
        grain = texture(0, (self.image.shape[0], self.image.shape[1]), self.rng)
        up, lower = (cv2.LUT(grain, np.rint(np.maximum(sign * noise, 0)).astype(np.uint8)) for sign in (1, -1))
        if self.colour:
            up, lower = cv2.merge([up] * 3), cv2.merge([lower] * 3)
        image = cv2.subtract(cv2.add(image, up), lower)
        dpi = (self.dpi, self.dpi)
        return Scan(np.asarray(image, np.uint8), dpi, dpi, self.layers, self.split)


def _office_paper(rng: np.random.Generator) -> Paper:
    """Draw a sheet: nearly all office paper is white."""
    paper = random_paper(rng)
    return paper if rng.random() < 0.35 else replace(paper, white=int(rng.integers(246, 255)), fibre=paper.fibre / 2)


def choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    """Draw one of some texts."""
    return options[int(rng.integers(len(options)))]
