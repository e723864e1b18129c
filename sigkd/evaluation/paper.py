"""The paper's values (Tables 4 to 7, ``paper.toml``) for what was evaluated here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigkd.classifiers import WRITERS

if TYPE_CHECKING:
    from sigkd.evaluation.results import ModelFacts, Results

DATA = Path(__file__).with_name("paper.toml")
METRICS = ("eer_user", "eer_global", "frr", "far_skilled", "auc")


@cache
def paper_data() -> dict[str, Any]:
    """Return the tables as they are in ``paper.toml`` (per cent)."""
    with DATA.open("rb") as stream:
        return tomllib.load(stream)


@dataclass(frozen=True)
class PaperValue:
    """A value of the paper, as a fraction."""

    mean: float
    std: float
    table: int


def paper_key(model: str, facts: ModelFacts) -> tuple[str, str] | None:
    """Return architecture and loss of a model in the paper's terms, or None if the paper has no such model.

    Args:
        model: the name that it was evaluated by (``resnet18:random``, ``signet``, a file's name).
        facts: of the model in the results.
    """
    architecture = facts.student or facts.architecture
    name = facts.name or model
    if model.endswith(":random") or name.endswith(":random"):
        chosen = model if model.endswith(":random") else name
        return chosen.partition(":")[0], "random"
    if name in ("signet", "signet-f"):
        return name, "teacher"
    recipe = facts.details.get("recipe")
    loss = facts.loss or (recipe.get("loss") if isinstance(recipe, dict) else None)
    if isinstance(recipe, dict) and recipe.get("teacher") == "":
        return None  # trained on signatures, as none of the paper's students is
    if architecture and isinstance(loss, str):
        return architecture, canonical_loss(loss)
    return None


def canonical_loss(loss: str) -> str:
    """Return a loss's name as ``paper.toml`` spells it: ``BC + geom`` -> ``geom+bc``, nothing -> ``cl``."""
    order = ("geom", "tce", "bt", "bc")
    parts = {part.strip().lower().replace("-", "") for part in loss.split("+")} - {"cl", "ce", "none", ""}
    return "+".join(sorted(parts, key=lambda part: order.index(part) if part in order else 9)) or "cl"


def paper_values(dataset: str, key: tuple[str, str] | None, nref: int) -> dict[str, PaperValue]:
    """Return the paper's value a metric, or nothing.

    Table 7 has more metrics than Tables 4 and 5 and comes first where both have a value.
    """
    found: dict[str, PaperValue] = {}
    if key is None:
        return found
    for value in sorted(paper_data()["value"], key=lambda value: -value["table"]):
        if (value["model"], value["loss"], value["dataset"], value["nref"]) != (*key, dataset, nref):
            continue
        for metric in METRICS:
            if metric in value and metric not in found:
                mean, std = value[metric]
                found[metric] = PaperValue(mean / 100, std / 100, value["table"])
    return found


def add_paper(document: Results) -> None:
    """Put the paper's values beside each of the results, where the paper has them."""
    for one in document.results:
        kind = document.datasets[one.dataset].kind or one.dataset
        protocol = document.protocol_of(one.dataset)
        if (protocol.name, protocol.classifier, protocol.negatives) == ("paper", "wd", WRITERS):
            one.paper = paper_values(kind, paper_key(one.model, document.models[one.model]), one.nref)
