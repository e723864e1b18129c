"""The journal of a long run: answers that are on the disk before the table of all of them can be written."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sigkd.errors import InputError, LockedError


class Journal:
    """Answers that are on the disk: a line of JSON each; what a killed process left half-written is cut off."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self.path, self._stream = path, stream
        self.places: dict[int, int] = {}
        """Where a row's answer begins in the file."""
        self.answers: dict[int, str] = {}
        """What a row's answer is."""

    @classmethod
    @contextmanager
    def opened(cls, out: Path, facts: dict[str, str]) -> Iterator[Journal]:
        """Open the journal of a table of answers; a new one where there is none.

        Args:
            out: the table of answers.
            facts: what the answers depend on.

        Raises:
            InputError: a journal of other facts; LockedError: another run writes the same answers.
        """
        path = out.with_name(f".{out.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not O_EXCL: an interrupted run's journal is what this one goes on with.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as stream:
            _lock(stream, out)
            journal = cls(path, stream)
            journal._load(out, facts)
            yield journal

    def _load(self, out: Path, facts: dict[str, str]) -> None:
        head, end = self._stream.readline(), self._stream.tell()
        # Killed within the first line: nothing was answered yet.
        if not head.endswith(b"\n"):
            head, end = b"", 0
        if not head:
            self._stream.seek(0)
            self._stream.truncate()
            self._stream.write(json.dumps(facts).encode() + b"\n")
            self._flush()
            return
        try:
            before = json.loads(head)
        except (ValueError, RecursionError):
            before = None
        if before != facts:
            known = before if isinstance(before, dict) else {}
            what = ", ".join(name for name in facts if known.get(name) != facts[name])
            raise InputError(
                f"{self.path}: has answers of another command (another {what}): remove it to begin anew, or name "
                f"another `out` than {out}"
            )
        for line in iter(self._stream.readline, b""):
            answer = _checked(line)
            if answer is None:  # cut off, or damaged: this claim and those after it are answered again
                break
            self.places[answer["row"]], self.answers[answer["row"]] = end, answer["answer"]
            end = self._stream.tell()
        self._stream.seek(end)
        self._stream.truncate()

    def append(self, found: dict[int, dict[str, Any]]) -> None:
        """Write answers by row; on return they are on the disk."""
        self._stream.seek(0, os.SEEK_END)
        for row, answer in found.items():
            place = self._stream.tell()
            text = json.dumps({"row": row, **answer}).encode()
            self._stream.write(b"%08x %s\n" % (zlib.crc32(text), text))
            self.places[row], self.answers[row] = place, answer["answer"]
        self._flush()

    def read(self, row: int) -> dict[str, Any]:
        """Return a row's answer."""
        self._stream.seek(self.places[row])
        answer = _checked(self._stream.readline())
        if answer is None or answer.pop("row", None) != row:
            raise InputError(f"{self.path}: another program changed it: repeat the command")
        return answer

    def remove(self) -> None:
        """Remove the file: its answers are elsewhere."""
        self.path.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._stream.flush()
        # The gallery's log has these answers by now; they must not be lost and asked, and logged, again.
        os.fsync(self._stream.fileno())


def _checked(line: bytes) -> dict[str, Any] | None:
    """Return the answer of a journal's line, None where the line is not what was written."""
    check, _, text = line.partition(b" ")
    if not text.endswith(b"\n") or check != b"%08x" % zlib.crc32(text[:-1]):
        return None
    answer: dict[str, Any] = json.loads(text)
    return answer


def _lock(stream: IO[bytes], out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise LockedError(f"{out}: another run is answering these claims") from None
