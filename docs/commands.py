"""Write what the reference takes from the code: commands, losses, JSON documents with their schemas (``make format``).

A test compares the pages with the program (``--check``), so neither changes without the other.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
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


_DOCUMENTS_HEAD = """# JSON documents

What commands print with `--json`, and the JSON files that they write; this page and the schemas are made from the code
by `python docs/commands.py`. Every document says its `format` and `version` first. Its shape depends on its format
alone: what there may be several of is a list also where there is one, and a field that does not apply is `null`. Rates
are fractions, paths are texts.

A version counts up when a program that reads the older documents would fail on the newer ones. sigkd reads strictly: a
document of another version is refused with what to do, and so is one with an unknown or missing field.

```python
from pathlib import Path
from sigkd.evaluation.results import Results

results = Results.read(Path("results.json"))  # a dataclass; results.to_json() is the document again
```

| format and schema | version | |
|---|---|---|
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


def document_kinds() -> dict[str, Any]:
    """Return every kind of document of the package, by its format."""
    import sigkd
    from sigkd.json_documents import JsonDocument

    names = [found.name for found in pkgutil.walk_packages(sigkd.__path__, "sigkd.")]
    names = [name for name in names if name != "sigkd.__main__" and not name.startswith("sigkd.cli")]
    objects = [one for name in names for one in vars(importlib.import_module(name)).values() if inspect.isclass(one)]
    kinds = {one for one in objects if issubclass(one, JsonDocument) and one is not JsonDocument}
    return {kind.format: kind for kind in sorted(kinds, key=lambda kind: kind.format)}


def documents_page() -> str:
    """Return the page of the JSON documents as Markdown."""
    rows = []
    for name, kind in document_kinds().items():
        about = _cell((inspect.getdoc(kind) or "").split("\n\n")[0])
        rows.append(f"| [`{name}`](schemas/{name}.json) | {kind.version} | {about} |\n")
    return _DOCUMENTS_HEAD + "".join(rows)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "losses.md": losses_page,
    "json-documents.md": documents_page,
}


def reference_files() -> dict[str, str]:
    """Return the content of every file that is made, by its path in the reference."""
    from sigkd.json_documents import json_schema

    schemas = {f"schemas/{name}.json": json_schema(kind) for name, kind in document_kinds().items()}
    texts = {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
    return {name: make() for name, make in PAGES.items()} | texts


def main(check: bool) -> int:
    """Write what is not up to date, or only say so; return how many files that are."""
    made = reference_files()
    stale = {path.relative_to(REFERENCE).as_posix() for path in REFERENCE.glob("schemas/*.json")} - set(made)
    for name, text in made.items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.add(name)
    for name in stale:
        sys.stderr.write(f"{REFERENCE / name}: {'not up to date' if check else 'rewritten'}\n")
        if not check:
            (REFERENCE / name).parent.mkdir(exist_ok=True)
            (REFERENCE / name).unlink(missing_ok=True)
            if name in made:
                (REFERENCE / name).write_text(made[name], encoding="utf-8")
    return len(stale)


if __name__ == "__main__":
    sys.path.insert(0, str(REFERENCE.parents[1]))  # this checkout's program, installed or not
    only_check = "--check" in sys.argv
    sys.exit(main(only_check) > 0 and only_check)
