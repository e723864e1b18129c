"""How long tests, demo and training wait for made-up data: milliseconds a signature, page, disturbance; one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np

from sigkd.synthesis import page_image, signature_image
from sigkd.synthesis.disturbances import Scan, all_disturbances
from sigkd.synthesis.documents import LAYOUTS, make_document


def milliseconds(make: Callable[[int], object], count: int) -> float:
    make(0)
    times = []
    for number in range(1, count + 1):
        start = time.process_time()
        make(number)
        times.append(time.process_time() - start)
    return 1000 * median(times)


def main() -> None:
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}, 1 thread, median of 50 (pages: 10)")
    print(f"genuine signature  {milliseconds(lambda writer: signature_image(writer, 0), 50):6.1f} ms")
    print(f"skilled forgery    {milliseconds(lambda writer: signature_image(writer, 0, 'skilled'), 50):6.1f} ms")
    print(f"page of writing    {milliseconds(lambda writer: page_image(writer, 0), 10):6.1f} ms")
    for name in LAYOUTS:
        print(f"{name:24s} {milliseconds(lambda number, name=name: make_document(name, number=number), 3):6.1f} ms")
    signature = signature_image(0, 0)
    crop = np.pad(signature, ((0, 600 - len(signature)), (0, 1000 - signature.shape[1])), mode="reflect")
    scan = Scan(crop, (300.0, 300.0))
    print(f"disturbances of a crop of {crop.shape[0]} x {crop.shape[1]} at their defaults, median of 5")
    for entry in all_disturbances():
        print(f"{entry.name:24s} {milliseconds(lambda number, entry=entry: entry(scan, None, number), 5):6.1f} ms")


if __name__ == "__main__":
    main()
