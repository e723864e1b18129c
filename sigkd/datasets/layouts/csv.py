"""Anybody's signatures: a table of paths."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from sigkd.datasets.layouts.base import DATASETS, Kind, Layout, SignatureRecord, SignatureSet, record_order
from sigkd.errors import DatasetError, UsageError
from sigkd.files import parsing
from sigkd.images.formats import LEAST_DPI, MOST_DPI
from sigkd.images.resolution import given_resolution
from sigkd.registry import nearest

_LABELS: dict[str, Kind] = {"genuine": "genuine", "skilled": "skilled", "forged": "skilled", "simple": "simple"}
_COLUMNS = ("path", "writer")


@dataclass(frozen=True)
class CsvLayout(Layout):
    """Rows of path (relative to the table), writer, perhaps label and dpi; separated by commas, semicolons or tabs.

    Without a column label all are genuine.
    """

    title: str = "your own signatures"
    shape: str = "a table with the columns path, writer, where known label (genuine, skilled, simple) and dpi"
    source: str = "a table of yours"

    def scan(self, root: Path, *, documents: bool = False) -> SignatureSet:
        """Read the table ``root``, or the only ``.csv`` in the directory ``root``: whatever files it names."""
        table = _find_table(root)
        with parsing(table, "CSV table in UTF-8", DatasetError):
            return self._read(table)

    def _read(self, table: Path) -> SignatureSet:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            header = stream.readline()
            stream.seek(0)
            delimiter = max(",;\t", key=header.count)
            rows = list(csv.DictReader(stream, delimiter=delimiter, skipinitialspace=True))
        names = {name.strip().casefold(): name for name in (rows[0] if rows else {}) if name}
        if absent := [column for column in _COLUMNS if column not in names]:
            raise DatasetError(f"{table}: no rows, or no column {', '.join(absent)}; it needs path, writer")
        records: list[SignatureRecord] = []
        missing: list[str] = []
        seen: set[Path] = set()
        for number, row in enumerate(rows, start=2):
            path, writer = ((row[names[column]] or "").strip() for column in _COLUMNS)
            label = (row[names["label"]] or "").strip() if "label" in names else "genuine"
            if label.casefold() not in _LABELS:
                labels = list(_LABELS)
                raise DatasetError(
                    f"{table}: row {number}: label '{label}'.{nearest(label, labels)} Known: {', '.join(labels)}"
                )
            if not (path and writer):
                raise DatasetError(f"{table}: row {number}: path or writer is empty")
            place = (table.parent / path).resolve()
            if place in seen:  # one signature as reference and query alike
                raise DatasetError(f"{table}: row {number}: {path} is listed before")
            seen.add(place)
            if place.is_file():
                dpi = _resolution(row.get(names.get("dpi", ""), ""), f"{table}: row {number}")
                records.append(SignatureRecord(table.parent / path, writer, _LABELS[label.casefold()], dpi=dpi))
            else:
                missing.append(f"row {number}: {path}")
        if not records:
            raise DatasetError(f"{table}: none of its {len(rows)} files exists (paths are relative to the table)")
        records.sort(key=record_order)
        return SignatureSet("", table.parent, records, self.canvas, self.defaults, missing)


def _resolution(text: str | None, where: str) -> float | None:
    """Return the stated resolution, None for an empty cell."""
    if not (text or "").strip():
        return None
    try:
        return given_resolution(float(str(text).strip())).x
    except (ValueError, UsageError):
        raise DatasetError(f"{where}: dpi '{text}': a number from {LEAST_DPI:.0f} to {MOST_DPI:.0f}") from None


def _find_table(root: Path) -> Path:
    if not root.is_dir():
        return root
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() == ".csv")
    if len(tables) != 1:
        raise DatasetError(f"{root}: {len(tables)} .csv tables in the directory; name the one to read")
    return tables[0]


DATASETS.register("csv")(CsvLayout())
