"""``sigkd look``: how scans are read, step by step, and whether they can be compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sigkd.cli.app import app
from sigkd.cli.command import SigkdCommand
from sigkd.cli.options import Json
from sigkd.errors import ExitCode

if TYPE_CHECKING:
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
        typer.Option(help="Resolution of the scans, instead of what the files state.", min=60, max=2500),
    ] = None,
    page: Annotated[int, typer.Option(help="Page of multi-page TIFF files.", min=1)] = 1,
    json_output: Json = False,
) -> None:
    """Read scans as verify does and show how: resolution, what was taken away, measures, remarks.

    Exits with 4 if any of them cannot be read or is no signature.

    Example: sigkd look query.png --out steps
    """
    from sigkd.cli.output import print_json
    from sigkd.errors import ImageError
    from sigkd.files import atomic_path
    from sigkd.images.explain import explain
    from sigkd.images.refusal import NotASignatureError, reason_against
    from sigkd.images.scan import read_scan

    rows = []
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
        rows.append(_row(path, scan, refused, picture if steps else None))
    if json_output:
        print_json({"scans": rows})
    else:
        _render(rows)
    if any(row["refused"] for row in rows):
        raise typer.Exit(ExitCode.INPUT)


def _stem(path: Path, before: list[Path]) -> str:
    """Return the file's stem, numbered where an earlier file has the same."""
    same = sum(other.stem == path.stem for other in before)
    return path.stem if not same else f"{path.stem}-{same + 1}"


def _row(path: Path, scan: Scan | None, refused: Exception | None, picture: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    row: dict[str, Any] = {"file": str(path), "refused": None, "picture": str(picture) if picture else None}
    if refused is not None:
        message = str(refused).removeprefix(f"{path}: ")
        row["refused"] = {"reason": getattr(refused, "reason", "unreadable"), "message": message}
    if scan is not None:
        row |= {
            "resolution": {"x": scan.dpi[0], "y": scan.dpi[1], "source": scan.resolution.source},
            "box": list(scan.box),
            "measures": asdict(scan.measures),
            "remarks": [asdict(remark) for remark in scan.remarks],
            "steps": [{"name": step.name, "did": step.did} for step in scan.steps],
        }
    return row


def _render(rows: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from sigkd.cli.output import note_line, print_table

    table = Table("scan", "signature", "dpi", "stroke", "taken away", "remarks")
    for row in rows:
        name = escape(Path(row["file"]).name)
        refused = row["refused"]
        if "measures" not in row:
            table.add_row(name, f"[red]no: {escape(refused['message'])}[/red]")
            continue
        m = row["measures"]
        size = f"{m['width']:.0f} x {m['height']:.0f} mm"
        resolution = row["resolution"]
        known = f"{m['dpi']:.0f} ({resolution['source']})"
        taken = f"lines {m['lines']:.0%}, print {m['print']:.0%}"
        remarks = "; ".join(remark["text"] for remark in row["remarks"])
        answer = size if refused is None else f"[red]no: {escape(refused['message'])}[/red]"
        table.add_row(name, answer, known, f"{m['stroke']:.2f} mm", taken, escape(remarks))
    print_table(table)
    for row in rows:
        if row["picture"]:
            note_line(f"picture: {row['picture']}")
