"""Files that are whole or absent: atomic writes, content hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sigkd.errors import InputError, SigkdError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on success flush it to disk and rename it, on failure remove it.

    The suffix of the temporary name is the target's, since some writers choose the format by it (``numpy.savez``).
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)  # mkstemp's 0600 would stay with the renamed file
    identity = temporary.stat().st_ino
    try:
        yield temporary
        if temporary.stat().st_ino != identity:  # the writer put a private file of its own in its place
            temporary.chmod(0o666 & ~umask)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, document: Any) -> None:
    """Write a JSON document (indented, keys in their order, NaN refused), atomically."""
    write_text(target, json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as a hexadecimal string."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def parsing(path: Path | str, what: str, error: type[SigkdError] = InputError) -> Iterator[None]:
    """Make one line that names the file of whatever a parser raises over half a file, or something else altogether.

    Args:
        path: the file.
        what: what it should be ("features file").
        error: the class to raise; a SigkdError from inside keeps its own, and gets the file's name.
    """
    try:
        yield
    except SigkdError as reason:
        if str(path) in str(reason):
            raise
        raise type(reason)(f"{path}: {reason}") from reason
    except OSError as reason:
        raise error(f"{path}: {reason.strerror or f'not a readable {what}'}") from reason
    except Exception as reason:  # parsers of NumPy, SciPy, zipfile, zlib, Arrow have no common class
        text = " ".join(str(reason).split())[:200] or type(reason).__name__
        raise error(f"{path}: not a readable {what} ({text})") from reason


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def csv_cell(text: str) -> str:
    """Return a text for a CSV cell: what a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_text(cell: str) -> str:
    """Return the text that :func:`csv_cell` made the cell of."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell
