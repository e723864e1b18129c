"""The dataset that ``sigkd prepare-text`` makes: a directory with memory-mapped crops, an index and a description.

- ``images.npy``: uint8 [N, 170, 242], ink bright on black;
- ``index.npy``: one row a crop (:data:`INDEX_COLUMNS`);
- ``dataset.json``: source, options, preprocess version, counts, writers, pages, content hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sigkd.errors import DatasetError
from sigkd.files import parsing, sha256_file
from sigkd.json_documents import JsonDocument
from sigkd.paths import dataset_path

IMAGES, INDEX, DESCRIPTION = "images.npy", "index.npy", "dataset.json"

INDEX_COLUMNS = (
    "label page line position canvas aspect scale blur start end top bottom left right split".split()  # noqa: SIM905
)
"""Columns of the index that every version 1 dataset has."""


@dataclass(frozen=True)
class TextCounts:
    """How much there was at every stage."""

    pages: int
    """With lines on them."""
    lines: int
    stripes: int
    crops: int
    writers: int
    train: int
    validation: int
    pages_found: int
    crops_cut: int
    """Before some were left out."""


@dataclass(frozen=True)
class TextSkipped:
    """What was left out, and why."""

    files: list[tuple[str, str]]
    """Name and reason."""
    pages: list[tuple[str, str]]
    """Pages that gave nothing: name and reason."""
    writers: list[str]
    """With too little text."""
    parts: dict[str, int]
    """Parts of pages, by reason."""


@dataclass(frozen=True)
class TextPage:
    """A page of the collection."""

    name: str
    writer: str
    lines: int
    stripes: int
    crops: int
    angle: float
    """By which it was turned, degrees counter-clockwise."""


class TextDescription(JsonDocument, format="sigkd-text", version=1, error=DatasetError):
    """The file ``dataset.json`` of a text dataset: what it was made from, how, and what came out."""

    sigkd_version: str
    preprocess_version: str
    source: str
    layout: str
    options: dict[str, Any]
    """Of ``sigkd prepare-text``."""
    size: tuple[int, int]
    """Height and width of the crops in pixels."""
    canvas_names: list[str]
    """By their numbers in the index."""
    canvas_sizes: list[tuple[int, int] | None]
    """Height and width in pixels; null: not known."""
    counts: TextCounts
    skipped: TextSkipped
    writers: list[str]
    """By their labels in the index."""
    crops_per_writer: list[int]
    pages: list[TextPage]
    """By their numbers in the index."""
    content_hash: str
    """SHA-256 over images, index and writers."""

    @classmethod
    def upgraded(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return the description with the version under the name that all documents have."""
        if "format_version" not in document:
            return document
        return {"version": document["format_version"], **{k: v for k, v in document.items() if k != "format_version"}}


@dataclass
class TextDataset:
    """A prepared text dataset, opened for reading; the images stay on disk until they are touched."""

    path: Path
    images: npt.NDArray[np.uint8]
    """[N, 170, 242] memory map, ink bright on black."""
    labels: npt.NDArray[np.int64]
    """[N] number of the writer in ``writers``."""
    split: npt.NDArray[np.uint8]
    """[N] 0 training, 1 validation."""
    index: npt.NDArray[np.void]
    """[N] rows that trace each crop to page, line, stripe position, canvas and aspect."""
    writers: list[str]
    description: TextDescription = field(repr=False)

    @property
    def content_hash(self) -> str:
        """SHA-256 over images, index and writers."""
        return self.description.content_hash

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def open(cls, path: Path | str, *, check: bool = True) -> TextDataset:
        """Open the dataset in the directory ``path``.

        Args:
            path: the directory.
            check: compare the content with its hash, which reads everything once.

        Raises:
            DatasetError: if it is missing, incomplete, damaged or of a later version.
        """
        path = Path(path)
        if not (path / DESCRIPTION).is_file():
            hint = " (an unfinished run lies beside it: repeat its command)" if partial_path(path).exists() else ""
            raise DatasetError(f"{path}: no text dataset{hint}; make one with: sigkd prepare-text SRC --layout ...")
        with parsing(path, "text dataset", DatasetError):
            description = TextDescription.read(path / DESCRIPTION)
            images = np.load(path / IMAGES, mmap_mode="r", allow_pickle=False)
            index = np.load(path / INDEX, allow_pickle=False)
            fits = images.ndim == 3 and images.dtype == np.uint8 and len(images) == len(index)
            if not fits or not set(INDEX_COLUMNS) <= set(index.dtype.names or ()):
                raise DatasetError("images and index do not belong together; prepare it anew")
            writers = description.writers
            labels, split = index["label"].astype(np.int64), index["split"].astype(np.uint8)
            if check and content_hash(path, writers) != description.content_hash:
                raise DatasetError("its content is not what was saved (the hash differs); prepare it anew")
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(writers):
                raise DatasetError("its index names writers that it does not have; prepare it anew")
        return cls(path, images, labels, split, index, writers, description)

    def trace(self, number: int) -> dict[str, Any]:
        """Return where crop ``number`` came from: writer, page, line, position, canvas, aspect, rows, columns."""
        row = {name: self.index[number][name].item() for name in INDEX_COLUMNS}
        row["writer"] = self.writers[row.pop("label")]
        row["page"] = self.description.pages[row["page"]].name
        row["canvas"] = self.description.canvas_names[row["canvas"]]
        row["split"] = ("train", "validation")[row["split"]]
        return row


def content_hash(path: Path, writers: list[str]) -> str:
    """Return the SHA-256 over the hashes of images and index and over the writers' names, in hexadecimal."""
    import hashlib

    parts = [sha256_file(path / IMAGES), sha256_file(path / INDEX), json.dumps(writers)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def partial_path(path: Path) -> Path:
    """Return the directory of the unfinished run of the dataset ``path``."""
    return path.with_name(path.name + ".partial")


def find_text(name_or_path: str, data: Path, *, check: bool = True) -> TextDataset:
    """Open a text dataset by its name (below ``data``) or by its directory; ``check`` as :meth:`TextDataset.open`.

    Raises:
        DatasetError: if there is none; the message names the command that makes it and where to get pages.
    """
    named = dataset_path(name_or_path, data)
    for path in (Path(name_or_path), named):
        if (path / DESCRIPTION).is_file():
            return TextDataset.open(path, check=check)
    hint = " (an unfinished run lies there: repeat its command)" if partial_path(named).exists() else ""
    raise DatasetError(
        f"no text dataset '{name_or_path}' in {named.parent}{hint}; make it with: "
        f"sigkd prepare-text PAGES --layout cvl --name {name_or_path} "
        "(CVL database: https://cvl.tuwien.ac.at/research/cvl-databases/an-off-line-database-for-writer-retrieval-writer-"
        "identification-and-word-spotting/; IAM: https://fki.tic.heia-fr.ch/databases/iam-handwriting-database)"
    )
