"""The case file: what a report says of a case beside the comparison, written by a person in TOML."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sigkd.configuration import read_tables
from sigkd.errors import InputError, UsageError
from sigkd.json_documents import JsonDocument

TEMPLATE = Path(__file__).with_name("case.toml")


@dataclass(frozen=True, kw_only=True)
class Material:
    """A document, or a set of them, that was received."""

    item: str
    """Its number in the case."""
    file: str = ""
    """Name of the scan, if it is one of the comparison's: the report then calls that by the item's number."""
    description: str = ""
    condition: str = ""
    """Original or copy, and its state."""
    date: str = ""
    """When the signature was written."""


class CaseFile(JsonDocument, format="sigkd-case", version=1):
    """What ``sigkd verify --case FILE.toml`` reads; the TOML file needs neither format nor version."""

    language: str = "en"
    """Of the report: one for which there is a catalogue of texts."""
    case_number: str = ""
    agency: str = ""
    """Laboratory or agency, with its address."""
    accreditation: str = ""
    examiner: str = ""
    """Name and qualification."""
    reviewer: str = ""
    client: str = ""
    """Who asked for the examination."""
    request: str = ""
    """What was asked."""
    received: str = ""
    """When, how and from whom the material came."""
    background: str = ""
    """What the examiner was told of the case."""
    examined: str = ""
    """When, where and with what the material was examined."""
    findings: str = ""
    """The examiner's own, of the originals."""
    conclusion: str = ""
    """The examiner's."""
    deviations: str = ""
    """From the method."""
    disposition: str = ""
    """What became of the material."""
    material: tuple[Material, ...] = ()

    @classmethod
    def of_toml(cls, path: Path) -> CaseFile:
        """Read a case file.

        Raises:
            InputError: absent, not TOML, or with a key or value that no case file has; the message names it.
        """
        if not Path(path).exists():
            raise InputError(f"{path}: no such file; 'sigkd case' prints one to fill in")
        document = read_tables(path)
        return cls.from_json({"format": cls.format, "version": cls.version, **_dates_as_texts(document)}, path)

    def entries(self) -> list[tuple[str, str]]:
        """Return what a person fills in: the fields' names and texts in their order, the material aside."""
        names = [field.name for field in fields(self) if field.name not in ("format", "version", "language")]
        return [(name, str(getattr(self, name)).strip()) for name in names if name != "material"]

    def items(self, files: Iterable[str]) -> dict[str, str]:
        """Return the numbers of the items by the names of their files.

        Args:
            files: the names of the scans that are compared.

        Raises:
            UsageError: the case file names another one.
        """
        files = list(files)
        found = {one.file: one.item for one in self.material if one.file}
        for name in found:
            if name not in files:
                raise UsageError(f"the case file's material names '{name}', the scans are {', '.join(files)}")
        return found


def _dates_as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_texts(item) for item in value]
    return str(value) if isinstance(value, datetime.date | datetime.time) else value
