"""How well signatures are found on pages: held-out layouts, typefaces and writers, by kind of document and of scan.

    python benchmarks/bench_locate.py --pages 12
    python benchmarks/bench_locate.py --pages 6 --pictures /tmp/pages      (annotated pages to look at)

Recall counts true signatures that a found box covers with an intersection over union of 0.5; false boxes are those that
cover none so. Ink kept is the share of a found signature's true ink that was taken off the page; foreign is the share
of what was taken that is not its ink. Times are of one core, without decoding the file.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from sigkd.documents.locate import locate
from sigkd.documents.locations import write_preview
from sigkd.synthesis.disturbances import parse_chain
from sigkd.synthesis.disturbances.scan import signature_boxes, signature_mask
from sigkd.synthesis.documents import kinds, make_document

CHAINS = (
    None, "resolution=100", "resolution=600", "binary", "fax", "photocopy", "page-photo", "quarter-turns=1",
    "quarter-turns=2", "quarter-turns=3", "turn=3", "shade", "jpeg", "ink=0.5",
)  # fmt: skip


@dataclass
class Tally:
    """What was found on some pages."""

    pages: int = 0
    true: int = 0
    hit: int = 0
    false: int = 0
    overlap: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    foreign: list = field(default_factory=list)
    seconds: list = field(default_factory=list)

    def row(self, name):
        """Return a row of the table."""
        mean = lambda values: float(np.mean(values)) if values else float("nan")  # noqa: E731
        share = self.hit / self.true if self.true else float("nan")
        return (
            f"| {name} | {self.pages} | {self.true} | {100 * share:.1f} | {self.false / max(self.pages, 1):.2f} | "
            f"{mean(self.overlap):.2f} | {100 * mean(self.kept):.1f} | {100 * mean(self.foreign):.1f} | "
            f"{np.median(self.seconds):.2f} |"
        )


HEAD = "| {} | pages | signatures | recall, % | false a page | IoU | ink kept, % | foreign ink, % | s a page |"
HEAD += "\n" + "|---" * 9 + "|"


def iou(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    return common / max(area(one) + area(other) - common, 1)


def kept_and_foreign(scan, number, found, turned):
    """Return the share of a signature's ink that was taken, and of what was taken the share that is another's."""
    truth = signature_mask(scan, number)
    left, top, right, bottom = found.box
    part = np.rot90(truth[top:bottom, left:right], -turned // 90)
    total = float((truth > 0).sum())
    height, width = found.ink.shape
    part = cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=cv2.INTER_LINEAR)
    scale = total / max((truth[top:bottom, left:right] > 0).sum(), 1)
    core, taken = part > 127, (found.ink < 255).astype(np.uint8)
    kept = (core & (cv2.dilate(taken, np.ones((5, 5), np.uint8)) > 0)).sum() / max(core.sum(), 1) / scale
    reach = max(5, 2 * round(300 / scan.dpi[0]) + 3)  # a pixel of a coarse scan is several of the ink's
    near = cv2.dilate(core.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    return float(kept), float((taken.astype(bool) & ~near).sum() / max(taken.sum(), 1))


def measure(scan, tallies, name=None, picture=None):
    """Look at a page and add what was found."""
    start = time.process_time()
    dpi = scan.tag if scan.tag is not None else None
    page = locate(scan.image, dpi=dpi, name=name)[0]
    seconds = time.process_time() - start
    boxes = signature_boxes(scan)
    pairs = sorted(
        ((iou(np.array(one.box), np.array(box)), place, number)
         for place, one in enumerate(page.signatures) for number, box in boxes.items()), reverse=True,
    )  # fmt: skip
    used, met, results = set(), set(), []
    for overlap, place, number in pairs:
        if overlap >= 0.5 and place not in used and number not in met:
            used.add(place)
            met.add(number)
            results.append((overlap, *kept_and_foreign(scan, number, page.signatures[place], page.turned)))
    for tally in tallies:
        tally.pages += 1
        tally.true += len(boxes)
        tally.hit += len(met)
        tally.false += len(page.signatures) - len(used)
        tally.seconds.append(seconds)
        for overlap, kept, foreign in results:
            tally.overlap.append(overlap)
            tally.kept.append(kept)
            tally.foreign.append(foreign)
    failed = len(met) < len(boxes) or len(used) < len(page.signatures)
    if picture is not None:
        write_preview(picture.with_name(f"{picture.stem}{'-BAD' if failed else ''}.png"), scan.image, page)
    return failed


def main():
    """Read the command line, look at pages, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=6, help="of each kind, each with the next of the scans")
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--chains", nargs="*")
    parser.add_argument("--split", default="held-out")
    parser.add_argument("--dpi", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--pictures", type=Path, help="folder for annotated pages")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    chains = arguments.chains or CHAINS
    by_kind, by_chain, every = {}, {}, Tally()
    count = 0
    for number in range(arguments.pages):
        for kind in arguments.kinds or kinds(arguments.split):
            chain = chains[count % len(chains)]
            count += 1
            document = make_document(kind, arguments.seed, number, split=arguments.split, dpi=arguments.dpi)
            scan = parse_chain(chain)(document.scan, arguments.seed, number) if chain else document.scan
            name = f"{kind}-{number}-{(chain or 'plain').replace('=', '')}"
            picture = arguments.pictures / f"{name}.png" if arguments.pictures else None
            tallies = [by_kind.setdefault(kind, Tally()), by_chain.setdefault(chain or "plain", Tally()), every]
            measure(scan, tallies, name, picture)
    for title, table in (("kind", by_kind), ("scan", by_chain)):
        print(HEAD.format(title))
        for name, tally in table.items():
            print(tally.row(name))
        print(every.row("all") + "\n", flush=True)


if __name__ == "__main__":
    main()
