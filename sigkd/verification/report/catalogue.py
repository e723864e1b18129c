"""The report's texts: one TOML file a language."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from sigkd.errors import UsageError
from sigkd.registry import nearest

FOLDER = Path(__file__).parent / "texts"


class Texts:
    """The texts of a language: ``texts("answer.accepted")``, ``texts("rates.forged", kind="skilled", ...)``."""

    def __init__(self, language: str = "en") -> None:
        """Read a catalogue.

        Raises:
            UsageError: there is none for the language.
        """
        languages = sorted(path.stem for path in FOLDER.glob("*.toml"))
        if language not in languages:
            close = nearest(language, languages)
            raise UsageError(f"no report in '{language}'.{close} There is: {', '.join(languages)}")
        self.language = language
        self._texts = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))

    def _at(self, key: str) -> Any:
        found: Any = self._texts
        for part in key.split("."):
            found = found[part]
        return found

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its places filled."""
        return str(self._at(key)).format(**values)

    def all(self, key: str) -> list[str]:
        """Return the texts of a list."""
        return [str(text) for text in self._at(key)]
