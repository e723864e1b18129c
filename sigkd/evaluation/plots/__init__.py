"""Figures of results: colour-blind safe, for light and dark pages. matplotlib is imported when they are drawn."""

from __future__ import annotations

from sigkd.evaluation.plots.draw import FIGURES, draw_all, figures

__all__ = ["FIGURES", "draw_all", "figures"]
