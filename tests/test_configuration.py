"""Options declared once: their ranges, types and choices; a new field is an option of the command at once."""

import doctest
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import typer

from sigkd import configuration
from sigkd.cli.command import SigkdCommand
from sigkd.cli.declared import merge, with_options
from sigkd.configuration import NOT_NEGATIVE, POSITIVE, Range, check, option, options
from sigkd.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    kind: Literal["thin", "thick"] = option("thin", "Kind: {choices}.", group="Cake")
    fruit: str = option("plum", "Fruit: {choices}.", names=["plum", "pear", "fig"])
    eggs: int = option(3, "Eggs.", NOT_NEGATIVE)
    heat: float = option(180.0, "Degrees.", POSITIVE, group="Oven", command="bake")
    share: float = option(0.5, "Share.", Range(0, 1, open_high=True))
    turn: bool = option(False, "Turn it.")
    on_top: list[str] = option([], "On top.")
    grams: dict[str, float] = option({}, "Weights.")
    more: dict[str, dict[str, Any]] = option({}, "Settings.")

    def __post_init__(self):
        check(self)


@pytest.fixture
def bake():
    """A command, and what its function was given."""
    given: dict[str, Any] = {}
    program = typer.Typer()

    @program.command(cls=SigkdCommand)
    @with_options(Recipe(eggs=4), "bake", {"fruit": "--with"})
    def command(size: int = 1, **options: Any) -> None:
        given.update(options, size=size)

    def run(*words: str) -> dict[str, Any]:
        given.clear()
        typer.main.get_command(program).main(list(words), standalone_mode=False)
        return given

    run.command = typer.main.get_command(program)
    return run


def test_every_field_is_an_option_with_its_default_and_help(bake):
    made = {param.name: param for param in bake.command.params}
    assert [*made][1 : 1 + len(options(Recipe(), "bake"))] == [each.name for each in options(Recipe(), "bake")]
    assert (made["eggs"].opts, made["eggs"].help, made["eggs"].show_default) == (["--eggs"], "Eggs.", "4")
    assert (made["fruit"].opts, made["fruit"].help) == (["--with"], "Fruit: plum, pear and fig.")
    assert made["kind"].help == "Kind: thin or thick."
    assert made["on_top"].opts == ["--on-top"]
    assert [made[name].rich_help_panel for name in ("kind", "eggs", "heat", "turn")] == ["Cake", "Cake", "Oven", "Oven"]


def test_an_option_of_one_command_only():
    assert "heat" not in {each.name for each in options(Recipe(), "freeze")}
    assert {each.group for each in options(Recipe(), "freeze")} == {"Cake", "Oven"}


def test_what_is_given_is_told_from_defaults(bake):
    given = bake(
        *["--size", "2", "--eggs", "0", "--turn", "--on-top", "nuts", "cream", "--grams", "flour=250", "sugar=1e2"]
    )
    assert {name for name, value in given.items() if value not in (None, [])} == {
        "size", "eggs", "turn", "on_top", "grams",
    }  # fmt: skip
    given.pop("size")
    merged = merge(Recipe(eggs=4, heat=200.0), None, given)
    assert merged == Recipe(eggs=0, heat=200.0, turn=True, on_top=["nuts", "cream"], grams={"flour": 250, "sugar": 100})


def test_a_file_comes_between(bake, tmp_path):
    file = tmp_path / "cake.toml"
    file.write_text("eggs = 1\nheat = 150\n[more.dough]\nyeast = true\n")
    merged = merge(Recipe(eggs=4, share=0.25), file, {"eggs": 2})
    assert merged == Recipe(eggs=2, heat=150.0, share=0.25, more={"dough": {"yeast": True}})


def test_settings(bake):
    given = bake("--more", "dough.yeast=true", "dough.hours=2", "icing.colour=pink", "icing.depth=0.5")
    given.pop("size")
    assert merge(Recipe(), None, given).more == {
        "dough": {"yeast": True, "hours": 2},
        "icing": {"colour": "pink", "depth": 0.5},
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grams", "flour"), "`grams` flour: write NAME=NUMBER"),
        (("--grams", "flour=much"), "write NAME=NUMBER"),
        (("--grams", "flour=nan"), "write NAME=NUMBER"),
        (("--more", "yeast=true"), r"write LOSS\.SETTING=VALUE"),
        (("--more", "dough.yeast"), r"write LOSS\.SETTING=VALUE"),
        (("--kind", "thik"), "must be one of thin, thick, not 'thik'. Did you mean 'thick'"),
        (("--eggs", "-1"), "`eggs` must not be below 0, not -1"),
        (("--heat", "0"), "`heat` must be greater than 0"),
        (("--share", "1"), r"`share` must lie in \[0, 1\), not 1"),
    ],
)
def test_wrong_values(bake, words, message):
    given = bake(*words)
    given.pop("size")
    with pytest.raises(UsageError, match=message):
        merge(Recipe(), None, given)


def test_ranges():
    assert 1 in Range(0, 1)
    assert 1 not in Range(0, 1, open_high=True)
    assert 0 not in POSITIVE
    assert 0 in NOT_NEGATIVE
    assert float("nan") not in Range()
    assert str(Range(0, 1, open_low=True)) == "lie in (0, 1]"


def test_example():
    assert doctest.testmod(configuration).failed == 0
