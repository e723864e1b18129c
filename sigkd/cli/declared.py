"""Options of a command made from the fields of a typed configuration (:mod:`sigkd.configuration`)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer

from sigkd.cli.options import rate
from sigkd.configuration import RATE, Option, options, read_toml, update
from sigkd.errors import UsageError

F = TypeVar("F", bound=Callable[..., None])
C = TypeVar("C")


def with_options(
    config: Any, command: str, called: Mapping[str, str] | None = None, *, only: Sequence[str] | None = None
) -> Callable[[F], F]:
    """Return a decorator that puts an option for each field of ``config`` in the place of a function's ``**options``.

    The function gets what was given on the command line, None (or nothing) for the rest: a file may come between it
    and the defaults, which are the values of ``config``.

    Args:
        config: the configuration.
        command: the command's name, for fields that only one command has.
        called: names of options that are not those of their fields.
        only: the fields that the command has; None: all.
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function, eval_str=True)
        declared = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        made = [
            _parameter(each, (called or {}).get(each.name))
            for each in options(config, command)
            if only is None or each.name in only
        ]
        function.__signature__ = signature.replace(parameters=[*declared, *made])  # type: ignore[attr-defined]
        return function

    return decorate


def _parameter(option: Option, called: str | None) -> inspect.Parameter:
    """Return the parameter from which Typer makes the option."""
    kind = option.kind
    several = get_origin(kind) in (dict, list)
    shown = f"{option.default:g}" if _is_number(option) else " ".join(option.default) if several else option.default
    info = typer.Option(
        called or f"--{option.name.replace('_', '-')}",
        help=option.help,
        show_default=shown if isinstance(shown, str) and shown else False,
        rich_help_panel=option.group or None,
    )
    plain = list[str] if several else kind if kind in (int, float, bool) else str
    if option.range is RATE:
        info.parser = rate
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[plain | None, info]
    )


def _is_number(option: Option) -> bool:
    return option.kind in (int, float) and option.default is not None


def merge(base: C, file: Path | None, given: Mapping[str, Any]) -> C:
    """Return ``base``, changed by the TOML ``file``, changed by the options that were given on the command line."""
    kinds = get_type_hints(type(base))
    changes = {
        name: _parsed(name, value, kinds[name]) for name, value in given.items() if value is not None and value != []
    }
    return update(base if file is None else read_toml(file, base), changes, "the command line")


def _parsed(name: str, value: Any, kind: Any) -> Any:
    if get_origin(kind) is not dict:
        return value
    if get_origin(get_args(kind)[1]) is dict:
        return _settings(name, value)
    return {key: _number(name, text, number) for text in value for key, _, number in [text.partition("=")]}


def _number(name: str, text: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"`{name}` {text}: write NAME=NUMBER, for example geom1=10")
    return number


def _settings(name: str, texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``{"tce": {"temperature": 4}}`` from ``["tce.temperature=4"]``."""
    settings: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        owner, dot, key = place.partition(".")
        if not (equals and dot and owner and key and value):
            raise UsageError(f"`{name}` {text}: write LOSS.SETTING=VALUE, for example tce.temperature=4")
        settings.setdefault(owner, {})[key] = _value(value)
    return settings


def _value(text: str) -> bool | int | float | str:
    """Return what a TOML file would have: a truth value, a number, or else a string."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
