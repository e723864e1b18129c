"""Typed configurations: dataclasses whose fields each declare an option once, for commands, TOML files and Python.

A field's default is the option's, its type is checked wherever values come from, and its metadata has the help.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from sigkd.errors import InputError, UsageError
from sigkd.registry import nearest

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """Numbers that an option may be: from ``low`` to ``high``, themselves only where they are not ``open``."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        """What a number must do: ``lie in [0, 1)``."""
        if self.high == math.inf:
            return f"be greater than {self.low:g}" if self.open_low else f"not be below {self.low:g}"
        return f"lie in {'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


POSITIVE = Range(0, open_low=True)
NOT_NEGATIVE = Range(0)
RATE = Range(0, 1, open_low=True, open_high=True)
"""Rates; commands take them in per cent, too."""
LARGEST_SEED = 2**63 - 1
"""What every generator of random numbers takes."""
SEED = Range(0, LARGEST_SEED)


@dataclass(frozen=True)
class Declaration:
    """What is known of an option besides its name, type and default."""

    help: str
    """One sentence; ``{choices}`` stands for what there is to choose from."""
    range: Range | None
    names: Iterable[str] | None
    """What there is to choose from, listed when the help is made; choices of a ``Literal`` need none."""
    group: str
    """Heading in a command's help, for this option and those after it; empty: that of the option before."""
    command: str
    """The only command that has the option; empty: all."""


def option(
    default: T,
    help: str,
    range: Range | None = None,
    *,
    names: Iterable[str] | None = None,
    group: str = "",
    command: str = "",
) -> T:
    """Declare an option as a field of a dataclass; see :class:`Declaration`.

    >>> @dataclass(frozen=True)
    ... class Recipe:
    ...     epochs: int = option(60, "Passes over the images.", POSITIVE)
    >>> check(update(Recipe(), {"epochs": 0}, "here"))
    Traceback (most recent call last):
    sigkd.errors.UsageError: `epochs` must be greater than 0, not 0
    """
    metadata = {"option": Declaration(help, range, names, group, command)}
    if isinstance(default, (list, dict)):
        # A copy each, or all configurations would share one list.
        return cast(T, dataclasses.field(default_factory=default.copy, metadata=metadata))
    field: T = dataclasses.field(default=default, metadata=metadata)
    return field


@dataclass(frozen=True)
class Option:
    """An option of a configuration, ready for a command."""

    name: str
    kind: Any
    """Its type."""
    default: Any
    help: str
    group: str
    range: Range | None


def options(config: Any, command: str = "") -> list[Option]:
    """Return the options of a configuration, with its values as defaults, that ``command`` has."""
    found, group = [], ""
    kinds = _kinds(config)
    for field, declared in _declared(config):
        group = declared.group or group
        if declared.command in ("", command):
            choices = list(declared.names if declared.names is not None else get_args(kinds[field.name]))
            help = declared.help
            if "{choices}" in help:
                help = help.format(choices=_listed(choices, "or" if declared.names is None else "and"))
            found.append(
                Option(field.name, kinds[field.name], getattr(config, field.name), help, group, declared.range)
            )
    return found


def _declared(config: Any) -> list[tuple[dataclasses.Field[Any], Declaration]]:
    """Return the fields that are options; what only Python can give has no declaration."""
    fields = dataclasses.fields(config)
    return [(field, field.metadata["option"]) for field in fields if "option" in field.metadata]


def _kinds(config: Any) -> dict[str, Any]:
    """Return the fields' types, without the None of an option that may be left open."""
    return {name: _without_none(kind) for name, kind in get_type_hints(type(config)).items()}


def _without_none(kind: Any) -> Any:
    if get_origin(kind) not in (Union, UnionType):
        return kind
    return Union[tuple(one for one in get_args(kind) if one is not NoneType)]  # noqa: UP007 - made at run time


def _listed(choices: list[str], last: str) -> str:
    return f"{', '.join(choices[:-1])} {last} {choices[-1]}" if len(choices) > 1 else "".join(choices)


def check(config: Any) -> None:
    """Hold the values of a configuration against the ranges and choices of its options.

    Raises:
        UsageError: one lies outside; the message names it.
    """
    kinds = _kinds(config)
    for field, declared in _declared(config):
        value = getattr(config, field.name)
        if value is None:
            continue
        if get_origin(kinds[field.name]) is Literal:
            checked(value, kinds[field.name], f"`{field.name}`")
        if declared.range is not None and value not in declared.range:
            raise UsageError(f"`{field.name}` must {declared.range}, not {value}")


def parse_tables(text: str, source: str | Path) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        InputError: it is none; ``source`` says which.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{source}: not TOML ({error})") from None


def read_tables(path: Path | str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        InputError: it cannot be read, or is none.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not readable'}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not TOML in UTF-8 ({error})") from None
    return parse_tables(text, path)


C = TypeVar("C")


def update(config: C, changes: Mapping[str, Any], source: str) -> C:
    """Return ``config`` with ``changes`` checked against the fields' types.

    Args:
        config: what holds where nothing is changed.
        changes: field -> value. Hyphens in names are read as underscores.
        source: what the message calls the origin (a file's name).

    Raises:
        UsageError: an unknown field (with the nearest one), or a value of the wrong type.
    """
    kinds = _kinds(config)
    changed: dict[str, Any] = {}
    for key, value in changes.items():
        name = key.replace("-", "_")
        if name not in kinds:
            names = list(kinds)
            raise UsageError(f"{source}: unknown key '{key}'.{nearest(name, names)} Known: {', '.join(names)}")
        changed[name] = checked(value, kinds[name], f"{source}: '{key}'")
    replace = cast(Callable[..., C], dataclasses.replace)
    return replace(config, **changed)


def checked(value: Any, kind: Any, what: str) -> Any:
    """Return ``value`` if it is of the type ``kind`` (a whole number is also a float); ``what`` is its name in words.

    Raises:
        UsageError: it is not.
    """
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin is Literal:
        choices = [str(choice) for choice in get_args(kind)]
        if value not in choices:
            raise UsageError(
                f"{what} must be one of {', '.join(choices)}, not {value!r}.{nearest(str(value), choices)}"
            )
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is dict:
        if isinstance(value, Mapping):
            return {str(key): checked(item, get_args(kind)[1], f"{what}.{key}") for key, item in value.items()}
    elif origin is list:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return list(value)
    elif type(value) is kind:
        return value
    wanted = {"float": "a number", "int": "a whole number", "str": "a string", "bool": "true or false"}.get(
        getattr(kind, "__name__", ""), "a table" if origin is dict else "a list of strings"
    )
    raise UsageError(f"{what} must be {wanted}, not {value!r}")


def read_toml(path: Path, base: C) -> C:
    """Return ``base`` changed by a TOML file with any of its fields.

    Raises:
        InputError: absent or not TOML.
        UsageError: an unknown key or a value of the wrong type.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such configuration file")
    tables = read_tables(path)
    try:
        return update(base, tables, str(path))
    except UsageError as error:  # of a range, which knows no file
        words = str(error)
        raise UsageError(words if words.startswith(str(path)) else f"{path}: {words}") from None
