"""Menu of the documentation: a folder in mkdocs.yml's ``nav`` stands for its pages that no other entry names."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _named(entries: list[Any]) -> set[str]:
    """Return the pages and folders that the entries of a menu name."""
    found: set[str] = set()
    for entry in entries:
        values = list(entry.values()) if isinstance(entry, dict) else [entry]
        for value in values:
            found |= _named(value) if isinstance(value, list) else {value}
    return found


def on_config(config: Any) -> None:
    """Put pages in place of folders, so that a new page is in the menu without an entry of its own."""
    docs, named = Path(config["docs_dir"]), _named(config["nav"])
    for entry in list(config["nav"]):
        for title, value in entry.items() if isinstance(entry, dict) else ():
            if isinstance(value, str) and value.endswith("/"):
                pages = sorted(page.relative_to(docs).as_posix() for page in (docs / value).glob("*.md"))
                entry[title] = [page for page in pages if page not in named]
                if not entry[title]:
                    config["nav"].remove(entry)
