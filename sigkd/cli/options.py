"""Options that several commands share, declared once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from sigkd.configuration import LARGEST_SEED
from sigkd.paths import data_dir as data_home


def rate(text: str | float) -> float:
    """Return a rate that is written as a fraction or in per cent."""
    words = str(text).strip()
    try:
        return float(words[:-1]) / 100 if words.endswith("%") else float(words)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no rate: write 0.01 or 1%") from None


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Home of prepared datasets and runs.", envvar="SIGKD_DATA", show_default="the user data directory"
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(help="Home of downloaded weights.", envvar="SIGKD_CACHE", show_default="the user cache directory"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda[:N] or mps.")]
_MODEL = {"show_default": "the default student", "help": "Registered name, file, or signet:random / resnet18:random."}
Model = Annotated[str | None, typer.Option("--model", **_MODEL)]
Models = Annotated[list[str] | None, typer.Option("--model", **_MODEL)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
Workers = Annotated[int, typer.Option(help="Worker processes; 0: one per core.", min=0)]
Writers = Annotated[
    str | None,
    typer.Option(
        help="A:B, from the A-th (counted from 0) to before the B-th, as in Python; or names with commas.",
        show_default="all",
    ),
]
CohortOption = Annotated[
    str | None,
    typer.Option(
        "--cohort", help="default, a cohort or features file, or a dataset.", show_default="the model's default cohort"
    ),
]
TemplateOption = Annotated[
    str | None,
    typer.Option("--template", help="Where people sign on such documents: a name of 'sigkd template make', or a file."),
]
RegionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        help="Look there only, [ROLE=]X,Y,WIDTH,HEIGHT from the page's top left corner: mm, or shares up to 1.",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy", help="A file of 'sigkd policy init': the rule of the answers.", show_default="the default policy"
    ),
]
Far = Annotated[
    float | None,
    typer.Option(
        help="Stated false acceptance rate of the answers (1%, 0.01).", parser=rate, show_default="the policy's rule"
    ),
]
Frr = Annotated[
    float | None,
    typer.Option(
        help="Stated false rejection rate of the answers (1%, 0.01).", parser=rate, show_default="the policy's rule"
    ),
]


def disturbances(*names: str, about: str, default: str | bool = False) -> Any:
    """Return the option that takes disturbances by their names.

    Args:
        names: the option's, where it is not that of its parameter.
        about: what is done with them.
        default: what is without any.
    """
    help = f"Disturbances, as 'sigkd disturb --list' has them: {about}."
    return typer.Option(*names, metavar="NAME[=LEVEL]", help=help, show_default=default)


Seed = Annotated[int, typer.Option(help="Seed of every random choice.", min=0, max=LARGEST_SEED)]

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


@dataclass(frozen=True)
class Common:
    """What nearly every command may be told: where to compute, where things are, and how to answer."""

    device: str
    data_dir: Path | None
    cache_dir: Path | None
    json: bool

    @property
    def data(self) -> Path:
        """The home of prepared datasets and runs."""
        return data_home(self.data_dir)


def with_common(device: str = "auto", *, cache: bool = True) -> Decorator:
    """Return a decorator that puts the options of :class:`Common` in the place of a function's ``common``.

    Args:
        device: the default of ``--device``.
        cache: whether the command reads weights from the cache.
    """
    made = {
        "device": (Device, device),
        "data_dir": (DataDir, None),
        "cache_dir": (CacheDir, None),
        "json": (Json, False),
    }
    if not cache:
        del made["cache_dir"]
    return in_place_of("common", made, lambda values: Common(**{"cache_dir": None, **values}))


def in_place_of(
    name: str, options: Mapping[str, tuple[Any, Any]], make: Callable[[dict[str, Any]], object]
) -> Decorator:
    """Return a decorator that puts options in the place of a function's argument, which is made of their values.

    Args:
        name: of the argument, keyword only.
        options: kind and default by name.
        make: makes the argument.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(function, eval_str=True)
        own = [each for each in signature.parameters.values() if each.name != name]
        place = next((i for i, each in enumerate(own) if each.kind is each.VAR_KEYWORD), len(own))
        own[place:place] = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for option, (kind, default) in options.items()
        ]

        @functools.wraps(function)
        def run(*args: Any, **given: Any) -> None:
            values = {option: given.pop(option) for option in options}
            function(*args, **{name: make(values)}, **given)

        run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
        return run

    return decorate
