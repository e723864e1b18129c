"""The known signature datasets, a TOML file each (``folder`` and ``csv`` are code); :data:`DATASETS` has them all."""

from pathlib import Path

from sigkd.datasets.layouts import csv, folder
from sigkd.datasets.layouts.base import DATASETS, KINDS, Defaults, Kind, Layout, SignatureRecord, SignatureSet
from sigkd.datasets.layouts.declared import read_layout
from sigkd.errors import DatasetError

__all__ = [
    "DATASETS",
    "KINDS",
    "Defaults",
    "Kind",
    "Layout",
    "SignatureRecord",
    "SignatureSet",
    "csv",
    "folder",
    "named_writers",
    "scan_dataset",
]

for _path in sorted(Path(__file__).parent.glob("*.toml")):
    DATASETS.register(_path.stem)(read_layout(_path))

PUBLISHED = [name for name in DATASETS if name not in ("csv", "folder")]
"""The datasets that somebody published, by name."""


def find_layout(name: str) -> Layout:
    """Return the layout of a name in :data:`DATASETS`, or of a file ``*.toml``.

    Raises:
        UsageError: unknown name; DatasetError: a file that is no layout.
    """
    return read_layout(Path(name)) if name.endswith(".toml") else DATASETS.get(name)


def named_writers(writers: str | None, layout: str) -> str | None:
    """Return ``writers`` with the name of a subset of the layout replaced by its writers, with commas between them.

    Anything else, and any layout that is not known here, comes back as it is.
    """
    known = DATASETS.get(layout).subsets if layout in DATASETS else {}
    return ",".join(known[writers]) if writers is not None and writers in known else writers


def scan_dataset(name: str, root: Path, allow_incomplete: bool = False, *, documents: bool = False) -> SignatureSet:
    """List the signatures of the dataset ``name`` under ``root``.

    Args:
        name: a name in :data:`DATASETS`, or a layout of one's own (``*.toml``).
        root: the dataset's directory (layout ``csv``: the table, or the directory that holds it).
        allow_incomplete: go on with what is there; ``missing`` of the result says what is not.
        documents: take PDF files, too: signatures are looked for on their pages.

    Raises:
        DatasetError: if it is absent, in another layout or incomplete; the message lists what is missing.
        UsageError: if the name is unknown.
    """
    layout = find_layout(name)
    root = Path(root)
    if not root.exists():
        raise DatasetError(f"{root}: no such directory. {layout.title}: {layout.source}")
    signatures = layout.scan(root, documents=documents)
    signatures.name = name = Path(name).stem
    if signatures.missing and not allow_incomplete:
        shown = "; ".join(signatures.missing[:_SHOWN])
        more = f"; and so on for {len(signatures.missing) - _SHOWN} more" if len(signatures.missing) > _SHOWN else ""
        raise DatasetError(
            f"{root}: {name} is incomplete, missing: {shown}{more}. `allow_incomplete=True` goes on with what is there"
        )
    return signatures


_SHOWN = 60
