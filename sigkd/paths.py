"""Where prepared datasets, runs and downloaded weights live."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import platformdirs

from sigkd.errors import UsageError


def data_dir(option: Path | None = None) -> Path:
    """Return the home of datasets and runs: ``--data-dir``, else ``$SIGKD_DATA``, else the user data directory."""
    if option is not None:
        return Path(option)
    return Path(os.environ.get("SIGKD_DATA") or platformdirs.user_data_dir("sigkd", appauthor=False))


def cache_dir(option: Path | None = None) -> Path:
    """Return the home of weights: ``--cache-dir``, else ``$SIGKD_CACHE``, else the user cache directory."""
    if option is not None:
        return Path(option)
    return Path(os.environ.get("SIGKD_CACHE") or platformdirs.user_cache_dir("sigkd", appauthor=False))


def path_text(path: Path | str) -> str:
    """Return a path, with ``/``, as text that any file can hold: bytes in it that are no text are written out."""
    return os.fsencode(Path(path).as_posix()).decode("utf-8", "backslashreplace")


def plain_name(name: str) -> str:
    """Return a name under which something will be kept in the data directory.

    Raises:
        UsageError: it is none, or leads out of there.
    """
    path = PurePath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise UsageError(f"`name` '{name}' leads out of the data directory: give a plain name")
    return name


def dataset_path(name: str, data: Path) -> Path:
    """Return where ``preprocess`` and ``prepare-text`` put the dataset ``name`` (without a store's suffix)."""
    return data / "datasets" / name


def store_path(name: str, data: Path) -> Path:
    """Return the file of the signature store ``name``."""
    stored = dataset_path(name, data)
    return stored.with_name(f"{stored.name}.npz")  # a name may have dots


def run_path(name: str, data: Path) -> Path:
    """Return the directory of the training run ``name``."""
    return data / "runs" / name
