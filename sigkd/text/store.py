"""What is finished stays finished: crops are appended page by page, and a killed run goes on where it stopped.

The directory ``<target>.partial`` holds ``images.npy`` (its header is written last), ``index.bin`` and
``journal.jsonl``. A page is finished when its line stands in the journal; whatever the other two hold beyond the
journal's last line is cut off on opening.
"""

from __future__ import annotations

import json
import operator
import shutil
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sigkd.errors import InputError
from sigkd.files import parsing, write_json
from sigkd.images.canvas import SIZE
from sigkd.text.page import INDEX_DTYPE, PageResult

HEADER_BYTES = 128
_IMAGE_BYTES = SIZE[0] * SIZE[1]


def npy_header(count: int) -> bytes:
    """Return the header of a ``.npy`` file of uint8 [count, 170, 242], padded to 128 bytes whatever the count."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {SIZE[0]}, {SIZE[1]}), }}"
    body = text.ljust(HEADER_BYTES - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body.encode("ascii")


class PartialStore:
    """The growing dataset of one run."""

    def __init__(self, target: Path, run: dict[str, Any]) -> None:
        """Open or create the partial dataset of ``target`` for the run described by ``run`` (its options and pages).

        Raises:
            InputError: if an unfinished run with another description lies there.
        """
        self.directory = target.with_name(target.name + ".partial")
        self.finished: list[dict[str, Any]] = []
        self.directory.mkdir(parents=True, exist_ok=True)
        description = self.directory / "run.json"
        if description.exists():
            with parsing(description, "description of an unfinished run"):
                before = json.loads(description.read_text(encoding="utf-8"))
            if before != run:
                raise InputError(
                    f"{self.directory}: an unfinished run with other options or pages; "
                    "repeat it as it was started, or start anew with `overwrite=True`"
                )
        else:
            write_json(description, run)
        self._journal = self._open("journal.jsonl")
        self._images = self._open("images.npy")
        self._index = self._open("index.bin")
        self._recover()

    def _open(self, name: str) -> BinaryIO:
        path = self.directory / name
        path.touch()
        return path.open("r+b")

    def _recover(self) -> None:
        """Read the journal and cut off what a killed run left beyond it."""
        good = 0
        crops = 0
        content = self._journal.read()
        image_room = (self.directory / "images.npy").stat().st_size - HEADER_BYTES
        index_room = (self.directory / "index.bin").stat().st_size
        for line in content.split(b"\n")[:-1]:
            # the first page whose line or crops are not what was written is done again, and all after it:
            # after a power cut the journal may have reached the disk before the crops did
            try:
                entry = json.loads(line)
                after = crops + operator.index(entry["crops"])
                # before anything is read: a damaged number may be beyond every file
                there = crops <= after <= min(max(0, image_room) // _IMAGE_BYTES, index_room // INDEX_DTYPE.itemsize)
                whole = there and entry.pop("check") == self._check(entry, crops, after)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                break
            if not whole:
                break
            crops = after
            good += len(line) + 1
            self.finished.append(entry)
        self.crops = crops
        self._images.seek(0)
        if not self.finished:
            self._images.truncate(0)
            self._images.write(npy_header(0))
        for stream, size in (
            (self._journal, good),
            (self._images, HEADER_BYTES + crops * _IMAGE_BYTES),
            (self._index, crops * INDEX_DTYPE.itemsize),
        ):
            stream.flush()
            stream.truncate(size)
            stream.seek(size)

    def _check(self, entry: dict[str, Any], first: int, end: int) -> int:
        """Return the checksum of a journal's entry and of the crops ``first`` to ``end - 1`` in the files."""
        found = zlib.crc32(json.dumps(entry, sort_keys=True).encode())
        for stream, start, size in (
            (self._images, HEADER_BYTES, _IMAGE_BYTES),
            (self._index, 0, INDEX_DTYPE.itemsize),
        ):
            stream.seek(start + first * size)
            found = zlib.crc32(stream.read((end - first) * size), found)
        return found

    def append(self, entry: dict[str, Any], result: PageResult) -> None:
        """Add the crops of the next page."""
        images, index = np.ascontiguousarray(result.images).tobytes(), result.index.tobytes()
        self._images.write(images)
        self._index.write(index)
        self._images.flush()
        self._index.flush()
        entry = {**entry, "crops": len(result.index)}
        check = zlib.crc32(index, zlib.crc32(images, zlib.crc32(json.dumps(entry, sort_keys=True).encode())))
        self._journal.write(json.dumps({**entry, "check": check}, ensure_ascii=False).encode() + b"\n")
        self._journal.flush()
        self.finished.append(entry)
        self.crops += len(result.index)

    def index(self) -> np.ndarray[Any, np.dtype[np.void]]:
        """Return the rows of all finished pages."""
        return np.fromfile(self.directory / "index.bin", dtype=INDEX_DTYPE)

    def close_images(self) -> Path:
        """Write the header and return the path of the ``.npy`` of all crops."""
        self._images.seek(0)
        self._images.write(npy_header(self.crops))
        self._images.flush()
        return self.directory / "images.npy"

    def close(self) -> None:
        """Close the files; the run can be resumed."""
        for stream in (self._images, self._index, self._journal):
            stream.close()

    def remove(self) -> None:
        """Close and delete the partial dataset."""
        self.close()
        shutil.rmtree(self.directory)
