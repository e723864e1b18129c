"""How far copies are from other signatures of their writers, on research data of ../shared or $SIGKD_SHARED.

    python benchmarks/bench_copies.py

All pairs of genuine signatures of a writer, both ways, and five kinds of copies (cropped by pixels, scaled to 97 %,
turned by 1.5 degrees, JPEG of quality 30, all of it) of the first two. The threshold was chosen on every second writer
of sigcomp2011_dutch and every fourth of sigcomp2009_nfi; the others are held out.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import cv2
import numpy as np

from sigkd.errors import ImageError
from sigkd.images.copies import COPY, descriptor, similarity
from sigkd.images.reader import read_image
from sigkd.images.scan import read_scan

SETS = (("sigcomp2011_dutch/[0-9][0-9][0-9]", "*.png", 400, 2), ("sigcomp2009_nfi/*/genuine", "*.png", 600, 4))
KINDS = ("cropped", "scaled", "turned", "recompressed", "all")


def copied(image, kind, rng):
    height, width = image.shape
    if kind == "cropped":
        top, bottom, left, right = rng.integers(1, 7, 4)
        return image[top : height - bottom, left : width - right]
    if kind == "scaled":
        return cv2.resize(image, None, fx=0.97, fy=0.97, interpolation=cv2.INTER_AREA)
    if kind == "turned":
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5 * rng.choice([-1, 1]), 1.0)
        cosine, sine = abs(turn[0, 0]), abs(turn[0, 1])
        size = int(height * sine + width * cosine) + 4, int(height * cosine + width * sine) + 4
        turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
        return cv2.warpAffine(image, turn, size, flags=cv2.INTER_LINEAR, borderValue=int(np.median(image)))
    if kind == "recompressed":
        return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0)
    for step in ("scaled", "turned", "cropped", "recompressed"):
        image = copied(image, step, rng)
    return image


def described(image, dpi):
    return descriptor(read_scan(np.ascontiguousarray(image), dpi=dpi, judge=False).ink)


def read(file):
    try:
        return read_image(file)
    except ImageError as error:
        print(error)
        return None


def main():
    cv2.setNumThreads(1)
    root, rng = Path(os.environ.get("SIGKD_SHARED", "../shared")) / "data", np.random.default_rng(0)
    for half in ("chosen on", "held out"):
        genuine, copies, seconds = [], [], 0.0
        for folders, pattern, dpi, step in SETS:
            for number, folder in enumerate(sorted(root.glob(folders))):
                if (number % step == 0) != (half == "chosen on"):
                    continue
                images = [image for image in map(read, sorted(folder.glob(pattern))) if image is not None]
                descriptors = [described(image, dpi) for image in images]
                start = time.process_time()
                genuine += [similarity(*pair) for pair in itertools.permutations(descriptors, 2)]
                seconds += time.process_time() - start
                for image, own in zip(images[:2], descriptors, strict=False):
                    copies += [similarity(own, described(copied(image, kind, rng), dpi)) for kind in KINDS]
        kinds = ("genuine pairs", genuine, (50, 99, 99.8, 100)), ("copies", copies, (0, 1, 2, 5, 50))
        for name, found, shares in kinds:
            quantiles = ", ".join(f"{share:g} %: {np.percentile(found, share):.3f}" for share in shares)
            print(f"{half}: {len(found)} {name}: {quantiles}; from {COPY}: {np.mean(np.array(found) >= COPY):.2%}")
        print(f"{1000 * seconds / len(genuine):.1f} ms a genuine pair")


if __name__ == "__main__":
    main()
