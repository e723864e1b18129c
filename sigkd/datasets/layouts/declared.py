"""Layouts declared in TOML: the known datasets in this package, and anybody's own (``--dataset ours.toml``)."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from sigkd.configuration import read_tables
from sigkd.datasets.layouts.base import KINDS, Defaults, Layout
from sigkd.errors import DatasetError
from sigkd.files import parsing
from sigkd.registry import nearest


def read_layout(path: Path) -> Layout:
    """Read a layout: the fields of :class:`Layout` (``docs/guides/datasets.md`` shows one).

    Raises:
        DatasetError: absent, not TOML, or a field that a layout does not have or cannot hold; the message names it.
    """
    with parsing(path, "layout in TOML", DatasetError):
        fields = read_tables(path)
        names = [field.name for field in dataclasses.fields(Layout)]
        for name in fields:
            if name not in names:
                raise DatasetError(f"unknown key '{name}'.{nearest(name, names)} Known: {', '.join(names)}")
        # Messages to users are made of these.
        for name in ("title", "shape", "source", "genuine"):
            if not isinstance(fields.get(name), str):
                raise DatasetError(f"'{name}' is missing or no text")
        for kind in KINDS:
            if "(?P<writer>" not in fields.get(kind, "(?P<writer>"):
                raise DatasetError(f"'{kind}' has no group (?P<writer>...)")
            re.compile(fields.get(kind, ""))
        for name in ("canvas", "largest"):
            if name in fields:
                height, width = (int(side) for side in fields[name])
                fields[name] = height, width
        fields["numbers"] = {kind: _amount(value) for kind, value in fields.get("numbers", {}).items()}
        if wrong := set(fields["numbers"]) - set(KINDS):
            raise DatasetError(f"numbers: unknown kind '{wrong.pop()}'. Known: {', '.join(KINDS)}")
        if "writers" in fields:
            fields["writers"] = _amount(fields["writers"])
        fields["subsets"] = {
            name: tuple(str(writer) for writer in writers) for name, writers in fields.get("subsets", {}).items()
        }
        return Layout(**fields | {"defaults": Defaults(**fields.get("defaults", {}))})


def _amount(value: Any) -> range | int:
    """Read how many there are (``24``), or which numbers (``"1-24"``)."""
    if isinstance(value, int):
        return value
    first, last = str(value).split("-")
    return range(int(first), int(last) + 1)
