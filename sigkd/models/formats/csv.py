"""``.csv``: features as a table of numbers, for every other program."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from sigkd.errors import InputError
from sigkd.files import csv_cell, csv_text
from sigkd.models.features import PROVENANCE, FeatureSet, assemble
from sigkd.models.formats import FEATURE_FORMATS, FeatureFormat


def write(features: FeatureSet, path: Path) -> None:
    """Write a row an image; nine significant digits bring every float32 back exactly."""
    header = ["filename", "y", "yforg", *PROVENANCE, *(f"f{i}" for i in range(features.features.shape[1]))]
    provenance = [csv_cell(getattr(features, name)) for name in PROVENANCE]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for name, y, forged, vector in zip(
            features.filenames, features.y, features.yforg, features.features, strict=True
        ):
            values = (f"{value:.9g}" for value in vector.tolist())
            writer.writerow([csv_cell(name), int(y), int(forged), *provenance, *values])


def read(path: Path) -> FeatureSet:
    """Read a table with the columns ``f0``, ``f1``, ...; the byte order mark of other programs is passed over."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        header = next(reader, [])
        columns = [i for i, name in enumerate(header) if name.startswith("f") and name[1:].isdigit()]
        if not columns:
            raise InputError("has no feature columns f0, f1, ...")
        if len(set(header)) != len(header):
            raise InputError("two of its columns have the same name")
        rows = [row for row in reader if row]
    if any(len(row) != len(header) for row in rows):
        raise InputError("a row is cut short")

    def column(name: str) -> list[str]:
        place = header.index(name)
        return [csv_text(row[place]) for row in rows]

    vectors = np.asarray([[float(row[i]) for i in columns] for row in rows], np.float32)
    found: dict[str, Any] = {"features": vectors.reshape(len(rows), len(columns))}
    for name in ("y", "yforg"):
        if name in header:
            found[name] = np.asarray([int(value) for value in column(name)], np.int64)
    if "filename" in header:
        found["filenames"] = column("filename")
    stated = {name: set(column(name)) for name in PROVENANCE if name in header}
    several = [name for name, values in stated.items() if len(values) > 1]
    if several:
        raise InputError(f"rows of different {' and '.join(several)} do not belong together")
    return assemble(found, {name: "".join(values) for name, values in stated.items()})


FEATURE_FORMATS.register("csv")(FeatureFormat(write, read))
