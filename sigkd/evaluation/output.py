"""What ``sigkd evaluate`` leaves behind: results, splits, tables, plots, a report."""

from __future__ import annotations

from pathlib import Path

from sigkd.evaluation import paper, significance, tables
from sigkd.evaluation.results import Results
from sigkd.files import write_text
from sigkd.progress import SILENT, Progress
from sigkd.registry import check_name


def check_format(form: str) -> None:
    """Raise UsageError for a table format that does not exist."""
    check_name(form, tables.FORMATS, "format")


def finish(document: Results) -> None:
    """Add what needs all results together: the paper's values and which models are significantly the best."""
    paper.add_paper(document)
    significance.mark_best(document, tables.COMPARABLE, document.bootstrap.replicates)


def write_outputs(
    document: Results,
    *,
    out: Path | None = None,
    plots: bool = False,
    report: Path | None = None,
    data: Path | None = None,
    progress: Progress = SILENT,
) -> None:
    """Complete the document and write what was asked for.

    Args:
        document: the results; paper values and marks are added to it.
        out: folder for ``results.json``, ``results.csv``, ``table.md``, ``table.tex`` and the plots.
        plots: draw the figures into ``out``.
        report: one self-contained HTML file.
        data: home of the prepared datasets, for the images of the worst errors.
        progress: where the work is reported.
    """
    finish(document)
    if out is not None:
        document.save(out / "results.json")
        for name, form in (("results.csv", "csv"), ("table.md", "markdown"), ("table.tex", "latex")):
            write_text(out / name, tables.render(document, form))
        progress.info(f"{out / 'results.json'}: written, with tables as .csv, .md and .tex")
    if plots and out is not None:
        from sigkd.evaluation.plots import draw_all

        drawn = draw_all(document, out / "plots", data=data, progress=progress)
        progress.info(f"{out / 'plots'}: {len(drawn)} figures")
    if report is not None:
        from sigkd.evaluation.report import write_report

        write_report(report, document, data=data, progress=progress)
        progress.info(f"{report}: written")
