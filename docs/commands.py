"""Write ``docs/reference/commands.md`` from the declarations of the commands (in ``make format``).

A test compares the page with the program, so neither changes without the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "reference" / "commands.md"

_HEAD = """# Commands

Every command prints its help with `--help`; this page is made from the same source by `python docs/commands.py`.
An option that is marked *several* takes its values one after the other, in any position: `--nref 3 5 10`.
Results go to stdout, everything else to stderr; the exit codes are [listed here](exit-codes.md).
"""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(param: Any) -> str:
    if param.required:
        return "required"
    shown = getattr(param, "show_default", None)
    if isinstance(shown, str):
        return shown
    value = param.default
    if value is None or callable(value) or value == () or value == [] or getattr(param, "is_flag", False):
        return ""
    if isinstance(value, (list, tuple)):
        return f"`{' '.join(str(entry) for entry in value)}`"
    return f"`{getattr(value, 'value', value)}`" if str(value) else ""


def _names(param: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    return names + (" *several*" if getattr(param, "multiple", False) else "")


def _sections(path: str, command: Any, level: int) -> Iterator[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
    words = [path, *(["[OPTIONS]"] if options else []), *(_argument(param) for param in arguments)]
    children = dict(getattr(command, "commands", {}) or {})
    if children:
        words.append("COMMAND")
    yield f"{'#' * level} {path}\n\n{_help(command.help)}\n\n```\n{' '.join(words)}\n```\n"
    if arguments:
        rows = "".join(f"| `{_argument(param)}` | {_cell(getattr(param, 'help', '') or '')} |\n" for param in arguments)
        yield f"| argument | meaning |\n|---|---|\n{rows}"
    if options:
        rows = "".join(f"| {_names(param)} | {_cell(param.help or '')} | {_default(param)} |\n" for param in options)
        yield f"| option | meaning | default |\n|---|---|---|\n{rows}"
    for name, child in children.items():
        if not child.hidden:
            yield from _sections(f"{path} {name}", child, 2 if level == 1 else 3)


def _argument(param: Any) -> str:
    name = (param.metavar or param.name).upper().strip("[]").removesuffix("...")
    name = f"{name}..." if param.nargs == -1 else name
    return name if param.required else f"[{name}]"


def _help(text: str | None) -> str:
    """Return a docstring as Markdown: an ``Example:`` line becomes a code block."""
    lines: list[str] = []
    for line in (text or "").replace("\b\n", "").splitlines():
        bare = line.strip()
        prefix, found, example = bare.partition("Example: ")
        if found and not prefix:
            lines += ["", "```", example, "```", ""]
        else:
            lines.append(bare)
    return "\n".join(lines).strip()


def commands_page() -> str:
    """Return the page as Markdown."""
    import typer

    from sigkd.cli.app import app

    return "\n".join([_HEAD, *_sections("sigkd", typer.main.get_command(app), 1)]).replace(
        "\n# sigkd\n", "\n## sigkd\n"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(PAGE.parents[2]))  # this checkout's program, installed or not
    page = commands_page()
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        PAGE.write_text(page, encoding="utf-8")
        sys.stderr.write(f"{PAGE}: rewritten\n")
