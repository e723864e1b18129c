"""The paper's values (Tables 4 to 7, ``paper.toml``) for what was evaluated here."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from sigkd.classifiers import WRITERS
from sigkd.evaluation.results import protocol_of

DATA = Path(__file__).with_name("paper.toml")
METRICS = ("eer_user", "eer_global", "frr", "far_skilled", "auc")


@cache
def paper_data() -> dict[str, Any]:
    """Return the tables as they are in ``paper.toml`` (per cent)."""
    with DATA.open("rb") as stream:
        return tomllib.load(stream)


def paper_key(model: str, facts: dict[str, Any]) -> tuple[str, str] | None:
    """Return architecture and loss of a model in the paper's terms, or None if the paper has no such model.

    Args:
        model: the name that it was evaluated by (``resnet18:random``, ``signet``, a file's name).
        facts: its metadata in the results.
    """
    architecture = str(facts.get("student") or facts.get("architecture") or "")
    name = str(facts.get("name") or model)
    if model.endswith(":random") or name.endswith(":random"):
        chosen = model if model.endswith(":random") else name
        return chosen.partition(":")[0], "random"
    if name in ("signet", "signet-f"):
        return name, "teacher"
    recipe = facts.get("recipe")
    loss = facts.get("loss") or (recipe.get("loss") if isinstance(recipe, dict) else None)
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


def paper_values(dataset: str, key: tuple[str, str] | None, nref: int) -> dict[str, dict[str, Any]]:
    """Return the paper's value a metric, as fractions: ``{"eer_user": {"mean", "std", "table"}}``, or nothing.

    Table 7 has more metrics than Tables 4 and 5 and comes first where both have a value.
    """
    found: dict[str, dict[str, Any]] = {}
    if key is None:
        return found
    for value in sorted(paper_data()["value"], key=lambda value: -value["table"]):
        if (value["model"], value["loss"], value["dataset"], value["nref"]) != (*key, dataset, nref):
            continue
        for metric in METRICS:
            if metric in value and metric not in found:
                mean, std = value[metric]
                found[metric] = {"mean": mean / 100, "std": std / 100, "table": value["table"]}
    return found


def add_paper(document: dict[str, Any]) -> None:
    """Put the paper's values beside each entry of a results document (key ``paper``), where the paper has them."""
    for entry in document["results"]:
        kind = document["datasets"][entry["dataset"]].get("kind", entry["dataset"])
        facts = document["models"].get(entry["model"], {})
        values = paper_values(kind, paper_key(entry["model"], facts), entry["nref"])
        protocol = protocol_of(document, entry["dataset"])
        if values and (protocol.name, protocol.classifier, protocol.negatives) == ("paper", "wd", WRITERS):
            entry["paper"] = values
