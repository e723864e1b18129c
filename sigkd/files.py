"""Files that are whole or absent: atomic writes, content hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigkd.errors import InputError, SigkdError

if TYPE_CHECKING:
    from numpy.typing import NDArray

if sys.platform != "win32":
    import fcntl

_STEM = 100  # characters of a name that go into a temporary one: some file systems allow 255 bytes in all
_OLD = 60.0
_FULL = 1 << 20


@contextmanager
def atomic_path(target: Path | str, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on success flush it to disk and rename it, on failure remove it.

    The suffix of the temporary name is the target's, since some writers choose the format by it (``numpy.savez``). A
    link stays one: the file behind it is replaced. A device or a pipe is written to. What a killed process left of the
    same target is removed.

    Args:
        target: the file to write.
        private: readable by its owner only, from the first byte on; else as the file that it replaces, or as usual.

    Raises:
        OSError: with the target's name, also where the temporary file, or none, was the trouble.
    """
    # Renaming over a link would replace the link, not the file behind it.
    named, target = Path(target), Path(os.path.realpath(target))
    if target.exists() and not target.is_file():
        with _written_to(target) as elsewhere:
            yield elsewhere
        return
    temporary: Path | None = None
    handle: int | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_left(target)
        temporary, handle = _create(target, private)
        # Some writers remove the file and make another; the rights are put back by this one's.
        status = os.fstat(handle)
        yield temporary
        if temporary.stat().st_ino != status.st_ino:  # the writer put a file of its own in its place
            temporary.chmod(stat.S_IMODE(status.st_mode))
        with temporary.open("rb") as stream:
            # Before the rename: after a power cut a new name must not stand for an empty file.
            os.fsync(stream.fileno())
        temporary.replace(target)
        flush_folder(target.parent)
    except SigkdError:
        raise
    except OSError as error:
        if error.filename is not None and temporary is not None and Path(error.filename) != temporary:
            raise
        raise OSError(*_reason(error, target), str(named)) from error
    except Exception as error:
        if _is_full(target.parent):  # writers have errors of their own for it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(named)) from error
        raise
    finally:
        if handle is not None:
            os.close(handle)
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _create(target: Path, private: bool) -> tuple[Path, int]:
    """Make a temporary file beside ``target``, locked as long as its handle is open."""
    mode = 0o600 if private else 0o666
    path = target.with_name(f".{target.stem[:_STEM]}.{secrets.token_hex(4)}{target.suffix}")
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)
    if target.exists() and not private:
        os.chmod(path, stat.S_IMODE(target.stat().st_mode))  # noqa: PTH101 - a path that was just made
    if sys.platform != "win32":
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return path, handle


def _remove_left(target: Path) -> None:
    """Remove temporary files of ``target`` that nobody writes any more: unlocked, and not of this minute."""
    if sys.platform == "win32":
        return
    name = re.compile(rf"\.{re.escape(target.stem[:_STEM])}\.[0-9a-f]{{8}}{re.escape(target.suffix)}")
    for path in target.parent.iterdir():
        if name.fullmatch(path.name) and path.is_file() and time.time() - path.stat().st_mtime > _OLD:
            with suppress(OSError), path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


@contextmanager
def _written_to(target: Path) -> Iterator[Path]:
    """Yield a temporary path whose content is written to a device or a pipe."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    with tempfile.TemporaryDirectory(prefix="sigkd-") as folder:
        temporary = Path(folder) / f"output{target.suffix}"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)


def _reason(error: OSError, target: Path) -> tuple[int, str]:
    """Return number and words of an error; NumPy's has neither when the disk is full."""
    if error.errno is None and _is_full(target.parent):
        return errno.ENOSPC, os.strerror(errno.ENOSPC)
    return error.errno or errno.EIO, error.strerror or " ".join(str(error).split())


def _is_full(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free < _FULL


def flush_folder(folder: Path) -> None:
    """Bring the new name to the disk, where folders can be flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8, see :func:`write_bytes`; bytes of a file's name that are none stay readable."""
    write_bytes(target, text.encode("utf-8", "backslashreplace"))


def write_bytes(target: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file, atomically; ``private``: readable by its owner only.

    A device or a pipe is written to at once: a report has signatures in it, and leaves no temporary file elsewhere.
    """
    target = Path(target)
    if target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as sink:
            sink.write(content)
        return
    with atomic_path(target, private=private) as temporary:
        temporary.write_bytes(content)


def json_text(document: Any, *, ascii_only: bool = False) -> str:
    """Return a JSON document, indented, keys in their order, NaN refused."""
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=ascii_only)
    return (text if encodable(text) else json.dumps(document, indent=2, allow_nan=False)) + "\n"


def encodable(text: str) -> bool:
    """Return whether UTF-8 can hold a text: names of files may have bytes that are no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_json(target: Path, document: Any) -> None:
    """Write :func:`json_text`, atomically."""
    write_text(target, json_text(document))


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as a hexadecimal string."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file's content: against damage, not against people."""
    found = 0
    with Path(path).open("rb") as stream:
        while part := stream.read(_PART):
            found = zlib.crc32(part, found)
    return found


@contextmanager
def parsing(path: Path | str, what: str, error: type[SigkdError] = InputError) -> Iterator[None]:
    """Make one line that names the file of whatever a parser raises over half a file, or something else altogether.

    Args:
        path: the file.
        what: what it should be ("features file").
        error: the class to raise; a SigkdError of another kind from inside keeps its own, and gets the file's
            name.
    """
    try:
        yield
    except SigkdError as reason:
        if str(path) in str(reason):
            raise
        kind = error if issubclass(error, type(reason)) else type(reason)
        raise kind(f"{path}: {reason}") from reason
    except OSError as reason:
        raise error(f"{path}: {reason.strerror or f'not a readable {what}'}") from reason
    except Exception as reason:  # parsers of NumPy, SciPy, zipfile, zlib, Arrow have no common class
        # One line, whatever the parser's words look like.
        text = " ".join(str(reason).split())[:200] or type(reason).__name__
        raise error(f"{path}: not a readable {what} ({text})") from reason


class NumpyArchive:
    """The arrays of a ``.npz`` file, never pickled, each compared with its checksum.

    NumPy alone stops reading where a header says that the array ends, and then compares nothing; and one wrong bit in
    the directory at the end of the file can take members out of it without a word.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.files = [name.removesuffix(".npy") for name in archive.namelist()]
        """Names of the arrays."""

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an array.

        Raises:
            KeyError: there is none of this name; ValueError: it is pickled, or not what its header says; others of
                zipfile and zlib: it is damaged.
        """
        import numpy as np

        member = self._archive.getinfo(f"{name}.npy")
        with self._archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            if version not in readers:
                raise ValueError(f"'{name}' is an array of the version {version}")
            shape, by_columns, kind = readers[version](stream)
            if kind.hasobject:
                raise ValueError(f"'{name}' is pickled")
            size = math.prod(shape) * kind.itemsize
            if size != member.file_size - stream.tell() or size < 0:  # before so much memory is taken
                raise ValueError(f"'{name}' is not as long as it says")
            content = bytearray(size)
            view, place = memoryview(content), 0
            while part := stream.read(_PART):  # to the end: only there the checksum is compared
                view[place : place + len(part)] = part
                place += len(part)
        return np.frombuffer(content, kind).reshape(shape, order="F" if by_columns else "C")


_PART = 1 << 22


@contextmanager
def numpy_archive(path: Path | str) -> Iterator[NumpyArchive]:
    """Open a ``.npz`` file for reading.

    Raises:
        ValueError, OSError, zipfile.BadZipFile: it is none, or its directory is damaged.
    """
    with Path(path).open("rb") as stream, zipfile.ZipFile(stream) as archive:
        stream.seek(-min(stream.seek(0, os.SEEK_END), _ZIP_END), os.SEEK_END)
        end = stream.read().rpartition(b"PK\x05\x06")[2]
        if int.from_bytes(end[6:8], "little") not in (len(archive.namelist()), 0xFFFF):
            raise ValueError("parts of it are missing")
        for member in archive.infolist():  # a name that is another in the directory than at its part
            archive.open(member).close()
        yield NumpyArchive(archive)


_ZIP_END = 22 + 65535

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def csv_cell(text: str) -> str:
    """Return a text for a CSV cell: what a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_text(cell: str) -> str:
    """Return the text that :func:`csv_cell` made the cell of."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA) else cell
