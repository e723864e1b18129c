"""Templates: where people sign on documents of one kind, tied to the marks that are printed on them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from sigkd.documents.detector import DETECTOR_DPI, evened, find_signatures
from sigkd.documents.regions import Rectangle, Region
from sigkd.documents.registration import count_features
from sigkd.documents.upright import evened_at, how_turned
from sigkd.errors import ImageError, InputError, UsageError
from sigkd.images.ink_network import INK, NETWORK_DPI, kinds_of_ink
from sigkd.images.reader import ImageFile
from sigkd.images.resolution import MM_PER_INCH
from sigkd.images.scale import resized
from sigkd.json_documents import JsonDocument
from sigkd.registry import nearest

U8 = npt.NDArray[np.uint8]

FOLDER = "templates"
"""In the data directory."""
_NAME = re.compile(r"[\w][\w .-]{0,79}")
_LEAST_FEATURES = 60


@dataclass(frozen=True)
class TemplateRegion:
    """A place for a signature on a template."""

    role: str
    box_mm: tuple[float, float, float, float]
    """Left, top, width, height."""


class Template(JsonDocument, format="sigkd-template", version=1):
    """A kind of documents: its printed marks, and where people sign."""

    name: str
    size_mm: tuple[float, float]
    """Width and height."""
    places: tuple[TemplateRegion, ...]
    picture: str
    """The printed marks at 75 dpi: a PNG in base64, grey, places and whatever a pen wrote left white."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """The places for signatures."""
        return tuple(Region(place.role, place.box_mm) for place in self.places)

    def marks(self) -> U8:
        """Return the printed marks, uint8 [H, W] at 75 dpi.

        Raises:
            InputError: the picture is damaged.
        """
        try:
            content = np.frombuffer(base64.b64decode(self.picture, validate=True), np.uint8)
            marks = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
        except (binascii.Error, cv2.error):
            marks = None
        if marks is None:
            raise InputError(f"template '{self.name}': its picture is damaged: make it again")
        return np.asarray(marks, np.uint8)


@dataclass(frozen=True)
class KnownTemplate:
    """A template in the data directory."""

    name: str
    size_mm: tuple[float, float]
    places: tuple[TemplateRegion, ...]


class Templates(JsonDocument, format="sigkd-templates", version=1):
    """What ``sigkd template list`` prints."""

    templates: tuple[KnownTemplate, ...]


def known_templates(data: Path) -> Templates:
    """Return the templates in the data directory.

    Raises:
        InputError: one is damaged.
    """
    read = [Template.read(data / FOLDER / f"{name}.json") for name in template_names(data)]
    return Templates(templates=tuple(KnownTemplate(one.name, one.size_mm, one.places) for one in read))


def make_template(name: str, file: ImageFile, dpi: tuple[float, float], regions: Sequence[Region]) -> Template:
    """Return the template of a page; the page is best an empty form.

    Args:
        name: letters, digits, spaces, ``.``, ``-`` and ``_``.
        file: the page, upright or turned by 90 degrees.
        dpi: its resolution (across, down).
        regions: on the page as a person looks at it, upright.

    Raises:
        UsageError: a bad name, no regions, or one beyond the page; ImageError: too little is printed on the page.
    """
    check_template_name(name)
    if not regions:
        raise UsageError("a template needs at least one `region`: [ROLE=]X,Y,WIDTH,HEIGHT")
    raw = file.rgb if file.has_colour else file.grey
    picture = evened(resized(raw, (DETECTOR_DPI / dpi[0], DETECTOR_DPI / dpi[1])))
    turn = how_turned(raw, dpi, find_signatures(picture, 1.0).turns)
    marks = _without_pen(picture, evened_at(raw, dpi, NETWORK_DPI))
    if turn:
        marks = np.ascontiguousarray(np.rot90(marks, -turn))
    size = tuple(side / DETECTOR_DPI * MM_PER_INCH for side in marks.shape[::-1])
    places = []
    for region in regions:
        left, top, right, bottom = region.in_mm((size[0], size[1]))
        if right > size[0] + 0.5 or bottom > size[1] + 0.5:
            raise UsageError(f"`region` {region.role}: goes beyond the page of {size[0]:.0f} x {size[1]:.0f} mm")
        places.append(TemplateRegion(region.role, (left, top, right - left, bottom - top)))
        edges = [round(edge / MM_PER_INCH * DETECTOR_DPI) for edge in (left, top, right, bottom)]
        marks[edges[1] : edges[3], edges[0] : edges[2]] = 255
    if count_features(marks) < _LEAST_FEATURES:
        raise ImageError(f"{file.name}: too little is printed on the page to find it again: use `region` alone")
    encoded = base64.b64encode(cv2.imencode(".png", marks)[1].tobytes()).decode("ascii")
    return Template(
        name=name, size_mm=(round(size[0], 2), round(size[1], 2)),
        places=tuple(TemplateRegion(one.role, _rounded(one.box_mm)) for one in places), picture=encoded,
    )  # fmt: skip


def _rounded(box: Rectangle) -> Rectangle:
    left, top, width, height = (round(value, 2) for value in box)
    return left, top, width, height


def _without_pen(picture: U8, large: U8) -> U8:
    """Return the page [H, W] at 75 dpi, what a pen wrote (as the page at 150 dpi shows) left white: it is no mark."""
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) if picture.ndim == 3 else picture.copy(), np.uint8)
    ink = (kinds_of_ink(large).argmax(axis=0) == INK).astype(np.uint8)
    ink = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    grey[cv2.resize(ink, grey.shape[::-1], interpolation=cv2.INTER_AREA) > 0] = 255
    return grey


def check_template_name(name: str) -> None:
    """Refuse a name that could not be a file's.

    Raises:
        UsageError: it has other characters than letters, digits, spaces, ``.``, ``-`` and ``_``, or is too long.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"template '{name}': a name has up to 80 letters, digits, spaces, '.', '-' and '_'")


def template_path(data: Path, name: str) -> Path:
    """Return the file of a template in the data directory."""
    check_template_name(name)
    return data / FOLDER / f"{name}.json"


def template_names(data: Path) -> list[str]:
    """Return the names of the templates in the data directory."""
    folder = data / FOLDER
    return sorted(path.stem for path in folder.glob("*.json")) if folder.is_dir() else []


def find_template(data: Path, name: str) -> Template:
    """Return a template by its name, or by the path of its file.

    Raises:
        InputError: there is none, or the file is damaged.
    """
    path = Path(name)
    if path.suffix.lower() == ".json":
        return Template.read(path)
    return Template.read(stored_template(data, name))


def stored_template(data: Path, name: str) -> Path:
    """Return the file of a template that is in the data directory.

    Raises:
        InputError: there is none of this name; the message lists those that there are.
    """
    path = template_path(data, name)
    if not path.is_file():
        known = template_names(data)
        listed = f" Known: {', '.join(known)}." if known else " There are none yet."
        raise InputError(
            f"no template '{name}'.{nearest(name, known)}{listed} 'sigkd template make PAGE --name {name} --region "
            "X,Y,WIDTH,HEIGHT' makes one"
        )
    return path
