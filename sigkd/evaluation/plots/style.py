"""The look of all figures: one palette that colour-blind readers tell apart, in a light and a dark version.

Colours after Okabe and Ito, "Color universal design" (2008), lightened for dark pages; every line also has its own
dash, every point its own marker, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigkd.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Theme:
    """Colours of one version."""

    name: str
    background: str
    text: str
    grid: str
    palette: tuple[str, ...]
    random: str

    @property
    def genuine(self) -> str:
        """Of genuine signatures."""
        return self.palette[0]

    @property
    def skilled(self) -> str:
        """Of skilled forgeries."""
        return self.palette[1]

    @property
    def simple(self) -> str:
        """Of simple forgeries."""
        return self.palette[4]


LIGHT = Theme(
    *("light", "#ffffff", "#1f2328", "#d8dce1"),
    ("#0072b2", "#d55e00", "#009e73", "#a23b72", "#8a6d00", "#4b4b4b", "#2e9bd6", "#000000"),
    random="#6e7781",
)
DARK = Theme(
    *("dark", "#14171a", "#e6e8eb", "#3a3f45"),
    ("#56b4e9", "#ff9a52", "#2fc79b", "#e08fc0", "#f0e442", "#c3c8cd", "#8ecbff", "#ffffff"),
    random="#a7afb8",
)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@contextmanager
def themed(theme: Theme) -> Iterator[None]:
    """Draw in this theme."""
    from matplotlib import rc_context

    settings: Any = {
        "figure.facecolor": theme.background,
        "savefig.facecolor": theme.background,
        "axes.facecolor": theme.background,
        "text.color": theme.text,
        "axes.labelcolor": theme.text,
        "axes.edgecolor": theme.text,
        "axes.titlecolor": theme.text,
        "xtick.color": theme.text,
        "ytick.color": theme.text,
        "grid.color": theme.grid,
        "grid.linewidth": 0.6,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 10,
        "font.size": 9.5,
        "legend.frameon": False,
        "legend.fontsize": 9,
        "lines.linewidth": 1.8,
        "svg.hashsalt": "sigkd",
        "figure.dpi": 100,
        "savefig.dpi": 160,
    }
    with rc_context(settings):
        yield


def legend_below(figure: Figure, axes: Any, columns: int = 3) -> None:
    """Put the legend of ``axes`` below everything, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=min(columns, len(labels)))


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = ("svg", "png")) -> list[Path]:
    """Write a figure in several formats, atomically; the same figure gives the same bytes."""
    written = []
    for form in formats:
        path = stem.with_name(f"{stem.name}.{form}")
        with atomic_path(path) as temporary:
            dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
            figure.savefig(temporary, format=form, metadata=dates.get(form))
        written.append(path)
    return written
