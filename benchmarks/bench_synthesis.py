"""How long the tests and the demo wait for made-up data: milliseconds a signature and a page, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import cv2

from sigkd.synthesis import page_image, signature_image


def milliseconds(make: Callable[[int], object], count: int) -> float:
    make(0)
    times = []
    for number in range(1, count + 1):
        start = time.perf_counter()
        make(number)
        times.append(time.perf_counter() - start)
    return 1000 * median(times)


def main() -> None:
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}, 1 thread, median of 50 (pages: 10)")
    print(f"genuine signature  {milliseconds(lambda writer: signature_image(writer, 0), 50):6.1f} ms")
    print(f"skilled forgery    {milliseconds(lambda writer: signature_image(writer, 0, 'skilled'), 50):6.1f} ms")
    print(f"page of writing    {milliseconds(lambda writer: page_image(writer, 0), 10):6.1f} ms")


if __name__ == "__main__":
    main()
