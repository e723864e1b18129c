"""``.parquet``: features as a table with a list column (extra ``parquet``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sigkd.errors import InputError, UsageError
from sigkd.models.features import FeatureSet, assemble
from sigkd.models.formats import FEATURE_FORMATS, FeatureFormat


def write(features: FeatureSet, path: Path) -> None:
    """Write a row an image, with page checksums; the provenance is the schema's metadata."""
    arrow = pyarrow()
    vectors = arrow.FixedSizeListArray.from_arrays(
        arrow.array(features.features.reshape(-1)), features.features.shape[1]
    )
    table = arrow.table(
        {"filename": features.filenames, "y": features.y, "yforg": features.yforg, "features": vectors},
    ).replace_schema_metadata({"sigkd": features.provenance})
    arrow.parquet.write_table(table, path, write_page_checksum=True)


def read(path: Path) -> FeatureSet:
    """Read a table that has at least the column ``features``; checksums are compared where pages have them."""
    arrow = pyarrow()
    table = arrow.parquet.read_table(path, page_checksum_verification=True)
    if "features" not in table.column_names:
        raise InputError("has no column 'features'")
    found: dict[str, Any] = {
        name: table.column(column).to_pylist()
        for name, column in (("y", "y"), ("yforg", "yforg"), ("filenames", "filename"))
        if column in table.column_names
    }
    vectors = table.column("features").combine_chunks().values.to_numpy(zero_copy_only=False)
    found["features"] = vectors.reshape(table.num_rows, -1)
    return assemble(found, (table.schema.metadata or {}).get(b"sigkd", b"{}").decode())


def pyarrow() -> Any:
    """Return the library.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError(".parquet needs pyarrow: pip install 'sigkd[parquet]'") from error
    return pyarrow


FEATURE_FORMATS.register("parquet")(FeatureFormat(write, read, pyarrow))
