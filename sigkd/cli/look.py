"""``sigkd look``: how scans are read, step by step, and whether they can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json
from sigkd.cli.output import Table, note_line, show
from sigkd.errors import ExitCode
from sigkd.images.formats import LEAST_DPI, MOST_DPI

if TYPE_CHECKING:
    from sigkd.images.looks import Looks
    from sigkd.images.reading import Step
    from sigkd.images.scan import Scan


@app.command(cls=SigkdCommand)
def look(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Scans of signatures.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for one picture a scan: every step, and what was taken away, in colour.")
    ] = None,
    dpi: Annotated[
        float | None,
        typer.Option(help="Resolution of the scans, instead of what the files state.", min=LEAST_DPI, max=MOST_DPI),
    ] = None,
    page: Annotated[int, typer.Option(help="Page of multi-page TIFF files.", min=1)] = 1,
    json_output: Json = False,
) -> None:
    """Read scans as verify does and show how: resolution, what was taken away, measures, remarks.

    Exits with 4 if any of them cannot be read or is no signature.

    Example: sigkd look query.png --out steps
    """
    from sigkd.errors import ImageError
    from sigkd.files import atomic_path
    from sigkd.images.explain import explain
    from sigkd.images.looks import Looks, look_at
    from sigkd.images.refusal import NotASignatureError, reason_against
    from sigkd.images.scan import read_scan

    looks = []
    for number, path in enumerate(images):
        picture = None if out is None else out / f"{_stem(path, images[:number])}.png"
        scan: Scan | None = None
        steps: tuple[Step, ...] = ()
        refused: ImageError | None = None
        try:
            scan = read_scan(path, dpi=dpi, page=page, explain=out is not None, judge=False)
            steps, refused = scan.steps, reason_against(scan.measures)
        except NotASignatureError as error:
            steps, refused = error.steps, error
        except ImageError as error:
            refused = error
        if picture is not None and steps:
            sheet = explain(steps, scan.measures if scan else None, str(refused or ""))
            picture.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(picture) as temporary:
                sheet.save(temporary, format="PNG")
        looks.append(look_at(path, scan, refused, picture if steps else None))
    show(Looks(scans=looks), json_output, _table)
    for one in looks:
        if one.picture and not json_output:
            note_line(f"picture: {one.picture}")
    if any(one.refused for one in looks):
        raise typer.Exit(ExitCode.INPUT)


def _stem(path: Path, before: list[Path]) -> str:
    """Return the file's stem, numbered where an earlier file has the same."""
    same = sum(other.stem == path.stem for other in before)
    return path.stem if not same else f"{path.stem}-{same + 1}"


def _table(document: Looks) -> Table:
    table = Table("scan", "signature", "dpi", "stroke", "taken away", "remarks")
    for one in document.scans:
        refused = None if one.refused is None else Text(f"no: {one.refused.message}", "red")
        if one.measures is None or one.resolution is None:
            table.add_row(str(one.file), refused)
            continue
        m = one.measures
        size = f"{m.width:.0f} x {m.height:.0f} mm"
        dpi = f"{m.dpi:.0f} ({one.resolution.source})"
        taken = f"lines {m.lines:.0%}, print {m.print:.0%}"
        remarks = "; ".join(remark.text for remark in one.remarks)
        table.add_row(str(one.file), refused or size, dpi, f"{m.stroke:.2f} mm", taken, remarks)
    return table
