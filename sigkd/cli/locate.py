"""``sigkd locate``: where are the signatures on these pages?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import DataDir, Json, RegionOption, TemplateOption
from sigkd.cli.output import Table, note_line, show, warning_line
from sigkd.images.formats import LEAST_DPI, MAX_PIXELS, MOST_DPI

if TYPE_CHECKING:
    from sigkd.documents.locations import Locations


@app.command(cls=SigkdCommand)
def locate(
    documents: Annotated[
        list[Path],
        typer.Argument(metavar="DOCUMENT...", help="Images, PDF files (FILE.pdf#page=3: one page), or folders."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the signatures, cut out: DOCUMENT-PAGE-NUMBER.png.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="With --out: their ink alone, at 300 dpi, instead of the page around it.")
    ] = False,
    preview: Annotated[
        Path | None, typer.Option(help="Folder for the pages with their signatures framed: DOCUMENT-PAGE.png.")
    ] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Write one row a signature.")] = None,
    template: TemplateOption = None,
    region: RegionOption = None,
    page: Annotated[int | None, typer.Option(help="Look at this page only.", min=1, show_default="all pages")] = None,
    dpi: Annotated[
        float | None,
        typer.Option(help="Resolution of the pages, instead of what the files state.", min=LEAST_DPI, max=MOST_DPI),
    ] = None,
    least: Annotated[
        float | None, typer.Option(help="Score from which something is a signature.", min=0.05, max=1.0)
    ] = None,
    max_pixels: Annotated[int, typer.Option(help="Largest page that is decoded, in pixels.", min=1)] = MAX_PIXELS,
    data_dir: DataDir = None,
    json_output: Json = False,
) -> None:
    """Find the signatures on cheques, letters, forms, contracts, envelopes, cards; scanned, faxed, photographed or PDF.

    Exit codes: 0 every document (and every region) has a signature, 4 a file cannot be read, 6 something is unsigned.

    Example: sigkd locate contract.pdf --preview pages
    """
    from sigkd.cli.progress import console_progress
    from sigkd.documents.locate import LEAST_SCORE
    from sigkd.documents.locations import COLUMNS, locate_files
    from sigkd.documents.regions import read_regions
    from sigkd.documents.template import find_template
    from sigkd.errors import UsageError
    from sigkd.images.formats import named_images
    from sigkd.paths import data_dir as home
    from sigkd.verification.row_tables import check_table, write_table

    if table is not None:
        check_table(table)
    if clean and out is None:
        raise UsageError("--clean is for what --out FOLDER writes")
    chosen = None if template is None else find_template(home(data_dir), template)
    regions = read_regions(region or [])
    progress = console_progress()
    document = locate_files(
        named_images(documents, progress, documents=True),
        out=out,
        clean=clean,
        preview=preview,
        page=page,
        dpi=dpi,
        template=chosen,
        regions=regions,
        least=least or LEAST_SCORE,
        max_pixels=max_pixels,
        progress=progress,
    )
    if table is not None:
        write_table(table, COLUMNS, document.rows(), texts=("file", "role", "crop", "error"))
    show(document, json_output, _table)
    for reason in document.failed.values():
        warning_line(reason)
    if not json_output:
        for what, folder in (("signatures", out), ("pages", preview)):
            if folder is not None and document.pages:
                note_line(f"{what}: {folder}")
    raise typer.Exit(document.exit_code)


def _table(document: Locations) -> Table:
    table = Table("document", "page", "no.", "role", "score", "left, top, right, bottom in px", "in mm", "size, mm")
    for page in document.pages:
        where = f"{page.page} of {page.pages}" if page.pages > 1 else str(page.page)
        where += f", turned {page.turned}°" if page.turned else ""
        for one in page.signatures:
            left, top, right, bottom = one.box_mm
            mm = f"{left:.0f}, {top:.0f}, {right:.0f}, {bottom:.0f}"
            pixels = ", ".join(map(str, one.box))
            size = f"{right - left:.0f} x {bottom - top:.0f}"
            table.add_row(page.file, where, str(one.number), one.role or "", f"{one.score:.2f}", pixels, mm, size)
        for role in page.unsigned or (() if page.signatures else ("",)):
            table.add_row(page.file, where, "-", role, "unsigned")
    return table
