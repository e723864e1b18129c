"""One file from one of several sources, over a network that fails: retries, resumption, and no trust in what arrives.

The file grows under a temporary name beside its target (``.part``); only the caller, who knows its hash, may give it
its name. A part is kept and resumed only where a hash known beforehand will tell whether the whole is right.
"""

from __future__ import annotations

import contextlib
import errno
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
from sigkd.words import counted

if TYPE_CHECKING:
    import requests
    from urllib3.util import Retry

CHUNK = 1 << 16
KIB = 1024
LARGEST = 2 << 30
"""No model file is larger than this (bytes): a server that sends without end is cut off here."""

LONGEST_WAIT = 60.0
"""Seconds that a server may ask for (Retry-After) before the next attempt."""


@dataclass(frozen=True)
class Patience:
    """How long a download keeps trying."""

    retries: int = 4
    """Further attempts at one source after something that may pass; the first of them at once."""
    backoff: float = 1.0
    """Half the seconds before the second of them; doubled each time."""
    connect: float = 15.0
    """Seconds to wait for a connection."""
    read: float = 30.0
    """Seconds to wait for the next bytes."""


class _PassingError(Exception):
    """Something that may pass: try the same source again, from where it stopped."""

    def __init__(self, reason: str, response: requests.Response | None = None) -> None:
        super().__init__(reason)
        self.response = response


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
        part: the temporary file; of a pinned file what came is left in place on failure, and the next call resumes it,
            from whatever source.
        pinned: whether the caller will compare the file with a hash known beforehand. If not, nothing is resumed, and
            only https is accepted, over every redirect (and the machine itself).
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

    failures: list[str] = []
    if not pinned:
        part.unlink(missing_ok=True)
    # One session: the next attempt finds the connection open.
    with requests.Session() as session:
        work = _Download(session, name, part, pinned, size, patience or Patience(), progress)
        for position, url in enumerate(urls):
            try:
                work.from_source(url)
            except KeyboardInterrupt:
                progress.info(f"interrupted{work.kept()}")
                raise
            except _FinalError as reason:
                failures.append(f"{urlsplit(url).netloc or url}: {reason}")
                if position + 1 < len(urls):
                    progress.info(f"{failures[-1]}; trying the next source")
            else:
                return url
    raise NetworkError(f"no source delivered '{name}': {'; '.join(failures)}{work.kept()}")


@dataclass(frozen=True)
class _Download:
    """One file on its way; the fields are :func:`download`'s arguments."""

    session: requests.Session
    name: str
    part: Path
    pinned: bool
    size: int | None
    patience: Patience
    progress: Progress

    def kept(self) -> str:
        """Say how much is kept for the next call; remove what must not be resumed."""
        if not self.pinned:
            self.part.unlink(missing_ok=True)
        kept = self.part.stat().st_size if self.part.is_file() else 0
        return f" ({kept:,} bytes are kept: the same command resumes)" if kept else ""

    def from_source(self, url: str) -> None:
        """Bring the file from one source, however often the line breaks."""
        from urllib3.exceptions import MaxRetryError
        from urllib3.util import Retry

        retry = Retry(total=self.patience.retries, backoff_factor=self.patience.backoff)
        while True:
            try:
                return self.attempt(url)
            except _PassingError as reason:
                try:
                    retry = retry.increment("GET", url)
                except MaxRetryError:
                    attempts = len(retry.history) + 1
                    raise _FinalError(f"{reason}, {counted(attempts, 'attempt')}") from None
                wait = _wait(retry, reason.response)
                self.progress.info(f"{urlsplit(url).netloc}: {reason}; trying again in {wait:g} s")
                time.sleep(wait)

    def attempt(self, url: str) -> None:
        """Ask once, and take what comes."""
        import requests

        start = self.part.stat().st_size if self.pinned and self.part.is_file() else 0
        # The bytes as they are: of a compressed answer neither length nor offset would be the file's.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        timeout = (self.patience.connect, self.patience.read)
        try:
            with self.session.get(url, headers=headers, stream=True, timeout=timeout) as response:
                self.check(response)
                start = _confirmed_start(response, start)
                total = _total(response, start)
                # Told now, not after the whole of another file was fetched.
                if self.size is not None and total is not None and total != self.size:
                    raise _FinalError(f"offers {total:,} bytes where the file has {self.size:,}")
                _check_space(self.part, (total or self.size or 0) - start)
                label = f"{self.name} ({start / (total or self.size or 1):.0%} kept)" if start else self.name
                expected = None if total is None else _kib(total - start)
                with self.progress.task(label, total=expected, unit="KiB") as task:
                    self.receive(response, start, total, task)
        except requests.exceptions.SSLError as error:
            raise _FinalError(f"its certificate is not accepted ({_short(error)})") from None
        except requests.exceptions.TooManyRedirects:
            raise _FinalError("redirects without end") from None
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
            raise _FinalError("not a valid http or https address") from None
        except requests.exceptions.ProxyError as error:
            raise _PassingError(f"the proxy refuses ({_short(error)})") from None
        except requests.exceptions.Timeout:
            raise _PassingError(f"no answer within {self.patience.read:g} s") from None
        except requests.exceptions.ChunkedEncodingError:
            raise _PassingError("the connection broke off in the middle of the file") from None
        except requests.exceptions.RequestException as error:
            raise _PassingError(f"no connection ({_short(error)})") from None

    def check(self, response: requests.Response) -> None:
        """Refuse an answer that is not the file: by its status, by how it came, by its kind."""
        status = response.status_code
        if status == 416:  # the kept part is longer than the file
            self.part.unlink(missing_ok=True)
            raise _PassingError("the kept part does not fit the file (HTTP 416)")
        if status in (408, 425, 429) or status >= 500:
            raise _PassingError(f"HTTP {status} {response.reason}", response)
        if status not in (200, 206):
            raise _FinalError(f"HTTP {status} {response.reason}")
        where = urlsplit(response.url)
        # one step over http is enough for somebody on the way to lead the rest elsewhere
        if not self.pinned and any(_open_to_others(each.url) for each in (*response.history, response)):
            raise _FinalError("is not https all the way; a file whose hash is unknown is taken over https only")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise _FinalError(_web_page(where.hostname or ""))

    def receive(self, response: requests.Response, start: int, total: int | None, task: Task) -> None:
        """Write what comes to the part, from byte ``start`` on, up to the expected size."""
        # The card's size before the server's word.
        limit = self.size or total or LARGEST
        done = start
        try:
            with self.part.open("ab" if start else "wb") as stream:
                for chunk in response.iter_content(CHUNK):
                    # Some servers call their error pages application/octet-stream.
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
            self.part.unlink(missing_ok=True)
            raise
        except OSError as error:
            # requests' own errors are OSErrors too, and without a number
            if error.errno is None:
                raise
            # What came fills the disk that others need, and could not be completed anyway.
            if error.errno == errno.ENOSPC:
                self.part.unlink(missing_ok=True)
            raise disk_error(error, self.part.parent) from error
        expected = total if total is not None else self.size
        if expected is not None and done < expected:
            raise _PassingError(f"stopped after {done:,} of {expected:,} bytes")


def _wait(retry: Retry, response: requests.Response | None) -> float:
    """Return the seconds before the next attempt: what the server asks for, within bounds, or longer each time."""
    from urllib3.exceptions import InvalidHeader

    asked = None
    if response is not None:
        with contextlib.suppress(InvalidHeader):
            asked = retry.get_retry_after(response.raw)
    # A server may ask for an hour; nobody waits that long in front of a terminal.
    return min(asked or retry.get_backoff_time(), LONGEST_WAIT)


def _open_to_others(url: str) -> bool:
    """Return whether others on the way could change what comes from this address."""
    where = urlsplit(url)
    return where.scheme != "https" and where.hostname not in ("127.0.0.1", "::1", "localhost")


def _kib(size: int) -> int:
    return -(-size // KIB)


def _short(error: Exception) -> str:
    """Return the system's reason inside a nested network error ("Connection refused"), else its text, shortened."""
    text = " ".join(str(error).split())
    reason = re.search(r"\[Errno -?\d+\] ([^'\")\]]+)", text)
    if reason:
        return reason[1].strip()
    return re.sub(r"HTTPS?Connection(Pool)?\([^)]*\): ", "", text)[:100]


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
            "`cache`"
        )


def disk_error(error: OSError, folder: Path) -> ModelError:
    """Return the one line for a failure of the cache's file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelError(f"{folder}: the disk is full; make room or choose another cache with `cache` or SIGKD_CACHE")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ModelError(
            f"{folder}: the cache cannot be written ({error.strerror}); choose another with `cache` or SIGKD_CACHE"
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
