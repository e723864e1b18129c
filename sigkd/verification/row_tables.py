"""Tables of rows with named columns: CSV (commas, semicolons or tabs) and Parquet, read and written whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigkd.errors import InputError, UsageError
from sigkd.files import atomic_path, csv_cell

SUFFIXES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class RowTable:
    """A table that was read."""

    path: Path
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    """By column; of a CSV table all are texts."""
    delimiter: str = ","

    def column(self, name: str) -> str | None:
        """Return how the table writes the name of a column, None where it has none."""
        return next((one for one in self.columns if one.strip().casefold() == name), None)


def check_table(path: Path) -> None:
    """Refuse a file that is not called like a table.

    Raises:
        UsageError: another suffix, or Parquet without the library that reads it.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a table's name ends in {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".parquet":
        _arrow(path)


def read_table(path: Path) -> RowTable:
    """Read a table.

    Raises:
        InputError: absent, not a table, or without rows.
    """
    check_table(path)
    if path.suffix.lower() == ".parquet":
        parquet = _arrow(path)
        try:
            read = parquet.read_table(path, page_checksum_verification=True)
            table = RowTable(path, tuple(read.column_names), read.to_pylist())
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or 'not a Parquet table'}") from None
        except Exception as error:  # Arrow's errors have no common class
            raise InputError(f"{path}: not a Parquet table ({type(error).__name__})") from None
    else:
        table = _read_csv(path)
    if not table.rows:
        raise InputError(f"{path}: has no rows")
    return table


def _read_csv(path: Path) -> RowTable:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or 'not readable'}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a CSV table in UTF-8 ({error})") from None
    # Excel writes semicolons where the comma is the decimal sign. The header's names decide, cells may hold either.
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV table ({error})") from None
    columns = tuple(reader.fieldnames or ())
    if len(set(columns)) < len(columns):
        raise InputError(f"{path}: two columns have the same name")
    for number, row in enumerate(rows, start=2):
        # csv.DictReader's marks for cells too many and too few: columns that slip would give wrong writers.
        if None in row or None in row.values():
            raise InputError(f"{path}: row {number} has not as many cells as the header")
    return RowTable(path, columns, rows, delimiter)


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    texts: Sequence[str] = (),
    delimiter: str = ",",
) -> None:
    """Write a table, atomically, readable by its owner only.

    Args:
        path: the file.
        columns: in their order.
        rows: values by column.
        texts: columns of texts from anywhere: what a spreadsheet would take for a formula gets an apostrophe before it.
        delimiter: of a CSV table.

    Raises:
        UsageError: as :func:`check_table`, which long work asks before it begins.
    """
    check_table(path)
    with atomic_path(path, private=True) as temporary:
        if path.suffix.lower() == ".parquet":
            import pyarrow

            found = pyarrow.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])
            _arrow(path).write_table(found, temporary, write_page_checksum=True)
            return
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            delimiter = "\t" if path.suffix.lower() == ".tsv" else delimiter
            writer = csv.DictWriter(stream, columns, delimiter=delimiter)
            writer.writeheader()
            for row in rows:
                cells = {name: "" if row.get(name) is None else row[name] for name in columns}
                writer.writerow(cells | {name: csv_cell(str(cells[name])) for name in texts})


def _arrow(path: Path) -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise UsageError(f"{path}: Parquet needs the extra: pip install 'sigkd[parquet]'") from None
    return pyarrow.parquet
