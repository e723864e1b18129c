"""``sigkd template``: where people sign on documents of one kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import DataDir, Json
from sigkd.cli.output import Table, show
from sigkd.images.formats import LEAST_DPI, MOST_DPI

group = typer.Typer(help="Places to sign on documents of one kind.", no_args_is_help=True)
app.add_typer(group, name="template")


@group.command(cls=SigkdCommand)
def make(
    document: Annotated[Path, typer.Argument(help="A page of the kind, best an empty one (FILE.pdf#page=3).")],
    region: Annotated[
        list[str],
        typer.Option(
            help="Places to sign, [ROLE=]X,Y,WIDTH,HEIGHT from the top left corner: mm, or shares of the page up to 1."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Of the template.", show_default="the file's name")] = None,
    page: Annotated[int, typer.Option(help="Of a file of several pages.", min=1)] = 1,
    dpi: Annotated[
        float | None,
        typer.Option(help="Resolution of the page, instead of what the file states.", min=LEAST_DPI, max=MOST_DPI),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a template of the same name.")] = False,
    data_dir: DataDir = None,
    json_output: Json = False,
) -> None:
    """Make a template of a page: pages of its kind are found by what is printed on them, wherever they lie in a scan.

    Example: sigkd template make cheque.png --region signature=92,44,54,16
    """
    from sigkd.documents.locate import page_dpi
    from sigkd.documents.regions import read_regions
    from sigkd.documents.template import make_template, template_path
    from sigkd.errors import UsageError
    from sigkd.images.formats import split_page
    from sigkd.images.reader import read_file
    from sigkd.images.resolution import given_resolution
    from sigkd.paths import data_dir as home

    title = name or Path(split_page(document)[0]).stem
    path = template_path(home(data_dir), title)
    if path.exists() and not replace:
        raise UsageError(f"{path}: there is a template '{title}': add --replace, or give another --name")
    file = read_file(document, page=page)
    resolution = file.resolution if dpi is None else given_resolution(dpi)
    reckoned = page_dpi(file.rgb if file.has_colour else file.grey, resolution)
    template = make_template(title, file, reckoned, read_regions(region))
    template.save(path)
    said = "" if resolution.known else " (resolution estimated: give --dpi if mm are to be right)"
    roles = ", ".join(place.role for place in template.places)
    width, height = template.size_mm
    show(template, json_output, f"{path}: template '{title}' of {width:.0f} x {height:.0f} mm{said}: {roles}")


@group.command("list", cls=SigkdCommand)
def list_templates(data_dir: DataDir = None, json_output: Json = False) -> None:
    """List the templates in the data directory.

    Example: sigkd template list
    """
    from sigkd.documents.template import Templates, known_templates
    from sigkd.paths import data_dir as home

    def table(document: Templates) -> Table:
        made = Table("template", "page, mm", "role", "left, top, width, height in mm")
        for one in document.templates:
            for number, place in enumerate(one.places):
                size = f"{one.size_mm[0]:.0f} x {one.size_mm[1]:.0f}"
                box = ", ".join(f"{value:g}" for value in place.box_mm)
                made.add_row(*((one.name, size) if number == 0 else ("", "")), place.role, box)
        return made

    show(known_templates(home(data_dir)), json_output, table)


@group.command(cls=SigkdCommand)
def remove(name: Annotated[str, typer.Argument(help="The template.")], data_dir: DataDir = None) -> None:
    """Remove a template.

    Example: sigkd template remove cheque
    """
    from sigkd.cli.output import say
    from sigkd.documents.template import stored_template
    from sigkd.paths import data_dir as home

    path = stored_template(home(data_dir), name)
    path.unlink()
    say(f"{path}: removed")
