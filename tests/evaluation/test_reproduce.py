"""The grid of a table: what is trained, what is skipped, what a budget does. Training is played here."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from sigkd.errors import InputError, ModelError, UsageError
from sigkd.evaluation import reproduce as module
from sigkd.evaluation.evaluate import Settings
from sigkd.evaluation.reproduce import Request, Row, parse_budget, reproduce, rows_of, run_name, table_grid
from sigkd.evaluation.seeds import SeedComparisons

from .conftest import made_up


def test_rows_are_those_of_the_tables():
    assert len(rows_of("table4")) == len(rows_of("table5")) == 10
    assert rows_of("table5")[-1] == Row("resnet18", "geom+bc") == rows_of("table7")[-1]
    assert rows_of("table5")[-1].title == "resnet18, CL + GEOM & BC"
    with pytest.raises(UsageError, match="Table 6"):
        rows_of("table6")


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), (None, None)])
def test_budgets(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "1d", "-1h"])
def test_bad_budgets(text):
    with pytest.raises(UsageError, match="`budget`"):
        parse_budget(text)


def test_a_runs_name_holds_what_it_depends_on():
    row = Row("resnet18", "geom+bc")
    names = {
        run_name(Request("table5", **own), row)
        for own in ({}, {"epochs": 3}, {"text": "iam"}, {"teacher": "other.safetensors"}, {"train_options": ("--x",)})
    }
    assert len(names) == 5 and all(name.startswith("reproduce-resnet18-geom+bc-") for name in names)


@pytest.fixture
def grid(tmp_path, monkeypatch):
    """A prepared set as a features file (so that no network runs), and what training was asked for."""
    features, y, forged = made_up(writers=6, genuine=8)
    path = tmp_path / "made.npz"
    np.savez(path, features=features, y=y, yforg=forged)
    asked = []

    def train(arguments, seconds):
        asked.append((list(arguments), seconds))
        if "cl" in arguments and "--resume" not in arguments:
            run = tmp_path / "runs" / arguments[arguments.index("--name") + 1]
            run.mkdir(parents=True)
            (run / "last.ckpt").write_bytes(b"x")
            return False
        run = tmp_path / "runs" / arguments[arguments.index("--name") + 1]
        run.mkdir(parents=True, exist_ok=True)
        (run / "final.safetensors").write_bytes(b"x")
        return True

    monkeypatch.setattr(module, "_check", lambda *_: None)
    evaluate_all = module.evaluate_all
    evaluated = []

    def without_models(datasets, models, plan, settings, **more):
        evaluated.append(models[0])
        return evaluate_all(datasets, [None], plan, settings, **more)

    monkeypatch.setattr(module, "evaluate_all", without_models)

    def run(**own):
        request = Request("table5", (str(path),), splits=2, rows=("teacher", "random", "cl", "geom+bc"), **own)
        document = reproduce(request, train, data=tmp_path, settings=Settings(bootstrap=10))
        return document, table_grid(document, request)

    return run, asked, evaluated


def test_grid_is_resumable(grid, tmp_path):
    run, asked, evaluated = grid
    document, table = run()
    assert [row[0].text for row in table.rows] == [
        "Teacher signet",
        "resnet18, random weights",
        "resnet18, CL + GEOM & BC",
    ]
    assert "run the command again" in document.missing[0]
    assert evaluated[:2] == ["signet", "resnet18:random"] and "--resume" not in asked[0][0]
    assert asked[1][0][:6] == ["--student", "resnet18", "--loss", "geom+bc", "--teacher", "signet"]
    document, table = run()
    assert document.missing == [] and len(table.rows) == 4
    assert len(asked) == 3 and "--resume" in asked[2][0]
    assert len(evaluated) == 4
    assert (tmp_path / "reproduce" / "table5" / "table.md").read_text().count("|") > 20
    run()
    assert len(asked) == 3 and len(evaluated) == 4


def test_a_spent_budget_leaves_the_rest_for_later(grid):
    run, asked, _ = grid
    with pytest.raises(InputError, match="the budget is spent"):
        run(budget=0.0)
    assert asked == []


def test_the_papers_value_stands_beside_ours(grid):
    run, _, _ = grid
    document, _ = run()
    document.datasets["made"] = replace(document.datasets["made"], kind="cedar")
    for entry in document.results:
        entry.nref = 12
    table = table_grid(document, Request("table5"))
    assert {row[2].text for row in table.rows} == {"6"}
    assert [row[5].text for row in table.rows] == ["4.33 ± 0.66", "9.86 ± 1.31", "2.25 ± 0.24"]


def test_several_seeds_are_trained_and_compared(grid, tmp_path):
    run, asked, evaluated = grid
    run(seeds=3)  # the played training of "cl" is stopped once for every seed
    run(seeds=3)
    run(seeds=3)
    document, table = run(seeds=3)
    assert document.missing == [] and [row[4].text for row in table.rows] == ["1", "3", "3", "3"]
    assert {"signet", "resnet18:random", "resnet18:random:1", "resnet18:random:2"} <= set(evaluated)
    seeds = {words[words.index("--seed") + 1] if "--seed" in words else "0" for words, _ in asked}
    assert seeds == {"0", "1", "2"}
    (found,) = SeedComparisons.read(tmp_path / "reproduce" / "table5" / "seeds.json").comparisons
    assert [one.seeds for one in found.systems] == [[0], [0, 1, 2], [0, 1, 2], [0, 1, 2]]
    (pair,) = found.pairs  # one set of features stands for every model here: no difference at all
    assert pair.a.endswith("GEOM & BC") and pair.by_seed == [0, 0, 0] and pair.ci95 == (0, 0)
    assert pair.test.p == 1 and not pair.test.significant
    assert "Each seed" in (tmp_path / "reproduce" / "table5" / "table.md").read_text()


def test_training_process(tmp_path, monkeypatch):
    from sigkd.cli import distilling

    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\nimport sys, time\n"
        "if 'slow' in sys.argv:\n    time.sleep(30)\nsys.exit(4 if 'bad' in sys.argv else 0)\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr(distilling.sys, "executable", str(script))
    train = distilling.distill_process(tmp_path)
    assert train(["good"], None)
    assert not train(["slow"], 0.5)
    with pytest.raises(ModelError, match="exit code 4"):
        train(["bad"], None)
