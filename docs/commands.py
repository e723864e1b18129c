"""Write ``docs/reference/commands.md`` and ``losses.md`` from the declarations in the code (in ``make format``).

A test compares the pages with the program, so neither changes without the other.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parent / "reference"

_HEAD = """# Commands

Every command prints its help with `--help`; this page is made from the same source by `python docs/commands.py`.
An option that is marked *several* takes its values one after the other, in any position: `--nref 3 5 10`.
Results go to stdout, everything else to stderr; the exit codes are [listed here](exit-codes.md).
"""

_LOSSES_HEAD = """# Losses

What `sigkd distill --loss` takes, joined by `+` ([guide](../guides/distill.md)); this page is made from the code by
`python docs/commands.py`. Weights are changed by `--weight geom1=3 bc=0.001`, settings by
`--setting tce.temperature=4`, or in a file (`--config`) by `[weight]` and `[setting.tce]`.

| loss | | terms and their weights | settings |
|---|---|---|---|
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
    from sigkd.cli.app import command_line

    return "\n".join([_HEAD, *_sections("sigkd", command_line(), 1)]).replace("\n# sigkd\n", "\n## sigkd\n")


def losses_page() -> str:
    """Return the page of the losses as Markdown."""
    from sigkd.distillation.losses import LOSSES

    rows = []
    for name in LOSSES:
        loss = LOSSES.get(name)
        options = [each for each in inspect.signature(loss).parameters.values() if each.default is not each.empty]
        about = (inspect.getdoc(sys.modules[loss.__module__]) or "").splitlines()[0]
        weights = "<br>".join(f"`{term}` {weight:g}" for term, weight in loss.weights.items())
        settings = "<br>".join(f"`{name}.{each.name}` {str(each.default).lower()}" for each in options)
        rows.append(f"| `{name}` | {_cell(about)} | {weights} | {settings} |\n")
    return _LOSSES_HEAD + "".join(rows)


PAGES: dict[str, Callable[[], str]] = {"commands.md": commands_page, "losses.md": losses_page}


if __name__ == "__main__":
    sys.path.insert(0, str(REFERENCE.parents[1]))  # this checkout's program, installed or not
    for name, make in PAGES.items():
        path, page = REFERENCE / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
            sys.stderr.write(f"{path}: rewritten\n")
