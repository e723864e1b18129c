"""What a service may see in its logs: that things happen, never to whom."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from sigkd import Choices, Verifier
from sigkd.gallery import vault
from sigkd.gallery.maintenance import rekey_passphrase

REPOSITORY = Path(__file__).parents[2]


def test_logs_name_nobody(
    tiny_model, tiny_cohort, scans, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)
    caplog.set_level(logging.DEBUG, "sigkd")
    with Verifier(
        Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none"),
        gallery=tmp_path / "g.sigkd",
        passphrase="open sesame",
        actor="Clerk Kent",
    ) as verifier:
        verifier.enroll("Ada Lovelace", scans["Ada"][:3], keep_images=True)
        answer = verifier.verify("Ada Lovelace", scans["Ada"][3])
        rekey_passphrase(verifier.gallery, "close sesame")
        verifier.gallery.remove("Ada Lovelace")
    loggers = {record.name for record in caplog.records}
    assert {"sigkd.gallery.store", "sigkd.gallery.maintenance"} <= loggers
    assert any(name.startswith("sigkd.verification.") for name in loggers)
    text = " ".join(record.getMessage() for record in caplog.records)
    for secret in ("Lovelace", "Kent", "sesame", f"{answer.score:.3f}", answer.query_hash[:8]):
        assert secret not in text


def test_silent_by_default() -> None:
    code = "import logging, sigkd; logging.getLogger('sigkd.gallery').warning('only those who listen hear this')"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=REPOSITORY)
    assert outcome.stdout == outcome.stderr == b""
