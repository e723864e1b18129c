from dataclasses import replace

import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import DISTURBANCES, Chain, Scan, all_disturbances, parse_chain, parse_chains
from sigkd.synthesis.fonts import choose_font


def small(writer, index):
    return np.ascontiguousarray(signature_image(writer, index)[::3, ::3])


def grey_scan():
    return Scan(small(5, 1), (133.0, 133.0), (133.0, 133.0))


def colour_scan():
    image = small(6, 0)
    return Scan(np.stack([image, image // 2 + 120, image], axis=2), (133.0, 133.0))


def bilevel_scan():
    image = np.where(small(5, 1) < 150, 0, 255).astype(np.uint8)
    truth = {"signature": 255 - image, "number": (image == 0).astype(np.uint8)}
    return Scan(image, (200.0, 100.0), None, truth)


def blank_scan():
    return Scan(np.full((60, 90), 250, np.uint8))


SCANS = {"grey": grey_scan, "colour": colour_scan, "bilevel": bilevel_scan, "blank": blank_scan}


def levels(entry):
    return (entry.level.low, entry.level.default, entry.level.high) if entry.level else (1.0,)


@pytest.mark.parametrize("kind", SCANS)
@pytest.mark.parametrize("name", DISTURBANCES.names())
def test_each_runs_over_its_range_and_repeats_itself(name, kind):
    scan = SCANS[kind]()
    before = scan.image.copy()
    entry = DISTURBANCES.get(name)
    for level in levels(entry):
        first, again = entry(scan, level, 3), entry(scan, level, 3)
        assert first.image.dtype == np.uint8 and first.image.ndim in (2, 3)
        assert np.array_equal(first.image, again.image) and (first.dpi, first.tag) == (again.dpi, again.tag)
        assert all(layer.shape == first.shape and layer.dtype == np.uint8 for layer in first.layers.values())
        assert set(first.layers) >= set(scan.layers)
        assert set(np.unique(first.layers.get("number", 0))) <= {0, 1}
    assert np.array_equal(scan.image, before)  # the scan that was given is left as it was


@pytest.mark.parametrize("name", [n for n in DISTURBANCES if n not in ("untagged", "tag", "resolution-mistagged")])
def test_each_changes_the_picture(name):
    scan = grey_scan()
    image = DISTURBANCES.get(name)(scan, None, 1).image
    assert image.shape != scan.image.shape or not np.array_equal(image, scan.image)


@pytest.mark.parametrize(
    "name",
    [entry.name for entry in all_disturbances() if entry.family in ("lines", "printing", "geometry", "resolution")],
)
def test_black_and_white_stays_black_and_white(name):
    assert set(np.unique(DISTURBANCES.get(name)(bilevel_scan(), None, 1).image)) <= {0, 255}


def test_names_and_summaries_are_fit_for_a_table():
    for entry in all_disturbances():
        assert entry.name == entry.name.lower() and not set(entry.name) & set("+= ")
        assert entry.summary and len(entry.summary) < 100 and not entry.summary.endswith(".")
        if entry.level:
            assert entry.level.low <= entry.level.default <= entry.level.high and entry.level.unit


def test_chains_are_written_as_they_are_read():
    chain = parse_chain("line+shade=0.3")
    assert [(step.name, level) for step, level in chain.steps] == [("line", 0.17), ("shade", 0.3)]
    assert chain.name == "line+shade=0.3" == parse_chain(chain.name).name
    assert "0.3 share of light lost" in chain.summary
    assert len(parse_chains(["all", "turn=2"])) == len(DISTURBANCES.names()) + 1


def test_a_step_draws_the_same_whatever_stands_before_it():
    scan = grey_scan()
    alone = parse_chain("line")(scan, 4, 1, 2)
    behind = parse_chain("tag=100+line")(scan, 4, 1, 2)
    assert np.array_equal(alone.image, behind.image)
    assert not np.array_equal(alone.image, parse_chain("line")(scan, 4, 1, 3).image)
    assert not np.array_equal(alone.image, parse_chain("line")(scan, 5, 1, 2).image)
    assert np.array_equal(Chain(())(scan).image, scan.image)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lin", "Did you mean 'line'"),
        ("", "unknown disturbance"),
        ("line=thick", "'thick' is not a number"),
        ("line=nan", "must lie between"),
        ("line=5", "must lie between 0.08 and 0.8 mm thick"),
        ("untagged=3", "has no level"),
        ("line+", "unknown disturbance"),
    ],
)
def test_what_cannot_be_read_is_named(text, words):
    with pytest.raises(UsageError, match=words):
        parse_chains([text])


def test_the_guide_names_them_all(repository):
    page = (repository / "docs/guides/disturbances.md").read_text(encoding="utf-8")
    assert not [name for name in DISTURBANCES if f"`{name}`" not in page]


def test_print_of_training_scans_keeps_to_the_fonts_for_training(monkeypatch):
    asked = []
    for module in ("disturbances.printing", "disturbances.paper", "marks"):
        monkeypatch.setattr(
            f"sigkd.synthesis.{module}.choose_font",
            lambda rng, fonts=None, split=None: asked.append(split) or choose_font(rng, fonts, split),
        )
    scan = replace(grey_scan(), split="training")
    for name in ("caption", "caption-beside", "caption-overlap", "stamp", "show-through", "cheque"):
        DISTURBANCES.get(name)(scan, None, 1)
    assert len(asked) > 5 and set(asked) == {"training"}
