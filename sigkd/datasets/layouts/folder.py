"""Anybody's signatures: a folder for each writer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sigkd.datasets.layouts.base import (
    DATASETS,
    Kind,
    Layout,
    SignatureRecord,
    SignatureSet,
    record_order,
    refuse_doubles,
)
from sigkd.errors import DatasetError
from sigkd.images.formats import search
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


_FORGED = re.compile(r"[-_. ]*(forg\w*|fakes?|faked|skilled|simulated)$", re.IGNORECASE)


@dataclass(frozen=True)
class FolderLayout(Layout):
    """``WRITER/genuine/*``, ``WRITER/forged/*`` (or ``skilled``), ``WRITER/simple/*``, or ``WRITER/*``: all genuine."""

    title: str = "your own signatures"
    shape: str = "WRITER/genuine/* and WRITER/forged/* (or WRITER/*, all genuine) for each writer"
    source: str = "a directory of yours"

    def scan(self, root: Path, *, documents: bool = False) -> SignatureSet:
        """Read every path under ``root``; see :meth:`Layout.scan`."""
        records: list[SignatureRecord] = []
        below = search(root, documents=documents)
        for path in below.images:
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
        refuse_doubles(records, root)
        _refuse_forgers(records, root)
        records.sort(key=record_order)
        return SignatureSet("", root, records, self.canvas, self.defaults, passed=below.others)


def _refuse_forgers(records: list[SignatureRecord], root: Path) -> None:
    """Raise DatasetError where files that another layout calls forgeries would count as genuine.

    Forgers would be enrolled as writers, or forgeries as their victims' own signatures.
    """
    genuine = [record for record in records if record.kind == "genuine"]
    for name in DATASETS:
        found = [DATASETS.get(name).record(record.path, root) for record in genuine if name not in ("csv", "folder")]
        forged = next((record for record in found if record is not None and record.kind != "genuine"), None)
        if forged is not None and any(record is not None and record.kind == "genuine" for record in found):
            file = path_text(forged.path.relative_to(root))
            raise DatasetError(
                f"{root}: {file} is a forgery in the layout '{name}', and genuine in 'folder': read the set as what it "
                f"is ('sigkd preprocess {root} --dataset {name}'), or put forgeries into WRITER/forged"
            )
    writers = {record.writer.casefold() for record in genuine}
    for record in genuine:
        victim = _FORGED.sub("", record.writer)
        if victim != record.writer and victim.casefold() in writers:
            raise DatasetError(
                f"{root}: {record.writer} seems to hold forgeries of {victim}, and would count as a writer: put them "
                f"into {victim}/forged"
            )


FOLDER = DATASETS.register("folder")(FolderLayout())
