"""Tables in every format, and the paper's values beside ours."""

from __future__ import annotations

import copy
import csv
import io
import json
from dataclasses import replace

import pytest

from sigkd.evaluation import paper, tables
from sigkd.evaluation.output import check_format, write_outputs
from sigkd.evaluation.results import ModelFacts
from sigkd.evaluation.summary import Metric
from sigkd.json_documents import seal_of


def test_paper_values_are_the_printed_ones():
    values = paper.paper_values("cedar", ("resnet18", "geom+bc"), 12)
    assert values["eer_user"] == paper.PaperValue(0.0225, 0.0024, 7)
    assert values["frr"].mean == pytest.approx(0.0416)
    assert paper.paper_values("gpds300", ("signet", "bt"), 12)["eer_user"].mean == pytest.approx(0.0446)
    assert paper.paper_values("mcyt75", ("signet-f", "teacher"), 3)["auc"].mean == pytest.approx(0.9716)
    assert paper.paper_values("cedar", ("resnet18", "random"), 12)["eer_user"].mean == pytest.approx(0.0986)
    assert paper.paper_values("cedar", ("resnet18", "geom+bc"), 7) == {}
    assert len(paper.paper_data()["value"]) == 96 and len(paper.paper_data()["system"]) == 22


def test_tables_5_and_7_agree_where_both_print_a_value():
    for value in paper.paper_data()["value"]:
        if value["table"] == 5 and value["loss"] == "geom+bc":
            twin = paper.paper_values(value["dataset"], ("resnet18", "geom+bc"), value["nref"])["eer_user"]
            assert twin.mean == pytest.approx(value["eer_user"][0] / 100)


@pytest.mark.parametrize(
    ("model", "facts", "expected"),
    [
        ("resnet18:random", {}, ("resnet18", "random")),
        ("signet", {"name": "signet"}, ("signet", "teacher")),
        ("run", {"architecture": "resnet18", "loss": "bc+geom"}, ("resnet18", "geom+bc")),
        ("run", {"student": "signet", "recipe": {"loss": "cl"}}, ("signet", "cl")),
        ("file", {"architecture": "resnet18"}, None),
        ("run", {"architecture": "signet", "recipe": {"loss": "cl", "teacher": ""}}, None),
    ],
)
def test_models_in_the_papers_terms(model, facts, expected):
    assert paper.paper_key(model, ModelFacts.of(facts)) == expected


def with_paper(document):
    own = copy.deepcopy(document)
    own.datasets["made"] = replace(own.datasets["made"], kind="cedar")
    own.models["good"] = ModelFacts(name="resnet18:random")
    for entry in own.results:
        entry.nref = 12
    paper.add_paper(own)
    return own


def test_the_papers_value_and_the_difference_stand_beside_ours(document):
    own = with_paper(document)
    first, _ = tables.result_grids(own)
    assert first.columns[-2:] == ["Paper's EER user", "Difference"]
    row = next(row for row in first.rows if row[0].text == "good")
    assert row[-2].text == "9.86 ± 1.31" and row[-2].below == "Table 5"
    assert float(row[-1].text) == pytest.approx(100 * own.results[0].metrics["eer_user"].mean - 9.86, abs=0.006)
    assert next(row for row in first.rows if row[0].text == "bad")[-1].text == "-"


def test_main_table_starts_with_the_pooled_eer(document):
    first, second = tables.result_grids(document)
    assert first.columns[:4] == ["Model", "REF", "EER global", "FRR"]
    assert "Cllr (bits)" in second.columns and "EER user, random" in second.columns
    assert any("optimistic" in note for note in first.notes)


def test_zero_errors_show_the_rule_of_three(document):
    cell = tables.metric_cell(
        replace(document.results[0], metrics={"far_random": Metric(0.0, 0.0, [0.0], upper95=0.003)}), "far_random"
    )
    assert cell.text == "0.00 ± 0.00" and cell.below == "< 0.3"


def test_formats(document):
    own = with_paper(document)
    markdown = tables.render(own, "markdown")
    assert markdown.count("|") > 50 and "**Verification errors" in markdown
    latex = tables.render(own, "latex")
    assert r"\toprule" in latex and "%" not in latex.replace(r"\%", "") and latex.count(r"\begin{tabular}") == 2
    rows = list(csv.DictReader(io.StringIO(tables.render(own, "csv"))))
    entry = own.results[0]
    found = next(row for row in rows if row["model"] == "good" and row["metric"] == "eer_user")
    assert float(found["mean"]) == pytest.approx(100 * entry.metrics["eer_user"].mean, rel=1e-5)
    assert float(found["paper"]) == pytest.approx(9.86)
    assert json.loads(tables.render(own, "json")) == own.to_json() | {"seal": seal_of(own.to_json())}
    with pytest.raises(Exception, match="Did you mean 'markdown'"):
        check_format("markdwn")


def test_outputs(tmp_path, document):
    write_outputs(copy.deepcopy(document), out=tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["results.csv", "results.json", "table.md", "table.tex"]
