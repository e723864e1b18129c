"""Pictures that are not a signature: what people send by mistake, and what a program takes for one by mistake."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import cv2
import numpy as np

from sigkd.registry import Registry
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.documents.make import make_document
from sigkd.synthesis.documents.page import Page
from sigkd.synthesis.documents.pictures import bar_code, logo, portrait
from sigkd.synthesis.documents.specimens import Specimen, made_up_specimen
from sigkd.synthesis.marks import CAPTIONS, any_figures, smooth_noise

Maker = Callable[[np.random.Generator, float], Scan]
NEGATIVES: Registry[Maker] = Registry("kind of picture")


def not_a_signature(kind: str, seed: int = 0, number: int = 0, *, dpi: float = 300.0) -> Scan:
    """Return a made-up picture that is not one signature; the same arguments give the same one.

    Args:
        kind: one of :data:`NEGATIVES`.
        seed: of everything.
        number: of the picture.
        dpi: resolution of the scan.

    Raises:
        UsageError: an unknown kind.
    """
    maker = NEGATIVES.get(kind)
    return maker(np.random.default_rng([seed, zlib.crc32(kind.encode()), number]), dpi)


def _page(rng: np.random.Generator, dpi: float, width: float = 85, height: float = 35) -> Page:
    """Return an empty sheet of about the size of a crop."""
    size = rng.uniform(0.7, 1.3, 2)
    return Page(width * size[0], height * size[1], dpi, rng, lambda person: None, bool(rng.random() < 0.5))


def _document(kind: str) -> None:
    def maker(rng: np.random.Generator, dpi: float) -> Scan:
        return make_document(kind, int(rng.integers(1 << 30)), signed=False, dpi=dpi).scan

    NEGATIVES.register(f"unsigned-{kind}")(maker)


for _kind in ("letter", "cheque", "form", "contract", "envelope", "card"):
    _document(_kind)


@NEGATIVES.register("signed-page")
def signed_page(rng: np.random.Generator, dpi: float) -> Scan:
    """A whole document, with its signatures."""
    kind = ("letter", "cheque", "form", "contract")[int(rng.integers(4))]
    return make_document(kind, int(rng.integers(1 << 30)), signed=True, dpi=dpi).scan


@NEGATIVES.register("several-signatures")
def several_signatures(rng: np.random.Generator, dpi: float) -> Scan:
    """Two to four signatures of different people on one crop."""

    def sign(person: int) -> Specimen:
        return made_up_specimen(int(rng.integers(1 << 24)), person, colour=page.colour)

    page = _page(rng, dpi, 100, 60)
    page.signer = sign
    rows = int(rng.integers(1, 3))
    for place in range(2 * rows):
        page.sign_here(
            5 + place % 2 * page.width / 2, 4 + place // 2 * page.height / rows, page.width / 2 - 10,
            page.height / rows - 8, on_line=False,
        )  # fmt: skip
    return page.scan()


@NEGATIVES.register("blank")
def blank(rng: np.random.Generator, dpi: float) -> Scan:
    """Paper, now and then with grain that is coarse."""
    return _page(rng, dpi).scan()


@NEGATIVES.register("empty-box")
def empty_box(rng: np.random.Generator, dpi: float) -> Scan:
    """The field of a form that nobody signed, with or without its caption."""
    page = _page(rng, dpi)
    if rng.random() < 0.6:
        page.box(4, 4, page.width - 8, page.height - 8, rng.uniform(0.15, 0.6))
    else:
        page.line(4, page.height - 8, page.width - 4, page.height - 8, rng.uniform(0.15, 0.4))
    if rng.random() < 0.6:
        page.text(6, page.height - 4.5 if rng.random() < 0.5 else 8, CAPTIONS[int(rng.integers(len(CAPTIONS)))], 7)
    return page.scan()


@NEGATIVES.register("printed-line")
def printed_line(rng: np.random.Generator, dpi: float) -> Scan:
    """A line of print: a caption, a name, a heading."""
    page = _page(rng, dpi, 80, 18)
    page.text(4, page.height / 2 + 2, page.name() if rng.random() < 0.5 else page.words(24), rng.uniform(9, 22))
    return page.scan()


@NEGATIVES.register("printed-text")
def printed_text(rng: np.random.Generator, dpi: float) -> Scan:
    """Some lines of print."""
    page = _page(rng, dpi)
    page.paragraph(4, 7, page.width - 8, int((page.height - 8) / 5), 10)
    return page.scan()


@NEGATIVES.register("figures")
def figures(rng: np.random.Generator, dpi: float) -> Scan:
    """A date or an amount by hand."""
    page = _page(rng, dpi, 60, 22)
    page.writer = int(rng.integers(1 << 24))
    page.write(5, page.height * 0.6, any_figures(rng), rng.uniform(4, 8), room=page.width - 8)
    return page.scan()


@NEGATIVES.register("logo")
def emblem(rng: np.random.Generator, dpi: float) -> Scan:
    """An emblem, with or without a company's name."""
    page = _page(rng, dpi, 70, 30)
    side = min(page.height - 6, 28)
    page.picture(3, 3, *logo(page.down(side), rng, page.head))
    if rng.random() < 0.6:
        page.text(side + 6, page.height / 2 + 3, page.name().split()[1], 20, font=page.head)
    return page.scan()


@NEGATIVES.register("portrait")
def faces(rng: np.random.Generator, dpi: float) -> Scan:
    """A photo of one or two people."""
    high, wide = round(40 * dpi / 25.4), round(32 * dpi / 25.4)
    photo = np.concatenate([portrait(high, wide, rng) for _ in range(int(rng.integers(1, 3)))], axis=1)
    return _photo(photo, rng, dpi)


@NEGATIVES.register("landscape")
def landscape(rng: np.random.Generator, dpi: float) -> Scan:
    """A photo of hills under a sky."""
    height, width = round(45 * dpi / 25.4), round(60 * dpi / 25.4)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky, haze = rng.uniform(140, 240, 3), rng.uniform(190, 250, 3)
    image = np.broadcast_to(sky * (1 - y) + haze * y, (height, width, 3)).astype(np.float32)
    image = image + 8 * smooth_noise((height, width), width / 12, rng)[..., None]
    for layer in range(4):
        ridge = (0.35 + 0.15 * layer + 0.05 * smooth_noise((1, width), width / (6 + 4 * layer), rng)[0]) * height
        ground = np.array([rng.uniform(60, 120), rng.uniform(80, 135), rng.uniform(40, 110)]) * (1 - 0.15 * layer)
        mask = np.arange(height)[:, None] > ridge[None, :]
        grass = ground + 14 * smooth_noise((height, width), 2.0 + 3 * layer, rng)[..., None]
        image = np.where(mask[..., None], grass, image)
    return _photo(np.clip(image, 0, 255).astype(np.uint8), rng, dpi)


def _photo(image: np.ndarray, rng: np.random.Generator, dpi: float) -> Scan:
    if rng.random() < 0.5:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return Scan(image, (dpi, dpi), None, {"picture": np.full(image.shape[:2], 255, np.uint8)})


@NEGATIVES.register("blobs")
def blobs(rng: np.random.Generator, dpi: float) -> Scan:
    """Stains and blots."""
    page = _page(rng, dpi)
    shape = page.image.shape[:2]
    field = smooth_noise(shape, page.down(rng.uniform(1.0, 4.0)), rng)
    edge = np.quantile(field[::4, ::4], rng.uniform(0.75, 0.93))
    stain = (np.clip((field - edge) * 6, 0, 1) * 255).astype(np.uint8)
    page.put(stain, 0, 0, int(rng.integers(20, 120)), "stain")
    return page.scan()


@NEGATIVES.register("stamp")
def stamp_alone(rng: np.random.Generator, dpi: float) -> Scan:
    """A rubber stamp."""
    page = _page(rng, dpi, 60, 45)
    page.stamp(page.width / 2, page.height / 2)
    return page.scan()


@NEGATIVES.register("code")
def code(rng: np.random.Generator, dpi: float) -> Scan:
    """A bar code or a square one."""
    page = _page(rng, dpi, 60, 30)
    high = page.height - 8
    page.picture(4, 4, bar_code(page.down(high), page.down(high if rng.random() < 0.5 else page.width - 8), rng))
    return page.scan()


@NEGATIVES.register("pattern")
def pattern(rng: np.random.Generator, dpi: float) -> Scan:
    """Security print, or an empty table."""
    page = _page(rng, dpi)
    if rng.random() < 0.5:
        page.security_print(0, 0, page.width, page.height)
    else:
        for row in range(1, 5):
            page.line(0, page.height * row / 5, page.width, page.height * row / 5, 0.2)
        for column in range(1, 4):
            page.line(page.width * column / 4, 0, page.width * column / 4, page.height, 0.2)
    return page.scan()


@NEGATIVES.register("dark")
def dark(rng: np.random.Generator, dpi: float) -> Scan:
    """An empty scanner with its lid open, or a lens behind a finger."""
    shape = (round(35 * dpi / 25.4), round(80 * dpi / 25.4))
    image = rng.uniform(5, 60) + 8 * smooth_noise(shape, shape[0] / 3, rng) + rng.normal(0, 2, shape)
    return Scan(np.clip(image, 0, 255).astype(np.uint8), (dpi, dpi))
