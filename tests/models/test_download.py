"""Downloads against a server that redirects, breaks off, drips, lies and answers pages."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sigkd.errors import ModelError, NetworkError
from sigkd.models.download import Patience, download, offline, reachable

if TYPE_CHECKING:
    from conftest import Loopback

QUICK = Patience(retries=2, backoff=0.01, connect=2.0, read=0.3)


def fetch(server: Loopback, folder: Path, *paths: str, pinned: bool = True, **options: object) -> bytes:
    part = folder / "file.part"
    download("made-up", [server.url(path) for path in paths], part, pinned=pinned, patience=QUICK, **options)
    return part.read_bytes()


@pytest.mark.parametrize("path", ["file", "redirect", "norange", "slow", "flaky", "broken", "broken-norange", "stall"])
def test_the_whole_file_arrives(loopback: Loopback, tmp_path: Path, path: str) -> None:
    if path in ("broken", "broken-norange"):
        loopback.failures = 2
    assert fetch(loopback, tmp_path, path) == loopback.content


def test_a_broken_download_goes_on_where_it_stopped(loopback: Loopback, tmp_path: Path) -> None:
    assert fetch(loopback, tmp_path, "broken") == loopback.content
    (first, start), (second, asked) = loopback.requests
    assert (first, second, start) == ("/broken", "/broken", None)
    assert 0 < int(str(asked).removeprefix("bytes=").rstrip("-")) <= len(loopback.content) // 2


def test_a_later_call_resumes(loopback: Loopback, tmp_path: Path) -> None:
    loopback.failures = 3
    with pytest.raises(
        NetworkError, match=r"the connection broke off.*, 3 attempts \([\d,]+ bytes are kept: the same command resumes"
    ):
        fetch(loopback, tmp_path, "broken")
    kept = (tmp_path / "file.part").stat().st_size
    assert 0 < kept < len(loopback.content)
    assert fetch(loopback, tmp_path, "broken") == loopback.content
    assert loopback.requests[-1][1] == f"bytes={kept}-"


def test_any_source_may_go_on_with_what_another_began(loopback: Loopback, tmp_path: Path) -> None:
    """The hash decides about the whole, wherever its parts came from."""
    loopback.failures = 3
    assert fetch(loopback, tmp_path, "broken", "file") == loopback.content
    assert loopback.requests[-1][0] == "/file" and loopback.requests[-1][1] is not None


def test_a_part_that_does_not_fit_is_fetched_anew(loopback: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"something longer")
    assert fetch(loopback, tmp_path, "unsatisfiable") == loopback.content
    assert [asked for _, asked in loopback.requests] == ["bytes=16-", None]


def test_a_file_whose_hash_nobody_knows_is_never_resumed(loopback: Loopback, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"of whom?")
    assert fetch(loopback, tmp_path, "broken", pinned=False) == loopback.content
    assert {asked for _, asked in loopback.requests} == {None}
    loopback.requests.clear()
    with pytest.raises(NetworkError, match=r"3 attempts$"):
        loopback.failures = 3
        fetch(loopback, tmp_path, "broken", pinned=False)
    assert list(tmp_path.iterdir()) == []


def test_the_server_says_how_long_to_wait(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("sigkd.models.download.time.sleep", waits.append)
    loopback.failures = 2
    for asked in ("7", "86400", "when it suits"):
        loopback.requests.clear()
        loopback.retry_after = asked
        (tmp_path / "file.part").unlink(missing_ok=True)
        assert fetch(loopback, tmp_path, "flaky") == loopback.content
    assert waits == [7, 7, 60, 60, 0, 0.02]


def test_the_next_source_is_tried(loopback: Loopback, tmp_path: Path) -> None:
    assert fetch(loopback, tmp_path, "missing", "html", "file") == loopback.content
    assert [path for path, _ in loopback.requests] == ["/missing", "/html", "/file"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing", "HTTP 404"),
        ("html", r"answers a web page \(HTML\) instead of the file"),
        ("page", r"answers a web page \(HTML\) instead of the file"),
        ("loop", "redirects without end"),
        ("misrange", "another range"),
        ("short", "offers 150,016 bytes where the file has 300,032"),
        ("endless", "sends more than the 300,032 bytes"),
    ],
)
def test_every_refusal_is_one_line_and_leaves_nothing(
    loopback: Loopback, tmp_path: Path, path: str, reason: str
) -> None:
    with pytest.raises(NetworkError, match=f"^no source delivered 'made-up': 127[^\n]*{reason}[^\n]*$"):
        fetch(loopback, tmp_path, path, size=None if path == "page" else len(loopback.content))
    assert list(tmp_path.iterdir()) == []
    assert len(loopback.requests) == (31 if path == "loop" else 1)  # nothing that will not pass is tried again


def test_google_drive_pages_are_named() -> None:
    from sigkd.models.download import _web_page

    assert "weights add" in _web_page("drive.usercontent.google.com")


def test_no_server(loopback: Loopback, tmp_path: Path) -> None:
    loopback.server.shutdown()
    loopback.server.server_close()
    with pytest.raises(NetworkError, match=r"no connection \(Connection refused\), 3 attempts$"):
        fetch(loopback, tmp_path, "file")


def test_not_an_address(loopback: Loopback, tmp_path: Path) -> None:
    for url in ("ftp://example.invalid/x", "nonsense", "http://"):
        with pytest.raises(NetworkError, match="not a valid http"):
            download("made-up", [url], tmp_path / "f.part", pinned=True, patience=QUICK)


def test_offline_makes_no_call(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGKD_OFFLINE", "1")
    with pytest.raises(NetworkError, match="SIGKD_OFFLINE forbids"):
        fetch(loopback, tmp_path, "file")
    assert loopback.requests == [] and reachable("127.0.0.1") == "offline (SIGKD_OFFLINE)"
    for value in ("", "0", "no", "False"):
        monkeypatch.setenv("SIGKD_OFFLINE", value)
        assert not offline()


def test_the_proxy_of_the_environment_is_used(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", loopback.url("").rstrip("/"))
    monkeypatch.delenv("no_proxy", raising=False)
    download("made-up", ["http://weights.invalid/file"], tmp_path / "f.part", pinned=True, patience=QUICK)
    assert loopback.requests == [("http://weights.invalid/file", None)]


def test_unknown_files_come_over_https_only(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", loopback.url("").rstrip("/"))
    with pytest.raises(NetworkError, match="https only"):
        download("made-up", ["http://weights.invalid/file"], tmp_path / "f.part", pinned=False, patience=QUICK)


def test_unknown_files_come_over_https_all_the_way(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From this machine, which is trusted, over http to somewhere, and back."""
    monkeypatch.setenv("http_proxy", loopback.url("").rstrip("/"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(NetworkError, match="not https all the way"):
        fetch(loopback, tmp_path, "detour", pinned=False)
    assert fetch(loopback, tmp_path, "detour") == loopback.content
    assert loopback.requests[1][0] == "http://weights.invalid/back"


def test_disk_too_full_is_said_before(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(ModelError, match="disk is too full: 300,032 bytes needed, 1,000 free"):
        fetch(loopback, tmp_path, "file")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "cannot be written"), (errno.EIO, "cannot be used")],
)
def test_disk_failing_while_writing(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, "simulated")

    monkeypatch.setattr("sigkd.models.download.os.fsync", fail)
    with pytest.raises(ModelError, match=f"^{tmp_path}: [^\n]*{reason}"):
        fetch(loopback, tmp_path, "file")
    if number == errno.ENOSPC:
        assert list(tmp_path.iterdir()) == []  # the room is given back
