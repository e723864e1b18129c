"""Makes ``tiny`` (a network and a text set for tests) importable by the tests beside it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def text_home(tmp_path):
    """A data directory with a small text set ``text``."""
    from tiny import write_text_set

    write_text_set(tmp_path / "datasets" / "text")
    return tmp_path
