"""One self-contained HTML file with tables, figures, protocol and hashes: no network, sortable, printable.

Its layout stands in ``report.html``; here is what fills it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sigkd.evaluation import tables
from sigkd.evaluation.plots.draw import figures
from sigkd.evaluation.plots.style import THEMES, themed
from sigkd.evaluation.results import Results
from sigkd.json_documents import encode
from sigkd.progress import SILENT, Progress
from sigkd.rendering import svg_address, write_html
from sigkd.words import counted

TEMPLATE = Path(__file__).with_name("report.html")


def write_report(path: Path, document: Results, *, data: Path | None = None, progress: Progress = SILENT) -> None:
    """Write the report, atomically.

    Args:
        path: the HTML file.
        document: completed results (see :func:`sigkd.evaluation.output.finish`).
        data: home of the prepared datasets, for the pictures of the worst errors.
        progress: where the work is reported.
    """
    facts = {
        "title": f"Signature verification: {', '.join(document.datasets)}",
        "summary": _summary(document),
        "grids": tables.result_grids(document),
        "figures": _figures(document, data, progress),
        "blocks": _blocks(document),
        "version": document.versions["sigkd"],
    }
    write_html(path, TEMPLATE, facts)


def _summary(document: Results) -> str:
    entries = document.results
    models = len({entry.model for entry in entries})
    best = min(entries, key=lambda entry: entry.metrics["eer_global"].mean)
    return (
        f"{counted(models, 'model')}, protocol '{document.protocol.name}', "
        f"{document.splits} splits. Lowest EER with one threshold for all writers: "
        f"{100 * best.metrics['eer_global'].mean:.2f} % ({best.model} on {best.dataset}, {best.nref} references)."
    )


def _blocks(document: Results) -> list[tuple[str, dict[str, Any]]]:
    """Return protocol, hashes and versions as titled facts."""
    facts = {"splits": document.splits, "seed": document.seed, **asdict(document.bootstrap)}
    general = {**asdict(document.protocol), **facts}
    splits = {f"{e.dataset}, {e.nref} references": e.split_hash for e in document.results}
    trials = {
        f"{e.dataset}, {e.nref} references": ", ".join(f"{n} {kind}" for kind, n in e.trials.items() if n)
        for e in document.results
    }
    return [
        ("Protocol", general),
        *((f"Dataset {name}", _without_lists(asdict(own))) for name, own in document.datasets.items()),
        *((f"Model {name or '?'}", _without_lists(encode(own))) for name, own in document.models.items()),
        ("Trials of one split", trials),
        ("Splits (SHA-256)", splits),
        ("Versions", document.versions),
    ]


def _without_lists(facts: dict[str, Any]) -> dict[str, Any]:
    facts = facts | facts.pop("details", {})
    plain = {key: value for key, value in facts.items() if not isinstance(value, dict | list) or key == "recipe"}
    return {key: value for key, value in plain.items() if value not in (None, "")}


def _figures(document: Results, data: Path | None, progress: Progress) -> list[dict[str, Any]]:
    """Return each figure's caption and its pictures, light and dark."""
    chosen = list(figures(document, data, progress))
    drawn = []
    with progress.task("figures", total=len(chosen), unit="figures") as task:
        for drawing in chosen:
            pictures = []
            for theme in THEMES.values():
                with themed(theme):
                    figure = drawing.draw(theme)
                    if figure is not None:
                        pictures.append((theme.name, svg_address(figure)))
            if pictures:
                drawn.append({"caption": drawing.caption, "pictures": pictures})
            task.advance()
    return drawn
