"""Images of strangers: what stands for "anybody else" in a cohort, and for signatures in general in whitening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.errors import ImageError, UsageError
from sigkd.images.placing import Placing
from sigkd.progress import SILENT, Progress

COPIES = 3
"""Disturbed scans of each signature in :func:`disturbed_strangers`."""
MADE_UP = "made-up"
"""The source name of made-up signatures (:mod:`sigkd.synthesis`)."""


def stranger_images(
    sources: Sequence[str],
    placing: Placing,
    *,
    data: Path,
    count: int,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return normalised images uint8 [n, 170, 242] ([n, V, 170, 242] in views), n <= count, and where they are from.

    Args:
        sources: ``made-up``, the name or file of a prepared dataset (signatures or text), or image files and folders.
        placing: how scans become images.
        data: home of the prepared datasets.
        count: images to draw, without replacement; all of them where there are fewer.
        seed: of the draw, and of made-up signatures.
        progress: where the work is reported.

    Raises:
        UsageError: made-up images mixed with others.
    """
    if MADE_UP not in sources:
        return _gather(sources, placing, data, count, seed, progress)
    if len(sources) > 1:
        raise UsageError("'made-up' cannot be mixed with other sources")
    images, _, _ = disturbed_strangers(placing, (), count=count, seed=seed, progress=progress)
    return images, {"source": "made-up signature"}


def disturbed_strangers(
    placing: Placing, disturbances: Sequence[str], *, count: int, seed: int = 0, progress: Progress = SILENT
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Return made-up signatures, each also as scans of another pen or another scanner.

    Args:
        placing: how scans become images.
        disturbances: chains of the registry, ``ink=0.5`` or ``blur+jpeg``; :data:`COPIES` different ones are drawn for
            each signature (all of them where there are fewer).
        count: signatures, of as many writers: those of :func:`stranger_images`.
        seed: of the writers and of what happens to their scans.
        progress: where the work is reported.

    Returns:
        Images uint8 [n, 170, 242] or in views [n, V, 170, 242], disturbed ones alike [m, ...], and of which of the n
        each is, int64 [m].

    Raises:
        UsageError: unknown disturbances, or such as leave pixels that are not square.
    """
    from sigkd.synthesis import signature_image
    from sigkd.synthesis.disturbances import Scan, parse_chains
    from sigkd.synthesis.signatures import DPI

    chains = parse_chains(disturbances)
    random = np.random.default_rng(seed)
    images: list[NDArray[np.uint8]] = []
    disturbed: list[NDArray[np.uint8]] = []
    owners: list[int] = []
    writer = 0
    with progress.task("made-up signatures", total=count, unit="images") as task:
        while len(images) < count:
            picture = signature_image(writer, 0, seed=seed)
            writer += 1
            try:
                images.append(replace(placing, dpi=DPI)(picture).image)
            except ImageError:  # one writer in a thousand has a pen too pale for the paper: the next one serves
                continue
            scan = Scan(picture, dpi=(DPI, DPI))
            for number in random.permutation(len(chains))[:COPIES]:
                worse = chains[number](scan, seed=writer)
                if worse.dpi[0] != worse.dpi[1]:
                    raise UsageError(f"{chains[number].name}: leaves pixels that are not square")
                try:
                    disturbed.append(replace(placing, dpi=worse.dpi[0])(worse.image).image)
                except ImageError:  # the pen became too pale for the paper: no copy
                    continue
                owners.append(len(images) - 1)
            task.advance()
    copies = np.stack(disturbed) if disturbed else np.empty((0, *images[0].shape), np.uint8)
    return np.stack(images), copies, np.array(owners, np.int64)


def _gather(
    sources: Sequence[str], placing: Placing, data: Path, count: int, seed: int, progress: Progress
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return at most ``count`` normalised images of a text dataset, or of what ``extract`` reads, and their origin."""
    from sigkd.models.extract import gather_images
    from sigkd.paths import dataset_path

    generator = np.random.default_rng(seed)

    def draw(total: int) -> NDArray[np.int64]:
        return np.sort(generator.permutation(total)[:count])

    named = Path(sources[0]) if Path(sources[0]).is_dir() else dataset_path(sources[0], data)
    if len(sources) == 1 and (named / "dataset.json").is_file():
        from sigkd.datasets.textset import TextDataset

        text = TextDataset.open(named)
        rows = draw(len(text.images))
        return np.asarray(text.images[rows]), {"source": f"text '{named.name}'", "content_hash": text.content_hash}
    batch = gather_images(sources, data, placing=placing, skip_bad=True, progress=progress)
    genuine = np.flatnonzero(batch.yforg <= 0)
    rows = genuine[draw(len(genuine))]
    facts = {"source": " ".join(Path(source).name for source in sources)}
    if "dataset_hash" in batch.metadata:
        facts["content_hash"] = str(batch.metadata["dataset_hash"])
    return np.ascontiguousarray(batch.images[rows]), facts
