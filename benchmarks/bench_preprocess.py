"""Images a second of ``normalize_signature``, against the same method written plainly on a full canvas (scikit-image).

    python benchmarks/bench_preprocess.py [IMAGE_OR_FOLDER ...] [--canvas 952x1360] [--repeat 3]

Without images it measures made-up signatures. One process, one thread; both run on images already in memory, and the
time to read a file is given beside.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
import skimage
from skimage import filters, transform

from sigkd.images.formats import SUFFIXES
from sigkd.images.preprocess import normalize_signature
from sigkd.images.reader import read_image


def plain_normalize(image, canvas=(952, 1360), size=(170, 242)):
    """Blur, threshold, box, centre, fill the canvas, resize all of it, crop: one library call a step."""
    threshold = filters.threshold_otsu(image)
    rows, columns = np.nonzero(filters.gaussian(image, 2, preserve_range=True) <= threshold)
    box = image[rows.min() : rows.max(), columns.min() : columns.max()]
    sheet = np.full(canvas, 255, np.uint8)
    corner = []
    for axis, position in enumerate((rows, columns)):
        room, length = canvas[axis], box.shape[axis]
        if length > room:
            box = np.take(box, range((length - room) // 2, (length - room) // 2 + room), axis)
            corner.append(0)
        else:
            centre = int(position.mean() - position.min())
            corner.append(max(0, min(room // 2 - centre, room - length)))
    sheet[corner[0] : corner[0] + box.shape[0], corner[1] : corner[1] + box.shape[1]] = box
    sheet[sheet > threshold] = 255
    ratios = canvas[0] / size[0], canvas[1] / size[1]
    ratio = min(ratios)
    full = tuple(size[axis] if ratios[axis] == ratio else round(canvas[axis] / ratio) for axis in (0, 1))
    resized = transform.resize(255 - sheet, full, mode="constant", anti_aliasing=True, preserve_range=True)
    top, left = (round((full[axis] - size[axis]) / 2) for axis in (0, 1))
    return resized.astype(np.uint8)[top : top + size[0], left : left + size[1]]


def images_of(paths):
    """Read the images, or make some up."""
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    files = [file for file in files if file.suffix.lower() in SUFFIXES]
    if files:
        start = time.perf_counter()
        images = [read_image(file) for file in files]
        print(f"reading      {len(files) / (time.perf_counter() - start):8.1f} images/s")
        return images
    from sigkd.synthesis import signature_image

    return [signature_image(writer, index) for writer in range(8) for index in range(4)]


def rate(function, images, canvas, repeat):
    """Return the median rate of ``repeat`` passes, images/s."""
    function(images[0], canvas)
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        for image in images:
            function(image, canvas)
        seconds.append(time.perf_counter() - start)
    return len(images) / statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--canvas", default="952x1360")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    canvas = tuple(int(side) for side in arguments.canvas.split("x"))
    cv2.setNumThreads(1)
    images = images_of(arguments.paths)
    worst = max(
        int(np.abs(normalize_signature(image, canvas).astype(int) - plain_normalize(image, canvas)).max())
        for image in images
    )
    pixels = np.median([image.size for image in images])
    print(
        f"{len(images)} images, median {pixels / 1e6:.2f} Mpixel, canvas {arguments.canvas}; largest difference {worst}"
    )
    ours, plain = (
        rate(function, images, canvas, arguments.repeat) for function in (normalize_signature, plain_normalize)
    )
    print(f"one thread; NumPy {np.__version__}, OpenCV {cv2.__version__}, scikit-image {skimage.__version__}")
    print(f"sigkd        {ours:8.1f} images/s ({1000 / ours:.2f} ms)")
    print(f"full canvas  {plain:8.1f} images/s ({1000 / plain:.2f} ms)")
    print(f"ratio        {ours / plain:8.1f}")


if __name__ == "__main__":
    main()
