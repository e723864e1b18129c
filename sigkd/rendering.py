"""What the HTML reports are made with: templates that escape every value, and pictures inside the file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigkd.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_html(path: Path, template: Path, facts: dict[str, Any]) -> None:
    """Fill a template as :func:`html_page` does and write the page, atomically."""
    write_text(path, html_page(template, facts))


def html_page(template: Path, facts: dict[str, Any]) -> str:
    """Return a template of this package filled with facts; see :func:`html_parts`."""
    return "".join(html_parts(template, facts))


def html_parts(template: Path, facts: dict[str, Any]) -> Iterator[str]:
    """Yield a template of this package filled with facts, part by part: a long page is never whole in memory.

    The files beside the template with the suffixes ``.css`` and ``.js`` are ``style`` and ``script`` in it, to be
    marked safe there; the filter ``base64`` encodes bytes. A name that the template uses and ``facts`` lacks is an
    error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    for name, suffix in (("style", ".css"), ("script", ".js")):
        beside = template.with_suffix(suffix)
        if beside.is_file():
            environment.globals[name] = beside.read_text(encoding="utf-8")
    yield from environment.get_template(template.name).generate(facts)
    yield "\n"


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
