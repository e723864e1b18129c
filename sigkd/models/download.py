"""One file from one of several sources, over a network that fails: retries, resumption, and no trust in what arrives.

The file grows under a temporary name beside its target (``.part``), with a note of where it comes from; only the
caller, who knows its hash, may give it its name.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sigkd.errors import ModelError, NetworkError
from sigkd.progress import SILENT, Progress, Task

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
KIB = 1024
LARGEST = 2 << 30
"""No model file is larger than this (bytes): a server that sends without end is cut off here."""


@dataclass(frozen=True)
class Patience:
    """How long a download keeps trying."""

    retries: int = 4
    """Further attempts at one source after something that may pass."""
    backoff: float = 1.0
    """Seconds before the first of them; doubled each time."""
    connect: float = 15.0
    """Seconds to wait for a connection."""
    read: float = 30.0
    """Seconds to wait for the next bytes."""


class _PassingError(Exception):
    """Something that may pass: try the same source again, from where it stopped."""


class _FinalError(Exception):
    """Something that will not pass: try the next source."""


def offline() -> bool:
    """Return whether ``SIGKD_OFFLINE`` forbids network calls (any value but empty, 0, no, false)."""
    return os.environ.get("SIGKD_OFFLINE", "").strip().lower() not in ("", "0", "no", "false")


def download(
    name: str,
    urls: Sequence[str],
    part: Path,
    *,
    pinned: bool,
    size: int | None = None,
    patience: Patience | None = None,
    progress: Progress = SILENT,
) -> str:
    """Bring one file to ``part``, resuming what an earlier attempt left there.

    Args:
        name: what messages call the file.
        urls: sources, tried in this order.
        part: the temporary file; left in place on failure so that the next call resumes it.
        pinned: whether the caller will compare the file with a hash known beforehand. If not, only https is accepted
            (and the machine itself), and a file is resumed only if the server vouches that it has not changed.
        size: expected number of bytes, where known.
        patience: how long to keep trying.
        progress: where the work is reported, in KiB.

    Returns:
        The source that delivered.

    Raises:
        NetworkError: offline by choice, or no source delivered; one line with the reason of each.
        ModelError: the disk is full or not writable.
    """
    if offline():
        raise NetworkError(f"'{name}' would have to be downloaded, and SIGKD_OFFLINE forbids it")
    import requests

    patience = patience or Patience()
    failures: list[str] = []
    with requests.Session() as session:
        for position, url in enumerate(urls):
            try:
                _from_source(session, name, url, part, pinned, size, patience, progress)
            except KeyboardInterrupt:
                progress.info(f"interrupted{_kept(part)}")
                raise
            except _FinalError as reason:
                failures.append(f"{urlsplit(url).netloc or url}: {reason}")
                if position + 1 < len(urls):
                    progress.info(f"{failures[-1]}; trying the next source")
            else:
                return url
    raise NetworkError(f"no source delivered '{name}': {'; '.join(failures)}{_kept(part)}")


def _kept(part: Path) -> str:
    kept = part.stat().st_size if part.is_file() else 0
    return f" ({kept:,} bytes are kept: the same command resumes)" if kept else ""


def _from_source(
    session: requests.Session,
    name: str,
    url: str,
    part: Path,
    pinned: bool,
    size: int | None,
    patience: Patience,
    progress: Progress,
) -> None:
    for attempt in range(patience.retries + 1):
        try:
            _attempt(session, name, url, part, pinned, size, patience, progress)
        except _PassingError as reason:
            if attempt == patience.retries:
                raise _FinalError(f"{reason}, {attempt + 1} attempt{'s'[:attempt]}") from None
            wait = patience.backoff * 2**attempt
            progress.info(f"{urlsplit(url).netloc}: {reason}; trying again in {wait:g} s")
            time.sleep(wait)
        else:
            return


def _attempt(
    session: requests.Session,
    name: str,
    url: str,
    part: Path,
    pinned: bool,
    size: int | None,
    patience: Patience,
    progress: Progress,
) -> None:
    import requests

    start, validator = _resume_point(part, url, pinned)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    try:
        with session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read)) as response:
            _check_status(response, part)
            _check_content(response, pinned)
            start = _confirmed_start(response, start)
            total = _total(response, start)
            if size is not None and total is not None and total != size:
                raise _FinalError(f"offers {total:,} bytes where the file has {size:,}")
            _note(part, url, response.headers.get("ETag") or response.headers.get("Last-Modified"))
            _check_space(part, (total or size or 0) - start)
            label = f"{name} ({start / (total or size or 1):.0%} kept)" if start else name
            with progress.task(label, total=None if total is None else _kib(total - start), unit="KiB") as task:
                _receive(response, part, start, total, size, task)
    except requests.exceptions.SSLError as error:
        raise _FinalError(f"its certificate is not accepted ({_short(error)})") from None
    except requests.exceptions.TooManyRedirects:
        raise _FinalError("redirects without end") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
        raise _FinalError("not a valid http or https address") from None
    except requests.exceptions.ProxyError as error:
        raise _PassingError(f"the proxy refuses ({_short(error)})") from None
    except requests.exceptions.Timeout:
        raise _PassingError(f"no answer within {patience.read:g} s") from None
    except requests.exceptions.ChunkedEncodingError:
        raise _PassingError("the connection broke off in the middle of the file") from None
    except requests.exceptions.RequestException as error:
        raise _PassingError(f"no connection ({_short(error)})") from None


def _kib(size: int) -> int:
    return -(-size // KIB)


def _short(error: Exception) -> str:
    """Return the system's reason inside a nested network error ("Connection refused"), else its text, shortened."""
    text = " ".join(str(error).split())
    reason = re.search(r"\[Errno -?\d+\] ([^'\")\]]+)", text)
    if reason:
        return reason[1].strip()
    return re.sub(r"HTTPS?Connection(Pool)?\([^)]*\): ", "", text)[:100]


def _resume_point(part: Path, url: str, pinned: bool) -> tuple[int, str | None]:
    """Return how many bytes of ``part`` may be kept and the validator that the server gave for them."""
    if not part.is_file():
        return 0, None
    try:
        note = json.loads(_note_path(part).read_text(encoding="utf-8"))
        validator = note.get("validator")
        same = note.get("url") == url and (pinned or validator)
    except (OSError, ValueError, AttributeError):
        same, validator = False, None
    if not same:
        discard(part)
        return 0, None
    # a weak validator (W/"...") must not be sent in If-Range
    strong = validator if isinstance(validator, str) and not validator.startswith("W/") else None
    return part.stat().st_size, strong


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _note(part: Path, url: str, validator: str | None) -> None:
    try:
        _note_path(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
    except OSError as error:
        raise disk_error(error, part.parent) from error


def discard(part: Path) -> None:
    """Remove a partial file and the note beside it."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _check_status(response: requests.Response, part: Path) -> None:
    status = response.status_code
    if status in (200, 206):
        return
    if status == 416:  # the kept part is longer than the file, or the file has changed
        discard(part)
        raise _PassingError("the kept part does not fit the file (HTTP 416)")
    if status in (408, 425, 429) or status >= 500:
        raise _PassingError(f"HTTP {status} {response.reason}")
    raise _FinalError(f"HTTP {status} {response.reason}")


def _check_content(response: requests.Response, pinned: bool) -> None:
    where = urlsplit(response.url)
    if not pinned and where.scheme != "https" and where.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise _FinalError("is not https; a file whose hash is unknown is taken over https only")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _FinalError(_web_page(where.hostname or ""))


def _web_page(host: str) -> str:
    if host.endswith(("google.com", "googleusercontent.com")):
        return (
            "Google Drive answers a web page (its confirmation, quota or sign-in page) instead of the file; fetch it "
            "in a browser and import it with 'sigkd weights add NAME FILE'"
        )
    return "answers a web page (HTML) instead of the file"


def _confirmed_start(response: requests.Response, start: int) -> int:
    """Return the offset at which the answer really begins: 0 if the server sends the file anew."""
    if response.status_code != 206:
        return 0
    span = response.headers.get("Content-Range", "")
    if start and span.startswith(f"bytes {start}-"):
        return start
    raise _FinalError(f"answers another range than was asked for ('{span}')")


def _total(response: requests.Response, start: int) -> int | None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None  # the length is that of the compressed form
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise ModelError(
            f"{part.parent}: the disk is too full: {needed:,} bytes needed, {free:,} free; make room or choose another "
            "cache with --cache-dir"
        )


def _receive(
    response: requests.Response, part: Path, start: int, total: int | None, size: int | None, task: Task
) -> None:
    limit = size or total or LARGEST
    done = start
    try:
        with part.open("ab" if start else "wb") as stream:
            for chunk in response.iter_content(CHUNK):
                if done == 0 and chunk.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
                    raise _FinalError(_web_page(urlsplit(response.url).hostname or ""))
                task.advance(_kib(done + len(chunk) - start) - _kib(done - start))
                done += len(chunk)
                if done > limit:
                    raise _FinalError(f"sends more than the {limit:,} bytes of the file")
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
    except _FinalError:
        discard(part)
        raise
    except OSError as error:
        # requests' own errors are OSErrors too, and without a number
        if error.errno is None:
            raise
        if error.errno == errno.ENOSPC:
            discard(part)
        raise disk_error(error, part.parent) from error
    expected = total if total is not None else size
    if expected is not None and done < expected:
        raise _PassingError(f"stopped after {done:,} of {expected:,} bytes")


def disk_error(error: OSError, folder: Path) -> ModelError:
    """Return the one line for a failure of the cache's file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(
            f"{folder}: the disk is full; make room or choose another cache with --cache-dir or SIGKD_CACHE"
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ModelError(
            f"{folder}: the cache cannot be written ({error.strerror}); choose another with --cache-dir or SIGKD_CACHE"
        )
    return ModelError(f"{folder}: the cache cannot be used ({error.strerror or error})")


def reachable(host: str, timeout: float = 5.0) -> str:
    """Return ``reachable``, ``offline (SIGKD_OFFLINE)`` or the reason why ``host`` does not answer over https."""
    if offline():
        return "offline (SIGKD_OFFLINE)"
    import requests

    try:
        requests.head(f"https://{host}/", timeout=timeout, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        return f"not reachable ({_short(error)})"
    return "reachable"
