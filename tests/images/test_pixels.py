"""The pixels of both kinds of preprocessing are those that were stored: an upgrade that changes them shows.

Models, calibrations and galleries are bound to a version of the preprocessing. Where this fails after an upgrade, keep
the library back, or give the preprocessing a new version. ``python tests/images/test_pixels.py`` writes the file anew.
"""

from pathlib import Path

import numpy as np

STORED = Path(__file__).with_name("pixels.npz")


def scan():
    """A signature of straight strokes on uneven paper, of whole numbers alone: no library draws it."""
    image = 226 + np.arange(300)[:, None] // 40 + np.zeros((1, 520), int)
    at = 60
    for step, (run, rise) in enumerate([(50, -90), (40, 110), (60, -70), (30, 60), (90, -20), (80, 30)]):
        for place in range(max(abs(run), abs(rise))):
            length = max(abs(run), abs(rise))
            row = 170 + sum((-90, 110, -70, 60, -20, 30)[:step]) // 2 + rise * place // length // 2
            column = at + run * place // length
            image[row - 3 : row + 4, column - 3 : column + 4] = 50
        at += run
    image = image + np.random.default_rng(1).integers(-6, 7, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def pixels():
    from sigkd.images.placing import place_all
    from sigkd.images.preprocess import normalize
    from sigkd.images.scan import read_scan

    read = read_scan(scan(), dpi=300.0)
    return {
        "version_1": normalize(scan()).image,
        "version_2": place_all(read.ink, ("60.5mm", "38.1mm", "fitted")),
    }


def test_pixels_are_those_that_were_stored():
    found = pixels()
    with np.load(STORED) as stored:
        assert set(stored.files) == set(found)
        np.testing.assert_array_equal(found["version_1"], stored["version_1"])
        # the ink network computes in floats, whose last digits depend on the processor
        difference = np.abs(found["version_2"].astype(int) - stored["version_2"])
        assert difference.max() <= 2 and (difference > 0).mean() < 0.001


if __name__ == "__main__":
    np.savez_compressed(STORED, **pixels())
