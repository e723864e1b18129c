import hashlib
import time

import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.synthesis import signature_image
from sigkd.synthesis.signatures import LARGEST


def ink(image: np.ndarray) -> np.ndarray:
    """The ink's bounding box as a small binary picture, so that images of different size can be compared."""
    import cv2

    dark = (image < 0.7 * np.median(image)).astype(np.uint8) * 255
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    box = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = cv2.resize(cv2.dilate(box, np.ones((5, 5))), (96, 48), interpolation=cv2.INTER_AREA) / 255.0
    return cv2.GaussianBlur(small, (0, 0), 2.0)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(ink(one).ravel(), ink(other).ravel())[0, 1])


@pytest.mark.parametrize("kind", ["genuine", "skilled"])
def test_same_numbers_give_the_same_image(kind):
    first, again = (signature_image(3, 2, kind, seed=5) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 2
    assert np.array_equal(first, again)


def test_image_does_not_depend_on_what_was_made_before():
    expected = signature_image(8, 1)
    signature_image(2, 0)
    signature_image(8, 0, "skilled")
    assert np.array_equal(signature_image(8, 1), expected)


def test_every_number_matters():
    images = [
        signature_image(1, 0),
        signature_image(2, 0),
        signature_image(1, 1),
        signature_image(1, 0, "skilled"),
        signature_image(1, 0, seed=1),
    ]
    assert len({hashlib.sha256(image.tobytes()).hexdigest() for image in images}) == len(images)


# Size and means of an 8 x 4 grid of writer 0's first signature: the same on every platform, up to a grey level.
FINGERPRINT_SIZE = (372, 486)
FINGERPRINT = [
    [249, 249, 249, 249, 249, 242, 222, 227],
    [249, 216, 219, 218, 210, 229, 249, 249],
    [210, 86, 181, 173, 204, 249, 249, 249],
    [246, 181, 203, 226, 249, 249, 249, 249],
]


def fingerprint(image: np.ndarray) -> np.ndarray:
    height, width = (image.shape[0] // 4) * 4, (image.shape[1] // 8) * 8
    cells = image[:height, :width].reshape(4, height // 4, 8, width // 8)
    return np.rint(cells.mean(axis=(1, 3))).astype(int)


def test_seed_zero_is_the_same_everywhere():
    image = signature_image(0, 0)
    assert image.shape == FINGERPRINT_SIZE
    assert np.abs(fingerprint(image) - np.array(FINGERPRINT)).max() <= 1


def test_scans_look_like_scans_of_writing():
    """Light paper with texture, a few per cent of dark ink, nothing cut off at the edges."""
    for writer in range(40):
        image = signature_image(writer, 0)
        assert max(40, image.shape[0]) <= LARGEST[0] and 150 <= image.shape[1] <= LARGEST[1]
        paper = np.median(image)
        dark = image < 0.75 * paper
        assert paper > 190
        assert 0.004 < dark.mean() < 0.4, writer
        assert 0.3 < image[~dark].std() < 20
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (edge > 0.75 * paper).all(), writer


def test_genuine_signatures_are_alike_forgeries_less_strangers_least():
    genuine, forged, random = [], [], []
    for writer in range(12):
        reference = signature_image(writer, 0)
        genuine += [likeness(reference, signature_image(writer, index)) for index in (1, 2, 3)]
        forged += [likeness(reference, signature_image(writer, index, "skilled")) for index in (0, 4, 8)]
        random += [likeness(reference, signature_image(writer + 1 + other, 0)) for other in range(3)]
    assert np.mean(genuine) > np.mean(forged) + 0.02
    assert np.mean(forged) > np.mean(random) + 0.15


def test_writers_span_the_variety_of_real_signatures():
    """Aspect ratios from nearly square to a long line; pale and dark inks; grey and white paper."""
    images = [signature_image(writer, 0) for writer in range(60)]
    aspect = np.array([image.shape[1] / image.shape[0] for image in images])
    darkest = np.array([np.percentile(image, 0.5) for image in images])
    paper = np.array([np.median(image) for image in images])
    assert np.percentile(aspect, 10) < 1.9 and np.percentile(aspect, 90) > 3.0
    assert darkest.min() < 25 and darkest.max() > 60
    assert paper.min() < 220 and paper.max() > 248


def test_unknown_kind_is_refused():
    with pytest.raises(UsageError, match="genuine, skilled"):
        signature_image(0, 0, "simple")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_signature_takes_milliseconds():
    signature_image(0, 0)
    start = time.process_time()
    for index in range(20):
        signature_image(index, 0)
    assert (time.process_time() - start) / 20 < 0.1  # 0.012 s where it was written
