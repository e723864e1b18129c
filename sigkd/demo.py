"""The demonstration: made-up data, and the commands that take it through the whole pipeline.

The demo runs the commands that a user types, so it shows what they print and cannot differ from them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sigkd.errors import ExitCode
from sigkd.json_documents import JsonDocument
from sigkd.paths import run_path
from sigkd.progress import SILENT, Progress
from sigkd.synthesis import write_signature_dataset, write_text_pages

SEED = 2011
"""Not the seed of made-up cohorts: the demo's writers are strangers to them."""

DECISIONS = (ExitCode.DONE, ExitCode.REJECTED, ExitCode.INCONCLUSIVE)


@dataclass(frozen=True)
class Extent:
    """How much the demo makes and does."""

    writers: int = 16
    genuine: int = 14
    skilled: int = 8
    text_writers: int = 6
    pages: int = 2
    lines: int | None = None
    """On a page; None: as many as it holds."""
    references: tuple[int, ...] = (3, 5)
    splits: int = 10
    cohort: int = 150
    crops: int = 256
    epochs: int = 2


QUICK = Extent(writers=5, genuine=8, skilled=4, text_writers=3, pages=1, references=(3,), splits=2, crops=128, epochs=1)


@dataclass(frozen=True)
class Step:
    """One command of the demo."""

    title: str
    why: str
    command: tuple[str, ...]
    """The words after ``sigkd``."""
    accepted: tuple[int, ...] = (ExitCode.DONE,)
    """Exit codes with which the demo goes on."""
    typed: str = ""
    """How somebody would type it; empty: word by word."""

    def __str__(self) -> str:
        return f"sigkd {self.typed or shlex.join(self.command)}"


class MadeUpData(JsonDocument, format="sigkd-demo-data", version=1):
    """What ``sigkd demo --data-only`` prints: where the made-up data lie, and how much there is."""

    signatures: Path
    pages: Path
    writers: int
    genuine: int
    """Genuine signatures of all writers."""
    skilled: int
    """Skilled forgeries of all writers."""
    page_count: int
    page_writers: int


@dataclass(frozen=True)
class DoneStep:
    """A command that was run."""

    title: str
    command: list[str]
    exit_code: int
    seconds: float
    result: dict[str, Any] | None
    """The document that it printed; null where it failed."""


class Demonstration(JsonDocument, format="sigkd-demo", version=1):
    """What ``sigkd demo`` prints."""

    data: MadeUpData
    steps: list[DoneStep]
    seconds: float


def make_data(out: Path, extent: Extent = Extent(), progress: Progress = SILENT) -> MadeUpData:
    """Write made-up signatures to ``out/signatures``, pages of writing to ``out/pages``: both in ``folder`` layout."""
    signatures, pages = out / "signatures", out / "pages"
    write_signature_dataset(signatures, extent.writers, extent.genuine, extent.skilled, seed=SEED, progress=progress)
    write_text_pages(pages, extent.text_writers, extent.pages, seed=SEED, lines=extent.lines, progress=progress)
    return MadeUpData(
        signatures=signatures,
        pages=pages,
        writers=extent.writers,
        genuine=extent.writers * extent.genuine,
        skilled=extent.writers * extent.skilled,
        page_count=extent.text_writers * extent.pages,
        page_writers=extent.text_writers,
    )


def demo_steps(
    data: MadeUpData, out: Path, extent: Extent, *, student: str | None = None, teacher: str | None = None
) -> list[Step]:
    """Return the commands of the demo in their order.

    Args:
        data: what :func:`make_data` wrote.
        out: where contact sheets and reports go.
        extent: the sizes.
        student: the network to verify with where it is in this installation; None: random weights.
        teacher: the network to distil from; None: random weights.
    """
    model = student or "resnet18:random"
    chosen = () if student else ("--model", model)
    compared = (model,) if model == "resnet18:random" else (model, "resnet18:random")
    # a writer and a forger whom even random weights tell apart; how often that fails is the table's to say
    writer = data.signatures / f"{min(5, extent.writers):03d}"
    untrained = "" if student else " These weights are random: nothing was learnt."
    references = [str(writer / "genuine" / f"{number:02d}.png") for number in range(1, 6)]
    steps = [
        Step(
            "Normalise",
            "Each scan becomes bright ink on black, centred on one canvas.",
            (
                "preprocess",
                str(data.signatures),
                "--dataset",
                "folder",
                "--name",
                "demo",
                "--preview",
                f"{out / 'sheet.png'}",
            ),
        ),
        Step(
            "Evaluate",
            "How often does a network err? A few references a writer, everything else is a test." + untrained,
            (
                *("evaluate", "--dataset", "demo", "--model", *compared),
                *("--nref", *map(str, extent.references), "--splits", str(extent.splits)),
                *("--out", str(out / "evaluation")),
            ),
        ),
    ]
    if not student:
        steps.append(
            Step(
                "Build a cohort",
                "Signatures that stand for anybody else; a trained network brings its own.",
                ("cohort", "build", "--from", "made-up", "--count", str(extent.cohort), *chosen),
            )
        )
    pattern = f"{shlex.quote(str(writer))}/genuine/0[1-5].png"
    for title, why, query in (
        ("Verify a genuine signature", "Five references, then the query: the last path.", "genuine/07.png"),
        ("Verify a skilled forgery", "The same references, and a query by somebody who practised.", "forged/02.png"),
    ):
        words = (str(writer / query), *chosen)
        typed = f"verify {pattern} {shlex.join(words)}"
        steps.append(Step(title, why, ("verify", *references, *words), DECISIONS, typed))
    stranger = data.signatures / "002" / "genuine" / "01.png"
    enrol = ("--replace", *chosen)
    steps += [
        Step(
            "Enrol a writer",
            "Once, by name; features are kept, not images.",
            ("enroll", "Ada", *references, *enrol),
            typed=f"enroll Ada {pattern} {shlex.join(enrol)}",
        ),
        Step(
            "Verify against the enrolled writer",
            "Somebody else's signature, a random forgery.",
            ("verify", str(stranger), "--writer", "Ada", *chosen),
            DECISIONS,
        ),
        Step(
            "Turn text into training data",
            "Networks learn from handwritten text, not from anybody's signatures.",
            (
                *("prepare-text", str(data.pages), "--layout", "folder", "--name", "text", "--overwrite"),
                *("--max-images", str(extent.crops), "--preview", str(out / "text.png")),
            ),
        ),
        Step(
            "Distil",
            "A teacher's feature geometry is taught to a student on that text: a taste, too short to learn much.",
            (
                *("distill", "--teacher", teacher or "signet:random", "--student", "resnet18", "--loss", "geom+bc"),
                *("--epochs", str(extent.epochs), "--batch-size", "32", "--name", _free_run(out)),
            ),
        ),
    ]
    return steps


def _free_run(out: Path) -> str:
    """Return a name that no earlier demo has given to its training run: a run is never overwritten."""
    home = demo_home(out)["SIGKD_DATA"]
    names = ("demo" if number == 1 else f"demo-{number}" for number in count(1))
    return next(name for name in names if not run_path(name, home).exists())


def demo_home(out: Path) -> dict[str, Path]:
    """Return the environment variables that keep the demo's data and downloads apart from the user's own."""
    return {"SIGKD_DATA": out / "data", "SIGKD_CACHE": out / "cache"}
