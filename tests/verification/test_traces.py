"""Signatures of an encrypted gallery stay in memory: no file of them appears anywhere."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigkd import Choices, Verifier
from sigkd.gallery import vault
from sigkd.verification.documents import verify_documents
from sigkd.verification.enrolled import rekey_gallery
from sigkd.verification.report import Report


@pytest.fixture
def encrypted(tiny_model, tiny_cohort, scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A verifier whose encrypted gallery holds Ada's images."""
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)
    with Verifier(
        Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none"),
        gallery=tmp_path / "g.sigkd",
        passphrase="open sesame",
    ) as made:
        made.enroll("Ada", [_png(scan) for scan in scans["Ada"][:3]], keep_images=True)
        made.gallery.erase()
        yield made


@pytest.fixture
def no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory, empty and watched: whoever asks the module for a file gets an error."""
    watched = tmp_path / "temporary"
    watched.mkdir()
    monkeypatch.setenv("TMPDIR", str(watched))
    monkeypatch.setattr(tempfile, "tempdir", str(watched))

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("a temporary file was asked for")

    for name in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    return watched


def _png(scan: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(scan).save(buffer, "PNG")
    return buffer.getvalue()


def _everything_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_rekey_with_another_model(encrypted: Verifier, scans, tiny_model, tmp_path: Path, audited, no_temporary_files):
    other = Verifier(Choices(replace(tiny_model, hash="ee" * 32), device="cpu"))
    with audited() as events:
        assert rekey_gallery(encrypted.gallery, other) == (3, [])
    assert events.written == [] and list(no_temporary_files.iterdir()) == []
    assert _png(scans["Ada"][0])[-200:] not in _everything_below(tmp_path)


def test_report(encrypted: Verifier, scans, tmp_path: Path, audited, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "query.png").write_bytes(_png(scans["Bob"][0]))
    with audited() as events:
        verify_documents(encrypted, "Ada", [tmp_path / "query.png"], report=Report(tmp_path / "report.html"))
    written = {Path(name).name for name in events.written}
    assert all(name.startswith(".report.") for name in written), written  # the report itself, before it is renamed
    assert list((tmp_path / "temporary").iterdir()) == []
    assert _png(scans["Ada"][0])[-200:] not in _everything_below(tmp_path)


def test_report_to_a_pipe(encrypted: Verifier, scans, tmp_path: Path, audited, no_temporary_files):
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_text(encoding="utf-8")), daemon=True)
    (tmp_path / "query.png").write_bytes(_png(scans["Bob"][0]))
    with audited() as events:
        reader.start()
        verify_documents(encrypted, "Ada", [tmp_path / "query.png"], report=Report(pipe))
        reader.join()
    assert set(events.written) <= {str(pipe)} and list(no_temporary_files.iterdir()) == []
    assert received[0].startswith("<!DOCTYPE html>") and received[0].count("<img") >= 4


def test_hash_and_pixels_are_of_the_same_bytes(encrypted: Verifier, scans, tmp_path: Path, monkeypatch):
    """A file that is exchanged after its first reading: the answer and its hash are both of the first content."""
    from sigkd.images import reader

    file, first, second = tmp_path / "query.png", _png(scans["Ada"][4]), _png(scans["Bob"][0])
    file.write_bytes(first)
    opened = reader._open

    def exchanged(*args):
        file.write_bytes(second)
        return opened(*args)

    expected = encrypted.verify("Ada", first).score
    monkeypatch.setattr(reader, "_open", exchanged)
    answer = encrypted.verify("Ada", file)
    assert answer.query_hash == hashlib.sha256(first).hexdigest()
    assert answer.score == pytest.approx(expected)
