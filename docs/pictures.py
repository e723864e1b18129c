"""Make the pictures of the front page and of the guide on claims from made-up signatures: ``python docs/pictures.py``.

What they show is what the program printed: an answer as SVG, and the first page of claims (PDF) as WebP.
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

REPOSITORY = Path(__file__).parents[1]
IMAGES = REPOSITORY / "docs" / "guides" / "images"
ANSWERED = ("signatures/009/genuine/06.png", "signatures/009/forged/01.png")
COLUMNS = 112


def sigkd(*words: object, folder: Path) -> str:
    """Run sigkd as in a terminal and return what it prints, with its colours."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    command = [sys.executable, "-m", "sigkd", *map(str, words)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode not in (0, 1, 3):
        raise SystemExit(run.stderr)
    return run.stdout


def answers(folder: Path) -> None:
    """Draw two answers as a terminal shows them."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    references = [f"signatures/009/genuine/0{number}.png" for number in range(1, 6)]
    for number, query in enumerate(ANSWERED):
        if number:
            console.print()
        shown = query.removeprefix("signatures/")
        console.print(Text(f"$ sigkd verify 009/genuine/0[1-5].png {shown}", "bold"))
        console.print(Text.from_ansi(sigkd("verify", *references, query, folder=folder).rstrip()))
    svg = console.export_svg(title="sigkd", theme=MONOKAI, unique_id="sigkd")
    (IMAGES / "answer.svg").write_text(svg, encoding="utf-8")


def claims(folder: Path) -> None:
    """Draw the first page of a table of claims."""
    writers = sorted(one.name for one in (folder / "signatures").iterdir())[:8]
    for name, files in (
        ("references", [f"genuine/0{number}.png" for number in range(1, 6)]),
        ("claims", ["genuine/06.png", "forged/01.png", "forged/02.png"]),
    ):
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            rows = [(f"signatures/{writer}/{file}", writer) for writer in writers for file in files]
            csv.writer(stream).writerows([("path", "writer"), *rows])
    sigkd("enroll", "--from", "references.csv", "--gallery", "g.sigkd", "--keep-images", folder=folder)
    asked = ("--from", "claims.csv", "--out", "answers.csv", "--report", "page.pdf", "--gallery", "g.sigkd")
    sigkd("verify", *asked, folder=folder)
    page = pypdfium2.PdfDocument(folder / "page.pdf")[0].render(scale=1.6).to_pil().convert("RGB")
    page.crop((0, 60, page.width, round(0.62 * page.height))).save(IMAGES / "claims.webp", quality=70)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sigkd("demo", "--data-only", name, folder=Path(name))
        answers(Path(name))
        claims(Path(name))
