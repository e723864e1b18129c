"""Registries: names by decorator or by file, listed without an import, the nearest one for an unknown name."""

import sys

import pytest

from sigkd.errors import UsageError
from sigkd.registry import Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package ``shapes`` of two files that register themselves, one that does not, and a helper."""
    root = tmp_path / "shapes"
    root.mkdir()
    (root / "__init__.py").write_text("from sigkd.registry import Registry\nSHAPES = Registry('shape', __name__)\n")
    for file, name in (("square", "square"), ("one_line", "one-line")):
        (root / f"{file}.py").write_text(f"from shapes import SHAPES\nSHAPES.register({name!r})({file!r})\n")
    (root / "forgotten.py").write_text("")
    (root / "_helper.py").write_text("raise AssertionError\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "shapes"]:
        del sys.modules[name]


def test_files_are_found_by_their_names_and_imported_when_asked_for(package):
    from shapes import SHAPES

    assert SHAPES.names() == ["forgotten", "one-line", "square"]
    assert "square" in SHAPES
    assert "shapes.square" not in sys.modules
    assert SHAPES.get("square") == "square"
    assert SHAPES.get("one-line") == "one_line"
    assert "shapes.forgotten" not in sys.modules


def test_files_and_decorators_go_together(package):
    from shapes import SHAPES

    SHAPES.register("circle")("round")
    assert list(SHAPES) == ["forgotten", "one-line", "square", "circle"]
    assert SHAPES.get("circle") == "round"
    with pytest.raises(ValueError, match=r"shapes\.forgotten registers no shape 'forgotten'"):
        SHAPES.get("forgotten")


def test_an_unknown_name_gets_the_nearest_and_the_list():
    colours = Registry("colour")
    colours.register("green")(1)
    with pytest.raises(UsageError, match=r"unknown colour 'grren'\. Did you mean 'green'\? Known: green"):
        colours.get("grren")
    with pytest.raises(ValueError, match="registered twice"):
        colours.register("green")(2)
