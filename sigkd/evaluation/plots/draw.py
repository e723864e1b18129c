"""All figures of a results document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sigkd.errors import SigkdError
from sigkd.evaluation import manifest
from sigkd.evaluation.plots import curves, errors, evidence, writers
from sigkd.evaluation.plots.curves import System
from sigkd.evaluation.plots.style import THEMES, Theme, save_figure, themed
from sigkd.evaluation.results import Results
from sigkd.progress import SILENT, Progress

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

FIGURES = ("det", "roc", "histograms", "tippett", "ece", "writers", "references", "errors")


@dataclass(frozen=True)
class Drawing:
    """One figure that can be drawn in any theme."""

    name: str
    caption: str
    draw: Callable[[Theme], Figure | None]


CAPTIONS = {
    "det": "Detection error trade-off, all splits pooled; band and thick bar: 95 % over writers.",
    "roc": "Genuine signatures over forgeries accepted, all splits pooled; band: 95 % over writers.",
    "histograms": "Scores by class, and the global threshold a posteriori (mean of the splits).",
    "tippett": "Share of likelihood ratios above a value; each half of the writers is calibrated on the other.",
    "ece": "Cost of the likelihood ratios over prior odds; between the lower curves: calibration loss.",
    "writers": "Equal error rate of each writer at the writer's own threshold, mean of the splits.",
    "references": "Error rates over the number of references.",
    "errors": "The signatures farthest on the wrong side of the global threshold, beside a reference.",
}


def figures(document: Results, data: Path | None = None, progress: Progress = SILENT) -> Iterator[Drawing]:
    """Yield every figure that the results allow: those of entries saved without scores are left out."""
    groups: dict[tuple[str, int], list[System]] = {}
    for entry in document.results:
        if entry.splits:
            kind = document.protocol_of(entry.dataset).forgeries
            impostors = "random" if kind == "random" else "skilled"
            system = System(entry.model, entry, entry.splits, impostors)
            groups.setdefault((entry.dataset, entry.nref), []).append(system)
    for dataset in dict.fromkeys(entry.dataset for entry in document.results):
        own = [entry for entry in document.results if entry.dataset == dataset]
        if len({entry.nref for entry in own}) > 1:
            yield _drawing("references", dataset, lambda theme, own=own: writers.references(own, theme))
    makers: dict[str, Callable[[Sequence[System], Theme], Figure]] = {
        "det": curves.det,
        "roc": curves.roc,
        "histograms": evidence.histograms,
        "tippett": evidence.tippett,
        "ece": evidence.ece,
        "writers": writers.per_writer,
    }
    for (dataset, nref), systems in groups.items():
        for name, make in makers.items():
            about = f"{dataset}-{nref}"
            yield _drawing(name, about, lambda theme, make=make, systems=systems: make(systems, theme))
    names = dict.fromkeys(dataset for dataset, _ in groups)
    images = {name: find_images(document, name, data, progress) for name in names}
    for (dataset, nref), systems in groups.items():
        look = images[dataset]
        if look is None:
            continue
        for system in systems:
            about = f"{dataset}-{nref}-{system.label}"
            yield _drawing("errors", about, lambda theme, own=system, look=look: errors.pairs(own, theme, look))


def _drawing(name: str, about: str, draw: Callable[..., Figure | None]) -> Drawing:
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", f"{name}-{about}").strip("-").lower()
    return Drawing(slug, CAPTIONS[name], draw)


def find_images(
    document: Results, dataset: str, data: Path | None, progress: Progress
) -> Callable[[int], NDArray[np.uint8]] | None:
    """Return what shows a row of the dataset, or None (with a notice) if its images are not here or are others."""
    if data is None or document.datasets[dataset].source == "features":
        return None
    from sigkd.datasets.prepared import find_prepared

    try:
        prepared = find_prepared(dataset, data)
    except (SigkdError, OSError) as error:
        progress.info(f"no pictures of the worst errors: {error}")
        return None
    if manifest.trials_hash(prepared.y, prepared.yforg) != document.datasets[dataset].trials_hash:
        progress.warn(f"no pictures of the worst errors: '{dataset}' has changed since the evaluation")
        return None
    first = prepared.x if prepared.x.ndim == 3 else prepared.x[:, 0]  # of several views
    return lambda row: np.asarray(first[row])


def draw_all(
    document: Results,
    folder: Path,
    *,
    data: Path | None = None,
    formats: Sequence[str] = ("svg", "png"),
    progress: Progress = SILENT,
) -> list[Path]:
    """Draw all figures into ``folder``: ``NAME-light.svg``, ``NAME-light.png``, ``NAME-dark.svg``, ..."""
    written: list[Path] = []
    chosen = list(figures(document, data, progress))
    with progress.task("figures", total=len(chosen), unit="figures") as task:
        for drawing in chosen:
            for name, theme in THEMES.items():
                with themed(theme):
                    figure = drawing.draw(theme)
                    if figure is not None:
                        written += save_figure(figure, folder / f"{drawing.name}-{name}", formats)
            task.advance()
    return written
