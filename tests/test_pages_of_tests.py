"""The pages on reliability and security name tests: each of them exists."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["docs/reliability.md", "docs/security.md"])
def test_every_named_test_exists(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 10
    for file, test in named:
        tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
        names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in names, f"{page}: {file}::{test}"


@pytest.mark.parametrize("page", ["docs/reliability.md", "docs/security.md"])
def test_every_row_has_a_test(page):
    lines = (REPOSITORY / page).read_text(encoding="utf-8").splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("| ") and line.endswith("| test |"))
    rows = [line for line in lines[head + 2 :] if line.startswith("|")]
    assert rows and all(re.search(r"`tests/[\w/]+\.py::\w+`", row) for row in rows)
