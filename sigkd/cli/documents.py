"""``sigkd documents``: made-up documents that carry signatures, with the truth of what is where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json, Seed, disturbances
from sigkd.cli.output import show
from sigkd.errors import UsageError

_COLUMNS, _CELL = 6, (330, 330)


@app.command(cls=SigkdCommand)
def documents(
    out: Annotated[Path, typer.Option(help="Folder for the pages: KIND-NUMBER.png and .json.", show_default=False)],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Kinds (cheque, form ...) or layouts (cheque-line ...).", show_default="every kind"),
    ] = None,
    count: Annotated[int, typer.Option(help="How many of each.", min=1)] = 4,
    chains: Annotated[
        list[str] | None,
        disturbances("--with", about="each page gets the next of them; page-photo, fax, turn+jpeg", default="none"),
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Leave every place for a signature empty.")] = False,
    split: Annotated[
        str | None, typer.Option(help="Only layouts and fonts of one side: training or held-out.", show_default="both")
    ] = None,
    font: Annotated[
        list[Path] | None,
        typer.Option(help="Font files or folders to print with.", show_default="those in matplotlib and Pillow"),
    ] = None,
    dpi: Annotated[float, typer.Option(help="Resolution of the pages.", min=50, max=1200)] = 300.0,
    masks: Annotated[bool, typer.Option("--masks", help="Also write a mask of every kind of mark.")] = False,
    sheet: Annotated[Path | None, typer.Option(help="Write all of them on one picture, to look at.")] = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Make up cheques, letters, forms, contracts, envelopes and cards that are filled in and signed by hand.

    Beside each page lies what is on it: places for signatures, and the box of each signature's ink.

    Example: sigkd documents --kind cheque form --with page-photo fax --out documents --sheet documents.png
    """
    import numpy as np
    from PIL import Image

    from sigkd.images.sheet import contact_sheet, write_picture
    from sigkd.synthesis.disturbances import parse_chains
    from sigkd.synthesis.documents import kinds, make_document
    from sigkd.synthesis.documents.files import MadeUpDocuments, WrittenPage, write_document
    from sigkd.synthesis.fonts import font_files

    side: Any = split
    if side not in (None, "training", "held-out"):
        raise UsageError(f"--split {side}: training or held-out is expected")
    asked = parse_chains(chains or [])
    fonts = font_files(font) if font else None
    signed = False if unsigned else None
    made: list[WrittenPage] = []
    small = []
    for name in kind or kinds(side):
        for number in range(count):
            document = make_document(name, seed, number, signed=signed, split=side, fonts=fonts, dpi=dpi)
            scan = asked[len(made) % len(asked)](document.scan, seed, len(made)) if asked else document.scan
            path = out / f"{name}-{number + 1:04d}.png"
            made.append(WrittenPage(path, write_document(path, document, scan, masks=masks)))
            if sheet is not None:
                picture = Image.fromarray(scan.image)
                picture.thumbnail(_CELL)
                small.append(np.asarray(picture))
    if sheet is not None:
        write_picture(contact_sheet(small, [page.file.stem for page in made], _COLUMNS, _CELL), sheet)
    signatures = sum(len(page.labels.signatures) for page in made)
    places = sum(len(page.labels.fields) for page in made)
    text = f"{len(made)} documents with {signatures} signatures in {places} places: {out}"
    show(MadeUpDocuments(documents=made, sheet=sheet), json, text)
