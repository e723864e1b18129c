"""One self-contained HTML file with tables, figures, protocol and hashes: no network, sortable, printable."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sigkd.evaluation import tables
from sigkd.evaluation.plots.draw import figures
from sigkd.evaluation.plots.style import THEMES, save_figure, themed
from sigkd.files import write_text
from sigkd.progress import SILENT, Progress

STYLE = Path(__file__).with_name("report.css")
SCRIPT = Path(__file__).with_name("report.js")


def html_table(grid: tables.Grid) -> str:
    """Return a grid as an HTML table whose columns sort at a click."""
    head = "".join(
        f'<th scope="col"{"" if place else " class=first"}><button type="button">{escape(column)}</button></th>'
        for place, column in enumerate(grid.columns)
    )
    lines = [f'<figure class="table"><table><caption>{escape(grid.title)}</caption>']
    lines.append(f"<thead><tr>{head}</tr></thead><tbody>")
    for row in grid.rows:
        cells = []
        for cell in row:
            value = "" if cell.value is None else f' data-value="{cell.value!r}"'
            best = ' class="best"' if cell.best else ""
            below = f"<small>{escape(cell.below)}</small>" if cell.below else ""
            cells.append(f"<td{value}{best}>{escape(cell.text)}{below}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    notes = "".join(f"<li>{escape(note)}</li>" for note in grid.notes)
    lines.append(f"</tbody></table>{f'<figcaption><ul>{notes}</ul></figcaption>' if notes else ''}</figure>")
    return "\n".join(lines)


def _facts(document: dict[str, Any]) -> str:
    """Return protocol, hashes and versions as definition lists."""

    def block(title: str, facts: dict[str, Any]) -> str:
        rows = "".join(
            f"<dt>{escape(str(key))}</dt><dd>{escape(_text(value))}</dd>" for key, value in facts.items() if value != ""
        )
        return f"<section class=facts><h3>{escape(title)}</h3><dl>{rows}</dl></section>"

    general = {**document["protocol"], "splits": document["splits"], "seed": document["seed"], **document["bootstrap"]}
    blocks = [block("Protocol", general)]
    blocks += [block(f"Dataset {name}", _without_lists(facts)) for name, facts in document["datasets"].items()]
    blocks += [block(f"Model {name or '?'}", _without_lists(facts)) for name, facts in document["models"].items()]
    splits = {f"{e['dataset']}, {e['nref']} references": e["split_hash"] for e in document["results"]}
    trials = {
        f"{e['dataset']}, {e['nref']} references": ", ".join(f"{n} {kind}" for kind, n in e["trials"].items() if n)
        for e in document["results"]
    }
    blocks += [block("Trials of one split", trials), block("Splits (SHA-256)", splits)]
    return "".join([*blocks, block("Versions", document["versions"])])


def _without_lists(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if not isinstance(value, dict | list) or key == "recipe"}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_report(
    path: Path, document: dict[str, Any], *, data: Path | None = None, progress: Progress = SILENT
) -> None:
    """Write the report, atomically.

    Args:
        path: the HTML file.
        document: completed results (see :func:`sigkd.evaluation.output.finish`).
        data: home of the prepared datasets, for the pictures of the worst errors.
        progress: where the work is reported.
    """
    names = ", ".join(document["datasets"])
    title = f"Signature verification: {names}"
    drawn = _figures(document, data, progress)
    body = "\n".join(html_table(grid) for grid in tables.result_grids(document))
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>
<p>{escape(_summary(document))}</p>
<button type="button" id="theme" class="noprint">Light / dark</button></header>
<main>
<section><h2>Results</h2>
{body}
</section>
<section><h2>Figures</h2>
<div class="plots">
{"".join(drawn)}</div>
</section>
<section><h2>How it was measured</h2>
<div class="columns">{_facts(document)}</div>
</section>
</main>
<footer>sigkd {escape(document["versions"]["sigkd"])}; every score is in results.json.</footer>
<script>
{SCRIPT.read_text(encoding="utf-8")}</script>
</body>
</html>
"""
    write_text(path, page)


def _summary(document: dict[str, Any]) -> str:
    entries = document["results"]
    models = len({entry["model"] for entry in entries})
    best = min(entries, key=lambda entry: float(entry["eer_global"]["mean"]))
    return (
        f"{models} {'model' if models == 1 else 'models'}, protocol '{document['protocol']['name']}', "
        f"{document['splits']} splits. Lowest EER with one threshold for all writers: "
        f"{100 * best['eer_global']['mean']:.2f} % ({best['model']} on {best['dataset']}, {best['nref']} references)."
    )


def _figures(document: dict[str, Any], data: Path | None, progress: Progress) -> Sequence[str]:
    chosen = list(figures(document, data, progress))
    drawn = []
    with TemporaryDirectory() as folder, progress.task("figures", total=len(chosen), unit="figures") as task:
        for drawing in chosen:
            images = []
            for theme in THEMES.values():
                with themed(theme):
                    figure = drawing.draw(theme)
                    if figure is None:
                        break
                    (path,) = save_figure(figure, Path(folder) / f"{drawing.name}-{theme.name}", ("svg",))
                picture = base64.b64encode(path.read_bytes()).decode()
                source = f"data:image/svg+xml;base64,{picture}"
                images.append(f'<img class="{theme.name}" alt="{escape(drawing.caption)}" src="{source}">')
            if images:
                caption = escape(drawing.caption)
                drawn.append(f'<figure class="plot">{"".join(images)}<figcaption>{caption}</figcaption></figure>\n')
            task.advance()
    return drawn
