"""``sigkd weights``, ``info``, ``export`` and ``extract`` as a user meets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sigkd.models import cards, environment, io
from sigkd.models.cards import CARDS, WeightCard
from sigkd.models.features import FeatureSet
from sigkd.models.io import load_model, save_model
from sigkd.models.registry import FeatureNetwork, build_network

if TYPE_CHECKING:
    from conftest import Loopback, RunSigkd


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return build_network("resnet18", seed=1).eval()


@pytest.fixture
def published(
    loopback: Loopback,
    network: FeatureNetwork,
    make_card: Callable[..., WeightCard],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Loopback:
    """The server offers a checkpoint in the published form, with the cards 'tested' (pinned) and 'unpinned' for it."""
    torch.save((dict(network.state_dict()), None, None), tmp_path / "published.pth")
    loopback.content = (tmp_path / "published.pth").read_bytes()
    urls = (loopback.url("file"),)
    extra = (
        make_card(loopback.content, name="tested", pin="git", urls=urls, architecture="resnet18"),
        make_card(loopback.content, name="unpinned", pin="none", urls=urls, architecture="resnet18"),
    )
    monkeypatch.setattr(cards, "CARDS", (*CARDS, *extra))
    monkeypatch.setattr("sigkd.models.weights.CARDS", cards.CARDS)
    return loopback


def test_list(run_sigkd: RunSigkd) -> None:
    out = run_sigkd("weights", "list", expect=0).stdout
    assert "signet-f" in out and "git blob sha1" in out and "non-commercial" in out and "absent" in out
    rows = run_sigkd("weights", "list", "--json", expect=0).json["weights"]
    assert {row["name"] for row in rows} == set(cards.card_names())


def test_info_of_a_card(run_sigkd: RunSigkd) -> None:
    out = run_sigkd("weights", "info", "signet", expect=0).stdout
    assert "bdfca95df4664e0d40f6caf044ecee9d691c880e" in out and "drive.google.com" in out and "GPDS" in out
    document = run_sigkd("weights", "info", "signet", "--json", expect=0).json
    assert document["status"] == "absent" and document["pinned"] is True and document["record"] is None
    assert "Did you mean 'signet'" in run_sigkd("weights", "info", "signett", expect=5).stderr


def test_the_life_of_a_file(run_sigkd: RunSigkd, published: Loopback, tmp_path: Path) -> None:
    assert "not in the cache" in run_sigkd("weights", "path", "tested", expect=5).stderr
    pulled = run_sigkd("weights", "pull", "tested", expect=0)
    assert "recognised by git blob sha1" in pulled.stdout and "KiB" in pulled.stderr
    assert "was there already" in run_sigkd("weights", "pull", "tested", expect=0).stdout
    path = Path(run_sigkd("weights", "path", "tested", expect=0).stdout.strip())
    assert run_sigkd("weights", "path", "tested", "--json", expect=0).json["path"] == str(path)
    assert path.read_bytes() == published.content
    verified = run_sigkd("weights", "verify", "tested", "--json", expect=0).json["weights"][0]
    assert verified["ok"] and len(verified["fingerprint"]) == 16
    assert "tested: right by git blob sha1" in run_sigkd("weights", "verify", expect=0).stdout

    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    damaged = run_sigkd("weights", "verify", "tested", expect=5)
    assert "NOT RIGHT" in damaged.stdout and damaged.stderr.count("\n") == 1 and "damaged" in damaged.stderr
    assert path.exists()
    assert "MB freed" in run_sigkd("weights", "remove", "tested", expect=0).stdout
    assert "nothing was there" in run_sigkd("weights", "remove", "tested", expect=0).stdout
    assert run_sigkd("weights", "remove", "tested", "--json", expect=0).json["freed"] == {"tested": 0}
    added = run_sigkd("weights", "add", "tested", tmp_path / "published.pth", "--json", expect=0).json["weights"][0]
    assert added["record"]["recognised_by"] == "git blob sha1"


def test_trust_at_first_use(run_sigkd: RunSigkd, published: Loopback) -> None:
    assert "--trust-first-use" in run_sigkd("weights", "pull", "unpinned", expect=5).stderr
    out = run_sigkd("weights", "pull", "unpinned", "--trust-first-use", expect=0).stdout
    assert "recognised by trust at first use" in out
    assert "the hash trusted at first use" in run_sigkd("weights", "verify", "unpinned", expect=0).stdout


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("html", "web page"),
        ("missing", "HTTP 404"),
        ("wrong", "its git blob sha1 is"),
        ("short", "its git blob sha1 is"),
        ("broken", "the same command resumes"),
    ],
)
def test_failures_are_one_line_with_exit_5(run_sigkd: RunSigkd, published: Loopback, path: str, reason: str) -> None:
    outcome = run_sigkd("weights", "pull", "tested", "--retries", 0, "--url", published.url(path), expect=5)
    errors = [line for line in outcome.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and reason in errors[0] and outcome.stdout == ""
    state = run_sigkd("weights", "info", "tested", "--json", expect=0).json["status"]
    assert state == ("partial" if path == "broken" else "absent")


def test_offline(run_sigkd: RunSigkd, published: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGKD_OFFLINE", "1")
    assert "SIGKD_OFFLINE forbids" in run_sigkd("weights", "pull", "tested", expect=5).stderr
    facts = run_sigkd("info", "--network", "--json", expect=0).json
    assert set(facts["network"].values()) == {"offline (SIGKD_OFFLINE)"} and facts["offline"]
    assert published.requests == []


def test_wrong_usage(run_sigkd: RunSigkd) -> None:
    assert "part of the package" in run_sigkd("weights", "pull", "sigkd-resnet18", expect=2).stderr
    assert "one at a time" in run_sigkd("weights", "pull", "signet", "signet-f", "--url", "http://x", expect=2).stderr


def test_info(run_sigkd: RunSigkd, network: FeatureNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "ASSETS", tmp_path)
    assert "not in this installation" in run_sigkd("info", expect=0).stdout
    assert "not in this installation" in run_sigkd("info", "--check", expect=5).stderr
    save_model(tmp_path / "default.safetensors", network, {}, half=True)
    out = run_sigkd("info", "--check", expect=0).stdout
    assert "right on cpu" in out and load_model().hash[:16] in out
    monkeypatch.setattr(environment, "reachable", lambda host: "reachable")
    facts = run_sigkd("info", "--check", "--network", "--json", expect=0).json
    assert facts["check"]["ok"] and facts["check"]["distance"] <= 1e-5 and facts["versions"]["torch"]
    assert facts["cache"]["free_bytes"] > 0 and list(facts["network"].values()) == ["reachable"] * 2

    original = io.feature_fingerprint
    monkeypatch.setattr(
        environment, "feature_fingerprint", lambda *arguments: tuple(1.002 * v for v in original(*arguments))
    )
    wrong = run_sigkd("info", "--check", expect=5)
    assert "WRONG on cpu: off by 2.0e-03" in wrong.stdout and "computes something else" in wrong.stderr


def test_export(run_sigkd: RunSigkd, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    words = ("--format", "safetensors", "--half", "--out", out, "--json")
    outcome = run_sigkd("export", "resnet18:random", *words, expect=0)
    assert out.is_file() and 0 < outcome.json["parity"] < 1e-2
    assert run_sigkd("export", "resnet18:random", "--format", "tar", expect=2).stderr.startswith("exporting")


def test_extract(run_sigkd: RunSigkd, made_up_signatures: Path, tmp_path: Path) -> None:
    asked = ("--model", "resnet18:random", "--device", "cpu", "--out")
    writer = sorted(made_up_signatures.iterdir())[0]
    outcome = run_sigkd("extract", writer, *asked, tmp_path / "features.csv", expect=0)
    assert "9 x 2048 features" in outcome.stdout and "device: cpu" in outcome.stderr
    raw = FeatureSet.load(tmp_path / "features.csv")
    assert set(raw.y) == {-1} and raw.model_hash == load_model("resnet18:random").hash

    run_sigkd("preprocess", made_up_signatures, "--dataset", "folder", "--name", "made-up", "--workers", 1, expect=0)
    store = tmp_path / "features.npz"
    facts = run_sigkd("extract", "made-up", *asked, store, "--json", expect=0).json
    assert facts["metadata"]["dataset"] == "made-up" and (facts["count"], facts["length"]) == (36, 2048)
    prepared = FeatureSet.load(store)
    assert sorted(set(prepared.y)) == [0, 1, 2, 3] and (prepared.yforg == 1).sum() == 12
    name = next(n for n in raw.filenames if n.endswith(prepared.filenames[0]))
    np.testing.assert_allclose(prepared.features[0], raw.features[raw.filenames.index(name)], rtol=1e-3, atol=1e-5)


def test_extract_refuses_before_working(run_sigkd: RunSigkd, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    asked = ("--model", "resnet18:random", "--out", tmp_path / "f.npz", "--device", "cpu")
    assert "broken.png" in run_sigkd("extract", tmp_path / "broken.png", *asked, expect=4).stderr
    assert "none of the images" in run_sigkd("extract", tmp_path / "broken.png", *asked, "--skip-bad", expect=4).stderr
    assert "canvas 'x'" in run_sigkd("extract", tmp_path, *asked, "--canvas", "x", expect=2).stderr
    assert "cuda" in run_sigkd("extract", tmp_path, *asked[:4], "--device", "cuda:99", expect=2).stderr
