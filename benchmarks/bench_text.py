"""Where the time of ``sigkd prepare-text`` goes, whether the lines are found, and what signatures look like.

    python benchmarks/bench_text.py                                      # eight made-up pages
    python benchmarks/bench_text.py ../shared/data/iam_pages --limit 60
    python benchmarks/bench_text.py ../shared/data/iam_pages --limit 10 --hard
    python benchmarks/bench_text.py --statistics ../shared/data/sigcomp2011_dutch

The first two print milliseconds of one core by stage, crops a second, and the agreement of the lines found with
column 5 of ``forms.txt``; ``--hard`` spoils the pages first (grey, coloured, ruled, askew, ...) as the tests do;
``--statistics`` measures the table of ``sigkd/text/matching.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from sigkd.datasets.layouts import scan_dataset
from sigkd.images.preprocess import normalize
from sigkd.images.reader import read_image
from sigkd.text.crops import cut_crops, stripe_random
from sigkd.text.ink import separate_ink
from sigkd.text.layouts import Page, find_pages, read_forms
from sigkd.text.lines import find_lines
from sigkd.text.matching import QUANTILES, Pen, cut_matched
from sigkd.text.options import TextOptions
from sigkd.text.stripes import MIN_STRIPE_WIDTH, solid_stripe

HARD = Path(__file__).parents[1] / "tests" / "text"


class Clock:
    """Seconds of processor time by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.last = time.process_time()

    def lap(self, stage: str) -> None:
        """Add the time since the last lap to ``stage``."""
        now = time.process_time()
        self.seconds[stage] += now - self.last
        self.last = now


def measure(
    pages: list[Page], forms: dict[str, list[str]], options: TextOptions, kind: str | None, finder: str
) -> dict:
    if kind:
        sys.path.insert(0, str(HARD))
        from hard_pages import KINDS
    clock, lines, crops, off = Clock(), 0, 0, []
    for number, page in enumerate(pages):
        image = read_image(page.path)
        if kind:
            image = KINDS[kind](image, np.random.default_rng(number))
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
            clock.last = time.process_time()
        clock.lap("read")
        ink = separate_ink(image)
        clock.lap("ink")
        found = find_lines(ink, finder).lines
        clock.lap("lines")
        lines += len(found)
        pen = Pen.drawn(stripe_random(0, page.name, 0))
        for index, line in enumerate(found):
            stripe = solid_stripe(line.image)
            clock.lap("stripes")
            if stripe.image.shape[1] < MIN_STRIPE_WIDTH:
                continue
            random = stripe_random(0, page.name, index)
            made = (
                cut_matched(line, pen, options, random) if options.matched else cut_crops(line, stripe, options, random)
            )
            crops += sum(not isinstance(crop, str) for crop in made)
            clock.lap("crops")
        if page.path.stem in forms:
            off.append(abs(len(found) - int(forms[page.path.stem][3])))
    seconds = sum(clock.seconds.values())
    return {
        "kind": kind or "as scanned",
        "finder": finder,
        "match": options.match,
        "pages": len(pages),
        "lines": lines,
        "crops": crops,
        "crops_per_second_per_core": round(crops / seconds, 1),
        "milliseconds_per_page": {stage: round(1000 * s / len(pages), 1) for stage, s in clock.seconds.items()},
        "pages_exact": round(float(np.mean(np.array(off) == 0)), 4) if off else None,
        "pages_within_one_line": round(float(np.mean(np.array(off) <= 1)), 4) if off else None,
    }


def statistics(root: Path) -> dict:
    """Measure size, shape, strokes and ink of every second genuine signature on the canvas 952 x 1360."""
    from skimage.morphology import skeletonize

    rows = []
    genuine = [record.path for record in scan_dataset("sigcomp2011", root).records if record.kind == "genuine"]
    for path in sorted(genuine)[::2]:
        scan = read_image(path)
        found = normalize(scan)
        top, bottom, left, right = found.box
        scan = scan[top:bottom, left:right]
        scan = cv2.GaussianBlur(scan, (0, 0), 0.8)
        ink = (scan <= found.threshold).astype(np.uint8)
        middle = skeletonize(ink > 0)
        radius = cv2.distanceTransform(ink, cv2.DIST_L2, 5)[middle]
        dark = 255.0 - scan[middle]
        height, width = scan.shape
        rows.append(
            [np.sqrt(height * width), width / height, 2 * radius.mean(), np.median(dark), dark.std() / dark.mean()]
        )
    values = np.quantile(np.array(rows), QUANTILES, axis=0).round(2).T.tolist()
    names = ("size", "aspect", "stroke", "ink", "ink_variation")
    return {"signatures": len(rows), "quantiles": list(QUANTILES), **dict(zip(names, values, strict=True))}


def made_up() -> None:
    """Measure on pages of four made-up writers."""
    from sigkd.synthesis import write_text_pages

    with tempfile.TemporaryDirectory() as directory:
        write_text_pages(Path(directory), writers=4, pages=2)
        pages = find_pages("folder", Path(directory)).pages
        measure(pages[:1], {}, TextOptions(), None, "seams")  # makes the resampling operators, imports SciPy
        for options in (TextOptions(), TextOptions(match="signatures", blur="0.8:1.5")):
            print(json.dumps(measure(pages, {}, options, None, "seams")), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="?", type=Path, help="IAM pages with forms.txt")
    parser.add_argument("--limit", type=int, default=0, help="so many pages, evenly spread")
    parser.add_argument("--lines", default="seams")
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--statistics", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.statistics:
        print(json.dumps(statistics(arguments.statistics)))
    if not arguments.pages:
        if not arguments.statistics:
            made_up()
        return
    pages = find_pages("iam", arguments.pages).pages
    if arguments.limit:
        pages = [pages[i] for i in np.linspace(0, len(pages) - 1, min(arguments.limit, len(pages))).astype(int)]
    forms = read_forms(arguments.pages / "forms.txt")
    if arguments.hard:
        sys.path.insert(0, str(HARD))
        from hard_pages import KINDS

        for kind in KINDS:
            print(json.dumps(measure(pages, forms, TextOptions(), kind, arguments.lines)), flush=True)
        return
    for options in (TextOptions(), TextOptions(match="signatures", blur="0.8:1.5")):
        print(json.dumps(measure(pages, forms, options, None, arguments.lines)), flush=True)


if __name__ == "__main__":
    main()
