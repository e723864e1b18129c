"""How long reading a scan takes (``read_scan``), on one core: a crop of 600 x 1000 pixels, and pages of A4 at 300 dpi.

    python benchmarks/bench_scan.py [--repeat 5]

Made-up signatures and documents, in memory; the time to decode the file (PNG) is given beside. Time of the processor,
the best of the repetitions: other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import io
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
from PIL import Image

from sigkd.images.reader import read_file
from sigkd.images.scan import read_scan
from sigkd.synthesis import signature_image
from sigkd.synthesis.documents import make_document

KINDS = ("letter", "form", "contract")


def crop(rng):
    """A made-up signature on grainy paper, 600 x 1000 pixels."""
    paper = np.clip(250 + rng.normal(0, 2, (600, 1000)), 0, 255).astype(np.uint8)
    ink = signature_image(3, 1)
    height, width = min(ink.shape[0], 580), min(ink.shape[1], 980)
    place = paper[10 : 10 + height, 10 : 10 + width]
    np.minimum(place, ink[:height, :width], out=place)
    return paper


def page(kind, colour, rng):
    """A document as a scanner gives it."""
    scan = make_document(kind, colour=colour, dpi=300.0, signed=True).scan.image
    return np.clip(scan + rng.normal(0, 2, scan.shape), 0, 255).astype(np.uint8)


def best(work, repeat):
    """Return the least milliseconds of the processor that the work takes."""
    work()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    scans = {"crop, grey": crop(rng)}
    for kind in KINDS:
        for colour in (False, True):
            scans[f"{kind}, {'colour' if colour else 'grey'}"] = page(kind, colour, rng)
    print(f"{'scan':18} {'pixels':>12} {'known dpi':>10} {'unknown':>10} {'decoding':>10}   (ms)")
    for name, image in scans.items():
        image = np.ascontiguousarray(image)
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PNG")
        told = best(lambda image=image: read_scan(image, dpi=300.0, judge=False), repeat)
        untold = best(lambda image=image: read_scan(image, judge=False), repeat)
        decoding = best(lambda content=content: np.asarray(read_file(content.getvalue()).image), 2)
        size = f"{image.shape[1]} x {image.shape[0]}"
        print(f"{name:18} {size:>12} {told:10.0f} {untold:10.0f} {decoding:10.0f}")


if __name__ == "__main__":
    main()
