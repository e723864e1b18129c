"""Anybody's signatures: a folder for each writer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sigkd.datasets.layouts.base import DATASETS, Kind, Layout, SignatureRecord, SignatureSet, record_order
from sigkd.errors import DatasetError
from sigkd.images.formats import images_below
from sigkd.paths import path_text

_KINDS: dict[str, Kind] = {
    "genuine": "genuine",
    "original": "genuine",
    "forged": "skilled",
    "forgery": "skilled",
    "forgeries": "skilled",
    "skilled": "skilled",
    "simple": "simple",
}


@dataclass(frozen=True)
class FolderLayout(Layout):
    """``WRITER/genuine/*``, ``WRITER/forged/*`` (or ``skilled``), ``WRITER/simple/*``, or ``WRITER/*``: all genuine."""

    title: str = "your own signatures"
    shape: str = "WRITER/genuine/* and WRITER/forged/* (or WRITER/*, all genuine) for each writer"
    source: str = "a directory of yours"

    def scan(self, root: Path) -> SignatureSet:
        """Read every path under ``root``; see :meth:`Layout.scan`."""
        records: list[SignatureRecord] = []
        for path in images_below(root):
            folder, *rest = path.relative_to(root).parts
            writer = path_text(folder)
            if len(rest) == 1:
                records.append(SignatureRecord(path, writer, "genuine"))
            elif len(rest) == 2 and rest[0].casefold() in _KINDS:
                records.append(SignatureRecord(path, writer, _KINDS[rest[0].casefold()]))
            else:
                where = re.sub(r"/[^/]*$", "", path.relative_to(root).as_posix()) if rest else "the root itself"
                raise DatasetError(f"{root}: images in {where}; the root should hold {self.shape}")
        if not records:
            raise DatasetError(f"{root}: no images; the root should hold {self.shape}")
        return SignatureSet("", root, sorted(records, key=record_order), self.canvas, self.defaults)


FOLDER = DATASETS.register("folder")(FolderLayout())
