"""``CITATION.cff`` says what the package says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

from sigkd import __version__

ROOT = Path(__file__).parent.parent


def test_the_citation_agrees_with_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["version"], cited["license"]) == (__version__, project["license"])
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in project["authors"]]
    assert cited["cff-version"] == "1.2.0" and cited["references"][0]["authors"][0]["family-names"] == "Tsourounis"
