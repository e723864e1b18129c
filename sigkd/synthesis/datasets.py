"""Writes made-up data to disk in the layouts that ``sigkd preprocess`` and ``sigkd prepare-text`` read."""

from __future__ import annotations

from pathlib import Path

from PIL import Image as Pillow

from sigkd.progress import SILENT, Progress
from sigkd.synthesis.pages import PAGE_DPI, page_image
from sigkd.synthesis.render import Image
from sigkd.synthesis.signatures import DPI, Kind, signature_image


def _write_png(path: Path, image: Image, dpi: float) -> None:
    # straight to its place: flushing hundreds of small files to disk would take longer than making them again
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(image).save(path, "PNG", compress_level=1, dpi=(dpi, dpi))


def write_signature_dataset(
    directory: Path, writers: int, genuine: int, skilled: int, seed: int = 0, progress: Progress = SILENT
) -> list[Path]:
    """Write a signature set in ``folder`` layout and return its files.

    ``directory/WRITER/genuine/NN.png`` and ``directory/WRITER/forged/NN.png``; writers and signatures count from 1.
    The files state their resolution.
    """
    files: list[Path] = []
    kinds: tuple[tuple[Kind, str, int], ...] = (("genuine", "genuine", genuine), ("skilled", "forged", skilled))
    with progress.task("signing", total=writers * (genuine + skilled), unit="signatures") as task:
        for writer in range(writers):
            home = Path(directory) / f"{writer + 1:03d}"
            for kind, folder, count in kinds:
                for index in range(count):
                    files.append(home / folder / f"{index + 1:02d}.png")
                    _write_png(files[-1], signature_image(writer, index, kind, seed), DPI)
                    task.advance()
    return files


def write_text_pages(
    directory: Path,
    writers: int,
    pages: int,
    seed: int = 0,
    *,
    lines: int | None = None,
    progress: Progress = SILENT,
) -> list[Path]:
    """Write pages of handwriting as ``directory/WRITER/page_N.png`` and return the files; all count from 1.

    ``lines`` is that of :func:`sigkd.synthesis.pages.page_image`.
    """
    files: list[Path] = []
    with progress.task("writing", total=writers * pages, unit="pages") as task:
        for writer in range(writers):
            for index in range(pages):
                files.append(Path(directory) / f"{writer + 1:03d}" / f"page_{index + 1}.png")
                image = page_image(writer, index, seed, lines=lines)
                _write_png(files[-1], image, PAGE_DPI)
                task.advance()
    return files
