"""A default that stands at a command, because help must not import torch, is that of the function behind it."""

from __future__ import annotations

import importlib
import inspect

import pytest

from tests.cli.test_contract import LEAVES

BEHIND = {
    "calibrate": "evaluation.calibrate:calibrate evaluation.answers:Stated",
    "cohort build": "classifiers.cohort:build_cohort",
    "enroll": "verification.verifier:Verifier verification.bulk:enroll_from",
    "evaluate": "evaluation.experiment:Plan evaluation.evaluate:Settings evaluation.protocol:Protocol "
    "evaluation.experiment:evaluate_all",
    "export": "models.export:export_model",
    "extract": "models.extract:extract_source",
    "reproduce": "evaluation.reproduce:Request",
    "stats": "evaluation.comparison:compare_files",
    "verify": "verification.verifier:Verifier",
    "weights pull": "models.weights:pull_weights",
    "whiten": "models.whitening:whiten_file",
}
"""What a command calls, below ``sigkd``: options and parameters of one name have one default."""
CALLED = {"bootstrap": "replicates", "table_format": ""}
"""Options whose parameter has another name; "": they have none."""
MEANT = {("evaluate", "protocol"), ("evaluate", "classifier"), ("evaluate", "workers"), ("calibrate", "method")}
"""Names with two meanings: a protocol's name and a protocol, threads of this process and cores."""


@pytest.mark.parametrize("words", BEHIND)
def test_defaults_are_those_of_the_function(words: str) -> None:
    (command,) = (command for names, command in LEAVES if " ".join(names) == words)
    compared = 0
    for place in BEHIND[words].split():
        module, name = place.split(":")
        parameters = inspect.signature(getattr(importlib.import_module(f"sigkd.{module}"), name)).parameters
        for option in command.params:
            own = parameters.get(option.name) or parameters.get(CALLED.get(option.name, ""))
            if own is None or option.name == "device" or (words, option.name) in MEANT:  # only a command chooses one
                continue
            if own.default is own.empty or own.default is None or option.default is None:
                continue
            assert option.default == own.default, f"{words} --{option.name}: {option.default}, {place} {own.default}"
            compared += 1
    assert compared
