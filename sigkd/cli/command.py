"""The one place that teaches Typer options with several values: ``--nref 3 5 10``, in any position.

Typer knows an option only as ``--nref 3 --nref 5 --nref 10``. :class:`SigkdCommand` rewrites the former into the latter
before parsing, for every option that is declared as a list, so help and completion stay Typer's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from typer.core import TyperCommand

from sigkd.errors import UsageError


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Syntax:
    """What has to be known of a command to tell where the values of an option end."""

    several: frozenset[str]
    """Names of options with several values."""
    single: frozenset[str] = frozenset()
    """Names of options with one value."""
    arguments: float = math.inf
    """How many words without an option the command takes."""

    @classmethod
    def of(cls, params: Iterable[Any]) -> Syntax:
        """Return the syntax of a command's parameters."""
        options = [param for param in params if param.param_type_name == "option" and not param.is_flag]
        arguments = [param.nargs for param in params if param.param_type_name == "argument"]

        def names(chosen: Iterable[Any]) -> frozenset[str]:
            return frozenset(name for param in chosen for name in param.opts)

        return cls(
            names(param for param in options if param.multiple),
            names(param for param in options if not param.multiple),
            math.inf if -1 in arguments else sum(arguments),
        )


def expand_multiple(args: list[str], syntax: Syntax) -> list[str]:
    """Repeat the option before each of its values: ``--nref 3 5 x.npz`` -> ``--nref 3 --nref 5 x.npz``.

    An option takes the words after it up to the next option, ``--``, or the end. If its first value is a number it
    takes numbers only, so that a positional argument may follow, unless all of those are there already: ``SRC --views
    715 fitted``. Where they follow, ``--`` ends the list: ``--views 715 fitted -- SRC``.
    """
    expanded: list[str] = []
    position, positional = 0, 0
    while position < len(args):
        token = args[position]
        position += 1
        if token == "--":  # noqa: S105 - not a password
            return [*expanded, *args[position - 1 :]]
        name, equals, first = token.partition("=")
        if name not in syntax.several:
            expanded.append(token)
            if token in syntax.single:  # its value is no argument, whatever it looks like
                expanded += args[position : position + 1]
                position += 1
            elif not _is_option(token):
                positional += 1
            continue
        if not equals:
            if position == len(args):
                expanded.append(token)
                break
            first = args[position]
            position += 1
        expanded += [name, first]
        end = next((place for place in range(position, len(args)) if _is_option(args[place])), len(args))
        complete = positional >= syntax.arguments or args[end : end + 1] == ["--"]
        numeric = _is_number(first) and not complete
        while position < len(args):
            value = args[position]
            if numeric and not _is_number(value):
                break
            if not numeric and _is_option(value):
                break
            expanded += [name, value]
            position += 1
    return expanded


def _is_option(token: str) -> bool:
    return token.startswith("-") and len(token) > 1 and not _is_number(token)


def _check_repeated(args: list[str], params: Iterable[Any]) -> None:
    """Refuse an option of one value that is given twice: one of the two would count for nothing, and nobody would know.

    Raises:
        UsageError: the first such option.
    """
    single = {
        name: param.name
        for param in params
        if param.param_type_name == "option" and not param.multiple and not param.is_flag and not param.count
        for name in param.opts
    }
    words = args[: args.index("--")] if "--" in args else args
    seen: set[str] = set()
    for word in words:
        name = single.get(word.partition("=")[0])
        if name is not None and name in seen:
            raise UsageError(f"{word.partition('=')[0]} is given twice, and takes one value")
        if name is not None:
            seen.add(name)


class SigkdCommand(TyperCommand):
    """A command whose list options take several values after one name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite the list options, then parse as Typer does."""
        _check_repeated(args, self.params)
        return super().parse_args(ctx, expand_multiple(args, Syntax.of(self.params)))
