"""Fixtures that every room shares: the research data, made-up signatures and pages, and the program itself.

Heavy imports live inside the fixtures: collecting the tests must not load torch.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in every run, so that a red result is of the change; HYPOTHESIS_PROFILE=explore draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REPOSITORY = Path(__file__).resolve().parents[1]

MADE_UP_WRITERS = 4
MADE_UP_GENUINE = 6
MADE_UP_SKILLED = 3
MADE_UP_PAGES = 2


def shared_root() -> Path:
    """Where the research data lies: ``$SIGKD_SHARED``, else ``shared`` beside the checkout."""
    return Path(os.environ.get("SIGKD_SHARED") or REPOSITORY.parent / "shared")


def _shared(name: str) -> Path:
    root = shared_root()
    if not (root / name).is_dir():
        pytest.skip(f"research data absent: {root / name} (set SIGKD_SHARED)")
    return root


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The research data (``data/``, ``golden/``), or a skip with the reason."""
    return _shared("data")


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """The golden arrays of METHOD's reference implementations, or a skip with the reason."""
    return _shared("golden") / "golden"


@pytest.fixture(scope="session")
def made_up_signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small made-up signature set in ``folder`` layout: 4 writers x (6 genuine + 3 skilled). Read only."""
    from sigkd.synthesis import write_signature_dataset

    root = tmp_path_factory.mktemp("signatures")
    write_signature_dataset(root, writers=MADE_UP_WRITERS, genuine=MADE_UP_GENUINE, skilled=MADE_UP_SKILLED, seed=0)
    return root


@pytest.fixture(scope="session")
def made_up_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few made-up pages of text: 4 writers x 2 pages, ``WRITER/page_N.png``. Read only."""
    from sigkd.synthesis import write_text_pages

    root = tmp_path_factory.mktemp("pages")
    write_text_pages(root, writers=MADE_UP_WRITERS, pages=MADE_UP_PAGES, seed=0)
    return root


@pytest.fixture(scope="session")
def views_verifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A verifier whose model looks at two views."""
    import sigkd.models.whitening as whitening
    from sigkd import Choices, Verifier
    from sigkd.classifiers.cohort import build_cohort
    from sigkd.images.placing import Placing
    from sigkd.models.io import LoadedModel
    from sigkd.models.registry import build_network
    from sigkd.models.state import state_hash
    from sigkd.models.strangers import stranger_images

    views = ("60mm", "fitted")
    network = build_network("resnet18", seed=0).eval()
    plain = LoadedModel(network, "plain", state_hash(network.state_dict()), "1")
    data = tmp_path_factory.mktemp("data")
    images, facts = stranger_images(["made-up"], Placing(views=views), data=data, count=24)
    model = whitening.whiten_views(plain, images, views, 8, facts)
    cohort = build_cohort(["made-up"], model, data=data, count=12, seed=3)
    return Verifier(Choices(model=model, cohort=cohort, classifier="wd", device="cpu"))


@dataclass(frozen=True)
class Outcome:
    """What one run of the program left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The JSON document on stdout, held against its published schema."""
        import json

        document = json.loads(self.stdout)
        check_document(document)
        return document


def check_document(document: Any) -> None:
    """Fail where a document does not fit the schema in ``docs/`` of its format, or has none."""
    import json

    import jsonschema

    schema = REPOSITORY / "docs/reference/schemas" / f"{document['format']}.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(document)


@pytest.fixture
def fits_schema() -> Callable[[Path], None]:
    """Hold a JSON file that the program wrote against its published schema."""
    import json

    return lambda path: check_document(json.loads(Path(path).read_text(encoding="utf-8")))


RunSigkd = Callable[..., Outcome]


@pytest.fixture
def run_sigkd(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunSigkd:
    """Run ``sigkd ARG...`` in this process and return its exit code, stdout and stderr.

    The data and cache directories are temporary unless the test passes its own. Arguments may be of any type with a
    ``str``. ``run_sigkd(..., expect=0)`` fails with the program's words when the exit code is another.
    """
    monkeypatch.setenv("SIGKD_DATA", str(tmp_path / "sigkd-data"))
    monkeypatch.setenv("SIGKD_CACHE", str(tmp_path / "sigkd-cache"))
    monkeypatch.delenv("SIGKD_DEBUG", raising=False)

    def run(*args: object, expect: int | None = None) -> Outcome:
        from sigkd.cli.app import main

        capsys.readouterr()
        # Rich's consoles resolve sys.stdout when they print, so capsys sees everything.
        code: int | str | None = 0
        try:
            main([str(arg) for arg in args])
        except SystemExit as stop:
            code = stop.code
        finally:
            os.environ.pop("SIGKD_DEBUG", None)  # --debug sets both for the process
            logger = logging.getLogger("sigkd")
            logger.setLevel(logging.NOTSET)
            logger.handlers = [one for one in logger.handlers if isinstance(one, logging.NullHandler)]
        captured = capsys.readouterr()
        outcome = Outcome(int(code or 0), captured.out, captured.err)
        if "--json" in args and outcome.stdout.strip():
            _ = outcome.json  # held against its schema, whatever the test looks at
        if expect is not None and outcome.exit_code != expect:
            words = " ".join(str(arg) for arg in args)
            pytest.fail(f"sigkd {words}: exit {outcome.exit_code}, not {expect}\n{outcome.stdout}\n{outcome.stderr}")
        return outcome

    return run


class FileEvents:
    """The files that this process opened, by Python's audit events (SQLite's own files are not among them)."""

    def __init__(self) -> None:
        self.recording = False
        self.reads: list[str] = []
        self.written: list[str] = []
        """Files opened for writing, and temporary files and folders made."""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.recording:
            return
        if event == "open" and isinstance(args[0], (str, bytes, os.PathLike)):
            mode, flags = args[1], args[2] or 0
            writes = any(letter in mode for letter in "wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR)
            (self.written if writes else self.reads).append(os.fsdecode(args[0]))
        elif event.startswith("tempfile."):
            self.written.append(os.fsdecode(args[0]))

    def opened(self, path: Path) -> int:
        """How many times a file was opened."""
        return (self.reads + self.written).count(str(path))


_events = FileEvents()
sys.addaudithook(_events)  # for the life of the process; it records while a test asks for it


@pytest.fixture
def audited() -> Callable[[], AbstractContextManager[FileEvents]]:
    """Record every file that a block opens: ``with audited() as events: ...; events.written``."""

    @contextmanager
    def record() -> Iterator[FileEvents]:
        _events.reads, _events.written = [], []
        _events.recording = True
        try:
            yield _events
        finally:
            _events.recording = False

    return record


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY
