"""Figures and the report: every kind is drawn, in both themes, and the page needs nothing from outside."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import islice

import numpy as np
import pytest

from sigkd.datasets.prepared import PreparedSignatures
from sigkd.evaluation import report
from sigkd.evaluation.plots import curves, draw, errors
from sigkd.evaluation.plots.style import DARK, LIGHT, THEMES, save_figure, themed
from sigkd.evaluation.report import write_report
from sigkd.evaluation.results import ModelFacts
from sigkd.progress import SILENT


@pytest.fixture(scope="module")
def small(document):
    """Two models, one number of references: what one figure of each kind needs."""
    entries = [entry for entry in document.results if entry.nref == 4 and entry.model != "middle"]
    return replace(document, results=entries)


def system(entry):
    return curves.System(entry.model, entry, entry.scores(), "skilled")


def test_every_figure_in_both_themes(tmp_path, small):
    written = draw.draw_all(small, tmp_path, formats=("svg",))
    kinds = {path.name.split("-")[0] for path in written}
    assert kinds == {"det", "roc", "histograms", "tippett", "ece", "writers"}
    assert {path.stem.rsplit("-", 1)[1] for path in written} == set(THEMES)
    light = next(path for path in written if path.name == "det-made-4-light.svg").read_text()
    assert LIGHT.palette[0] in light and DARK.palette[0] not in light


def test_the_same_figure_gives_the_same_bytes(tmp_path, small):
    drawing = next(iter(draw.figures(small)))
    for form in ("png", "svg"):
        with themed(LIGHT):
            one, two = (save_figure(drawing.draw(LIGHT), tmp_path / name, (form,))[0] for name in "ab")
        assert one.read_bytes() == two.read_bytes()


def test_references_figure_needs_several(document, small):
    assert any(drawing.name.startswith("references") for drawing in draw.figures(document))
    assert not any(drawing.name.startswith("references") for drawing in draw.figures(small))


def test_curve_passes_through_the_eer(small):
    own = system(small.results[0])
    genuine, skilled = own.pooled("genuine"), own.pooled("skilled")
    grid = np.array([0.0, 0.05, 0.3, 1.0])
    rate, low, high = curves.curve_band(own, grid)
    for far, frr in zip(grid, rate, strict=True):
        limits = np.r_[np.unique(skilled), np.inf]
        best = min(np.mean(genuine <= limits[i - 1]) if i else 0.0
                   for i, limit in enumerate(limits) if np.mean(skilled >= limit) <= far + 1e-12)  # fmt: skip
        assert frr == pytest.approx(best, abs=1e-9)
    assert (low <= rate + 1e-9).all() and (rate <= high + 1e-9).all()


def test_worst_errors_are_on_the_wrong_side_and_of_different_writers(document):
    entry = next(e for e in document.results if e.model == "bad" and e.nref == 2)
    for kind in ("genuine", "skilled"):
        worst = errors.worst_errors(system(entry), kind)
        assert worst and len({error.writer for error in worst}) == len(worst)
        assert [error.margin for error in worst] == sorted((error.margin for error in worst), reverse=True)
        for error in worst:
            seen = []
            for split, limit in zip(entry.splits, entry.metrics["threshold_global"].values, strict=True):
                place = split.writers.index(error.writer)
                rows = getattr(split.split.writers[place], kind).tolist()
                if error.row in rows:
                    seen.append(getattr(split, kind)[place][rows.index(error.row)] - limit)
            assert abs(np.mean(seen)) == pytest.approx(error.margin)
            assert np.mean(seen) < 0 if kind == "genuine" else np.mean(seen) > 0


def test_pairs_of_images(document):
    entry = next(e for e in document.results if e.model == "bad" and e.nref == 2)
    image = np.zeros((170, 242), np.uint8)
    image[60:90, 40:200] = 255
    with themed(DARK):
        figure = errors.pairs(system(entry), DARK, lambda row: image)
        assert figure is not None and len(figure.axes) % 4 == 0
        assert errors._ink_box(image) == (slice(54, 96), slice(34, 206))
        assert errors._ink_box(np.zeros_like(image)) == (slice(None), slice(None))


def test_pictures_are_looked_for_once_a_dataset(document, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(draw, "find_images", lambda document, name, *more: asked.append(name))
    assert len({entry.nref for entry in document.results}) == 2
    list(draw.figures(document, tmp_path))
    assert asked == ["made"]


@pytest.mark.parametrize("views", [(), (3,)])
def test_a_picture_is_the_first_view(document, features, tmp_path, views):
    _, y, forged = features
    x = np.random.default_rng(0).integers(0, 255, (len(y), *views, 4, 6)).astype(np.uint8)
    store = PreparedSignatures(
        x, y, forged.copy(), [f"{row}.png" for row in range(len(y))], [str(w) for w in range(10)]
    )
    store.save(tmp_path / "datasets" / "made.npz")
    look = draw.find_images(document, "made", tmp_path, SILENT)
    np.testing.assert_array_equal(look(7), x[7, 0] if views else x[7])
    store.yforg[0] = 1
    store.save(tmp_path / "datasets" / "made.npz")
    assert draw.find_images(document, "made", tmp_path, SILENT) is None


class Page(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self):
        super().__init__()
        self.stack, self.images, self.buttons, self.values, self.links = [], [], 0, 0, []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in ("meta", "img", "br", "link"):
            self.stack.append(tag)
        self.images += [found] if tag == "img" else []
        self.buttons += tag == "button"
        self.values += "data-value" in found
        self.links += [value for key, value in attributes if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


@pytest.fixture
def few_figures(monkeypatch):
    """Let reports draw two figures only: each kind is drawn by another test."""
    monkeypatch.setattr(report, "figures", lambda *arguments: islice(draw.figures(*arguments), 2))


def test_report_is_one_self_contained_sound_page(tmp_path, small, few_figures):
    path = tmp_path / "report.html"
    write_report(path, small)
    text = path.read_text()
    page = Page()
    page.feed(text)
    assert page.stack == []
    assert page.links and all(link.startswith("data:image/svg+xml;base64,") for link in page.links)
    assert not re.search(r"@import|url\(|https?://", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    assert [image["class"] for image in page.images] == ["light", "dark"] * 2 and all(i["alt"] for i in page.images)
    assert page.buttons > 20 and page.values > 20
    for entry in small.results:
        assert entry.split_hash in text and f"{100 * entry.metrics['eer_global'].mean:.2f}" in text
    assert "@media print" in text and "prefers-color-scheme: dark" in text


def test_names_are_escaped(tmp_path, small):
    evil = "<script>alert(1)</script>"
    entries = [replace(entry, model=evil, splits=[]) for entry in small.results]
    own = replace(small, results=entries, models={evil: ModelFacts("x")})
    write_report(tmp_path / "report.html", own)
    assert evil not in (tmp_path / "report.html").read_text()
