"""A web server on this machine that stands in for the hosts of the published weights, with all their bad habits."""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sigkd.models.cards import WeightCard

HTML = b"<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>...</body></html>"


class Loopback:
    """Serves ``content`` under paths that each misbehave in one way; records what was asked for."""

    def __init__(self) -> None:
        self.content = b""
        self.requests: list[tuple[str, str | None]] = []
        self.failures = 1
        self.retry_after: str | None = None
        self.on_request: Callable[[], None] = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append((self.path, self.headers.get("Range")))
                outer.on_request()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    outer.answer(self)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        kind = request.path.rsplit("/", 1)[-1]
        content = self.content
        start = self._range(request, len(content)) if kind not in ("norange", "html", "page") else 0
        count = sum(path == request.path for path, _ in self.requests)
        if kind == "redirect":
            return self.send(request, 302, b"", {"Location": "/moved/file"})
        if kind == "loop":
            return self.send(request, 302, b"", {"Location": "/loop"})
        if kind == "missing":
            return self.send(request, 404, b"gone")
        if kind == "html":
            return self.send(request, 200, HTML, {"Content-Type": "text/html; charset=utf-8"})
        if kind == "page":  # a page that says it is a file
            return self.send(request, 200, b"\n" + HTML)
        if kind == "flaky" and count <= self.failures:
            return self.send(request, 503, b"later", {"Retry-After": self.retry_after} if self.retry_after else {})
        if kind == "detour":
            return self.send(request, 302, b"", {"Location": "http://weights.invalid/back"})
        if kind == "back":
            return self.send(request, 302, b"", {"Location": self.url("file")})
        if kind == "short":  # a file of another size
            return self.send(request, 200, content[: len(content) // 2])
        if kind == "wrong":  # right size, other bytes
            return self.send(request, 200, bytes(len(content)))
        if kind == "endless":
            request.send_response(200)
            request.end_headers()
            for _ in range(200):
                request.wfile.write(content)
            return None
        if kind == "misrange":
            return self.send(request, 206, content, {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"})
        if kind == "unsatisfiable" and start:
            return self.send(request, 416, b"")
        until = len(content)
        if kind in ("broken", "broken-norange") and count <= self.failures:
            until = start + (len(content) - start) // 2
        if kind == "broken-norange":
            start = 0
        self._head(request, start, len(content))
        for position in range(start, until, 16384):
            if kind == "slow":
                time.sleep(0.01)
            request.wfile.write(content[position : min(position + 16384, until)])
        if kind == "stall" and count <= self.failures:
            time.sleep(1.0)
        return None

    def _range(self, request: BaseHTTPRequestHandler, size: int) -> int:
        asked = request.headers.get("Range")
        if not asked:
            return 0
        return min(int(asked.removeprefix("bytes=").rstrip("-")), size)

    def _head(self, request: BaseHTTPRequestHandler, start: int, size: int) -> None:
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        request.send_header("Connection", "close")
        request.send_header("Content-Length", str(size - start))
        request.send_header("Content-Type", "application/octet-stream")
        request.end_headers()

    def send(
        self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        request.send_response(status)
        for name, value in {"Content-Type": "application/octet-stream", **(headers or {})}.items():
            request.send_header(name, value)
        request.send_header("Connection", "close")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A fresh server with 300,000 bytes to give; no proxy and no offline switch in the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SIGKD_OFFLINE", raising=False)
    server = Loopback()
    server.content = bytes(range(256)) * 1172
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def make_card() -> Callable[..., WeightCard]:
    """Makes cards for made-up files."""
    return _card


def _card(content: bytes, *, name: str = "made-up", pin: str = "sha256", **changes: object) -> WeightCard:
    """A card for ``content``, recognised by sha256, by git blob sha1, or not at all."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    facts: dict[str, object] = {
        "name": name,
        "title": "made up",
        "architecture": "signet",
        "kind": "pth",
        "filename": f"{name}.pth",
        "training_data": "none",
        "licence": "none",
        "paper": "none",
        "sha256": hashlib.sha256(content).hexdigest() if pin == "sha256" else None,
        "git_blob_sha1": blob if pin == "git" else None,
    }
    return WeightCard(**{**facts, **changes})  # type: ignore[arg-type]
