"""The one place that teaches Typer options with several values: ``--nref 3 5 10``, in any position.

Typer knows an option only as ``--nref 3 --nref 5 --nref 10``. :class:`SigkdCommand` rewrites the former into the latter
before parsing, for every option that is declared as a list, so help and completion stay Typer's own.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def expand_multiple(args: list[str], multiple: set[str]) -> list[str]:
    """Repeat the option before each of its values: ``--nref 3 5 x.npz`` -> ``--nref 3 --nref 5 x.npz``.

    An option takes the words after it up to the next option, ``--``, or the end. If its first value is a number it
    takes numbers only, so that a positional argument may follow; after textual values ``--`` ends the list.
    """
    expanded: list[str] = []
    position = 0
    while position < len(args):
        token = args[position]
        position += 1
        if token == "--":  # noqa: S105 - not a password
            return [*expanded, *args[position - 1 :]]
        name, equals, first = token.partition("=")
        if name not in multiple:
            expanded.append(token)
            continue
        if not equals:
            if position == len(args):
                expanded.append(token)
                break
            first = args[position]
            position += 1
        expanded += [name, first]
        numeric = _is_number(first)
        while position < len(args):
            value = args[position]
            if numeric and not _is_number(value):
                break
            if not numeric and value.startswith("-") and len(value) > 1:
                break
            expanded += [name, value]
            position += 1
    return expanded


class SigkdCommand(TyperCommand):
    """A command whose list options take several values after one name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite the list options, then parse as Typer does."""
        multiple = {
            name
            for param in self.params
            if param.param_type_name == "option" and getattr(param, "multiple", False)
            for name in param.opts
        }
        return super().parse_args(ctx, expand_multiple(args, multiple))
