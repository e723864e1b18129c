"""The cache: only recognised files get in, and every failure leaves it as it was."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sigkd.errors import ModelError, NetworkError, UsageError
from sigkd.models.cache import WeightCache, identify
from sigkd.models.cards import CARDS, WeightCard, card_names, find_card, hosts
from sigkd.models.download import Patience
from sigkd.progress import SilentProgress

if TYPE_CHECKING:
    from conftest import Loopback

MakeCard = Callable[..., WeightCard]

QUICK = Patience(retries=1, backoff=0.01, connect=2.0, read=2.0)


@pytest.fixture
def store(tmp_path: Path) -> WeightCache:
    return WeightCache(tmp_path / "cache")


def files(store: WeightCache) -> list[str]:
    return sorted(p.name for p in store.root.rglob("*") if p.is_file() and p.name != ".lock")


def test_identity_is_git_s(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"what is up, doc?")
    found = identify(file)
    assert found.git_blob_sha1 == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"  # the example of the Pro Git book
    assert found.sha256 == hashlib.sha256(b"what is up, doc?").hexdigest()
    assert found.size == 16


@pytest.mark.parametrize("pin", ["sha256", "git"])
def test_pull(make_card: MakeCard, loopback: Loopback, store: WeightCache, pin: str) -> None:
    card = make_card(loopback.content, pin=pin, urls=(loopback.url("missing"), loopback.url("broken")))
    path, downloaded = store.pull(card, patience=QUICK)
    assert downloaded and path.read_bytes() == loopback.content
    record = store.record(card)
    assert record is not None and record.source == loopback.url("broken")
    assert record.recognised_by == {"sha256": "sha256", "git": "git blob sha1"}[pin]
    assert files(store) == ["made-up.pth", "record.json"]
    asked = len(loopback.requests)
    assert store.pull(card, patience=QUICK) == (path, False) and len(loopback.requests) == asked
    assert store.ensure(card) == path


def test_the_right_file_behind_a_wrong_one(make_card: MakeCard, loopback: Loopback, store: WeightCache) -> None:
    card = make_card(loopback.content, urls=(loopback.url("wrong"), loopback.url("missing"), loopback.url("file")))
    assert store.pull(card, patience=QUICK)[0].read_bytes() == loopback.content
    store.remove(card)
    with pytest.raises(NetworkError, match=r"wrong: not the file of .*; no source delivered 'made-up': .*HTTP 404"):
        store.pull(card, urls=card.urls[:2], patience=QUICK)
    assert files(store) == []


@pytest.mark.parametrize("path", ["wrong", "html", "page", "short", "missing"])
def test_what_is_not_the_file_leaves_nothing(
    make_card: MakeCard, loopback: Loopback, store: WeightCache, path: str
) -> None:
    card = make_card(loopback.content, urls=(loopback.url(path),))
    with pytest.raises(ModelError, match=r"^[^\n]+$") as caught:
        store.pull(card, patience=QUICK)
    assert files(store) == []
    if path in ("wrong", "short"):
        assert "not the file of 'made-up': its sha256 is" in str(caught.value)
        assert str(caught.value).startswith(loopback.url(path)) and str(caught.value).endswith("nothing was kept")


def test_a_resumed_file_that_is_wrong_is_fetched_anew(
    make_card: MakeCard, loopback: Loopback, store: WeightCache
) -> None:
    card = make_card(loopback.content, urls=(loopback.url("broken"),))
    loopback.failures = 2
    with pytest.raises(NetworkError, match="bytes are kept"):
        store.pull(card, patience=QUICK)
    assert store.status(card) == "partial"
    part = store.partial(card)
    part.write_bytes(bytes(part.stat().st_size))  # the disk played a trick
    assert store.pull(card, patience=QUICK)[0].read_bytes() == loopback.content
    assert loopback.requests[-1] == ("/broken", None)


def test_unknown_files_need_trust_and_are_remembered(
    make_card: MakeCard, loopback: Loopback, store: WeightCache
) -> None:
    card = make_card(loopback.content, pin="none", urls=(loopback.url("file"),))
    with pytest.raises(ModelError, match="cannot be verified"):
        store.pull(card, patience=QUICK)
    assert loopback.requests == []
    path, _ = store.pull(card, trust=True, patience=QUICK)
    assert store.trusted(card) == hashlib.sha256(loopback.content).hexdigest()
    assert store.record(card).recognised_by == "trust at first use"
    store.remove(card)
    loopback.content = bytes(reversed(loopback.content))  # another file under the same address
    with pytest.raises(ModelError, match=r"its sha256 is .*, trusted is"):
        store.pull(card, trust=True, patience=QUICK)
    assert not path.exists()
    store.remove(card, forget=True)
    assert store.trusted(card) is None
    store.pull(card, trust=True, patience=QUICK)


def test_an_unknown_file_must_load_before_it_is_trusted(
    make_card: MakeCard, loopback: Loopback, store: WeightCache
) -> None:
    card = make_card(loopback.content, pin="none", urls=(loopback.url("file"),))

    def probe(card: object, path: Path) -> object:
        raise ModelError(f"{path}: not a readable checkpoint")

    with pytest.raises(ModelError, match="not a readable checkpoint; nothing was kept"):
        store.pull(card, trust=True, probe=probe, patience=QUICK)
    assert files(store) == [] and store.trusted(card) is None


def test_offline(
    make_card: MakeCard, loopback: Loopback, store: WeightCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_card(loopback.content, urls=(loopback.url("file"),))
    monkeypatch.setenv("SIGKD_OFFLINE", "1")
    with pytest.raises(NetworkError, match="SIGKD_OFFLINE"):
        store.pull(card)
    (tmp_path / "by-hand").write_bytes(loopback.content)
    assert store.add(card, tmp_path / "by-hand").read_bytes() == loopback.content  # needs no network
    assert store.pull(card) == (store.path(card), False)
    assert loopback.requests == []


def test_add(make_card: MakeCard, store: WeightCache, tmp_path: Path) -> None:
    card = make_card(b"weights")
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"weights")
    bad.write_bytes(b"weighty")
    with pytest.raises(ModelError, match=r"bad: not the file of 'made-up'.*`model`"):
        store.add(card, bad)
    with pytest.raises(ModelError, match="no such file"):
        store.add(card, tmp_path / "absent")
    assert files(store) == []
    store.add(card, good)
    assert files(store) == ["made-up.pth", "record.json"] and good.exists()
    unknown = make_card(b"weighty", name="unknown", pin="none")
    with pytest.raises(ModelError, match="cannot be verified"):
        store.add(unknown, bad)
    store.add(unknown, bad, trust=True)


def test_a_damaged_file_is_named_and_kept(make_card: MakeCard, store: WeightCache, tmp_path: Path) -> None:
    card = make_card(b"weights")
    (tmp_path / "good").write_bytes(b"weights")
    path = store.add(card, tmp_path / "good")
    path.write_bytes(b"weighty")
    for act in (store.ensure, store.pull):
        with pytest.raises(
            ModelError, match=r"made-up\.pth: .*damaged or was replaced: 'sigkd weights remove made-up'"
        ):
            act(card)
    assert path.read_bytes() == b"weighty"
    assert store.remove(card) > 7
    with pytest.raises(ModelError, match=r"not in the cache.*'sigkd weights add made-up FILE' imports"):
        store.ensure(card)


def test_a_file_put_there_by_other_means_is_not_trusted(make_card: MakeCard, store: WeightCache) -> None:
    card = make_card(b"x", pin="none")
    store.path(card).parent.mkdir(parents=True)
    store.path(card).write_bytes(b"x")
    with pytest.raises(ModelError, match="nobody vouched"):
        store.ensure(card)


def test_a_size_that_differs(make_card: MakeCard, store: WeightCache, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"weights")
    with pytest.raises(ModelError, match="7 bytes, but 'made-up' has 8"):
        store.add(make_card(b"weights", size=8), tmp_path / "f")


def test_a_cache_that_cannot_be_written(
    make_card: MakeCard, loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("a file, not a folder")
    card = make_card(loopback.content, urls=(loopback.url("file"),))
    with pytest.raises(ModelError, match=r"^[^\n]*cache cannot be used"):
        WeightCache(tmp_path / "occupied").pull(card, patience=QUICK)

    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    store = WeightCache(tmp_path / "cache")
    store.pull(card, patience=QUICK)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert store.ensure(card).is_file()  # reading needs no writing
    with pytest.raises(ModelError, match=r"cannot be written \(Read-only file system\); choose another with `cache`"):
        store.pull(make_card(b"other", name="other", urls=(loopback.url("file"),)), patience=QUICK)


def test_two_threads_download_once(make_card: MakeCard, loopback: Loopback, store: WeightCache) -> None:
    card = make_card(loopback.content, urls=(loopback.url("slow"),))
    outcomes: list[bool] = []
    threads = [threading.Thread(target=lambda: outcomes.append(store.pull(card, patience=QUICK)[1])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, True]
    assert [path for path, _ in loopback.requests] == ["/slow"]


PULL = """
import hashlib, sys
from pathlib import Path
from sigkd.models.cache import WeightCache
from sigkd.models.cards import WeightCard
content = bytes(range(256)) * 1172
card = WeightCard("made-up", "", "signet", "pth", "f.pth", "", "", "", "", (sys.argv[1],),
                  sha256=hashlib.sha256(content).hexdigest())
print(WeightCache(Path(sys.argv[2])).pull(card)[1])
"""


def test_two_processes_download_once(loopback: Loopback, tmp_path: Path, repository: Path) -> None:
    arguments = [sys.executable, "-c", PULL, loopback.url("slow"), str(tmp_path / "cache")]
    processes = [subprocess.Popen(arguments, cwd=repository, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in processes) == ["False", "True"]
    assert len(loopback.requests) == 1


def test_an_interrupted_pull_keeps_its_part(make_card: MakeCard, loopback: Loopback, store: WeightCache) -> None:
    card = make_card(loopback.content, urls=(loopback.url("slow"),))

    class Impatient(SilentProgress):
        """Ctrl-C at the fourth report."""

        calls = 0

        def advance(self, amount: int = 1) -> None:
            self.calls += 1
            if self.calls == 4:
                raise KeyboardInterrupt

        def describe(self, text: str) -> None:
            pass

        def info(self, message: str) -> None:
            self.said = message

        @contextmanager
        def task(self, description: str, total: int | None = None, unit: str = "") -> Iterator[Impatient]:
            yield self

    impatient = Impatient()
    with pytest.raises(KeyboardInterrupt):
        store.pull(card, patience=QUICK, progress=impatient)
    assert "the same command resumes" in impatient.said
    assert store.status(card) == "partial"
    store.pull(card, patience=QUICK)
    assert str(loopback.requests[-1][1]).startswith("bytes=")


def test_cards() -> None:
    assert len(set(card_names())) == len(CARDS)
    assert {"signet", "signet-f", "signet-531", "fkd-resnet18-geom-bc", "sigkd-signet"} <= set(card_names())
    for card in CARDS:
        assert card.shipped or card.urls or card.name == "signet-copy"
        assert all(url.startswith("https://") for url in card.urls)
        assert card.sha256 is None or len(card.sha256) == 64
        assert card.git_blob_sha1 is None or len(card.git_blob_sha1) == 40
        assert card.licence and card.paper and card.training_data
    assert list(hosts()) == ["drive.usercontent.google.com", "drive.google.com"]
    with pytest.raises(ModelError, match=r"unknown weights 'signnet'\. Did you mean 'signet'\?"):
        find_card("signnet")


def test_shipped_models_are_not_in_the_cache(store: WeightCache, tmp_path: Path) -> None:
    card = find_card("sigkd-resnet18")
    for act in (lambda: store.pull(card), lambda: store.add(card, tmp_path), lambda: store.remove(card)):
        with pytest.raises(UsageError, match="part of the package"):
            act()
    with pytest.raises(UsageError, match="no source is known"):
        store.pull(find_card("signet-copy"))
