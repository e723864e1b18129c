"""What the HTML reports are made with: templates that escape every value, and pictures inside the file."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sigkd.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_html(path: Path, template: Path, facts: dict[str, Any]) -> None:
    """Fill a template of this package and write the page, atomically.

    The files beside the template with the suffixes ``.css`` and ``.js`` are ``style`` and ``script`` in it, to be
    marked safe there. A name that the template uses and ``facts`` lacks is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name, suffix in (("style", ".css"), ("script", ".js")):
        beside = template.with_suffix(suffix)
        if beside.is_file():
            environment.globals[name] = beside.read_text(encoding="utf-8")
    write_text(path, environment.get_template(template.name).render(facts) + "\n")


def png_address(image: NDArray[np.uint8]) -> str:
    """Return an image, uint8 [H, W] or [H, W, 3], as a data address."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def svg_address(figure: Figure) -> str:
    """Return a figure as a data address; the same figure gives the same bytes."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "sigkd"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def new_figure(width: float = 6.4, height: float = 4.6, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Any]]:
    """Return a figure without pyplot (nothing is kept, nothing needs a screen) and its axes row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())
