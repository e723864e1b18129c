"""``sigkd disturb``: what scanners, forms and telephones do to a signature, to look at or to test with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json, Seed, disturbances
from sigkd.cli.output import Table, show
from sigkd.errors import UsageError

if TYPE_CHECKING:
    from sigkd.synthesis.disturbances import Scan
    from sigkd.synthesis.disturbances.registry import DisturbanceList

_COLUMNS, _CELL = 6, (220, 330)


@app.command(cls=SigkdCommand)
def disturb(
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="IMAGE...", help="Scans; without any, a made-up signature.")
    ] = None,
    chains: Annotated[
        list[str] | None,
        disturbances("--with", about="each for itself; NAME+NAME: one after the other; all: every one", default="all"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the disturbed scans: IMAGE-NAME.png.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write all of them on one picture, to look at.")] = None,
    suffix: Annotated[str, typer.Option(help="Format of the scans in --out: png, jpg or tif.")] = "png",
    dpi: Annotated[
        float | None,
        typer.Option(help="Resolution of scans whose file does not state it.", min=30, max=2400, show_default="300"),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the disturbances with their levels.")] = False,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Do to scans what happens to them: another resolution, lines, stamps, shade, blur, fax, telephone.

    Levels are in physical units (mm, dpi, degrees, shares of light or ink); the same seed gives the same pictures.

    Example: sigkd disturb signature.png --with line shade=0.4 line+fax --out disturbed
    """
    from sigkd.synthesis.disturbances import parse_chains
    from sigkd.synthesis.disturbances.files import write_scan
    from sigkd.synthesis.disturbances.registry import DisturbedScans

    if listed:
        _list(json)
        return
    if out is None and sheet is None:
        raise UsageError("say where the pictures go: --out FOLDER, --sheet FILE.png, or both (--list names them all)")
    asked = parse_chains(chains or ["all"])
    done, files = [], []
    for number, (stem, scan) in enumerate(_scans(images or [], dpi, seed)):
        for chain in asked:
            result = chain(scan, seed, number)
            done.append((f"{stem} {chain.name}" if len(images or []) > 1 else chain.name, result))
            if out is not None:
                files.append(out / f"{stem}-{chain.name}.{suffix.lstrip('.')}")
                write_scan(files[-1], result)
    if sheet is not None:
        from sigkd.images.sheet import contact_sheet, write_picture

        write_picture(
            contact_sheet([scan.image for _, scan in done], [name for name, _ in done], _COLUMNS, _CELL), sheet
        )
    written = "\n".join(map(str, [*files, *([sheet] if sheet else [])]))
    show(DisturbedScans(files=files, sheet=sheet), json, written)


def _scans(images: list[Path], dpi: float | None, seed: int) -> list[tuple[str, Scan]]:
    """Read the scans; without any, make one up."""
    from sigkd.evaluation.disturb_files import PRESUMED_DPI, scan_of
    from sigkd.images.reader import read_file
    from sigkd.synthesis import signature_image
    from sigkd.synthesis.disturbances import Scan

    if not images:
        return [("made-up", Scan(signature_image(7, 0, seed=seed), (400.0, 400.0), (400.0, 400.0)))]
    scans = []
    for path in images:
        file = read_file(path)
        scans.append((path.stem, scan_of(file, file.resolution, dpi or PRESUMED_DPI)))
    return scans


def _list(json: bool) -> None:
    from sigkd.synthesis.disturbances import all_disturbances
    from sigkd.synthesis.disturbances.registry import DisturbanceList, KnownDisturbance

    entries = all_disturbances()
    found = [KnownDisturbance(entry.name, entry.family, entry.summary, entry.level) for entry in entries]
    show(DisturbanceList(disturbances=found), json, _table)


def _table(document: DisturbanceList) -> Table:
    table = Table("name", "default", "range", "unit of the level", "what it does")
    for one in document.disturbances:
        level = one.level
        span = (f"{level.default:g}", f"{level.low:g} to {level.high:g}", level.unit) if level else ("", "", "")
        table.add_row(one.name, *span, one.summary)
    return table
