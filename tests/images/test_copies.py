"""Copies are told from other signatures of the same writer, whatever was done to the file."""

import itertools

import cv2
import numpy as np
import pytest

from sigkd.images import copies
from sigkd.images.copies import COPY, SIZE, descriptor, most_alike, similarity
from sigkd.images.scan import read_scan
from sigkd.synthesis import signature_image

WRITERS = (5001, 5009, 5011)


def described(image):
    return descriptor(read_scan(np.ascontiguousarray(image), dpi=400, judge=False).ink)


def turned(image, degrees):
    height, width = image.shape
    room = cv2.copyMakeBorder(image, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
    turn = cv2.getRotationMatrix2D((width / 2 + 40, height / 2 + 40), degrees, 1.0)
    return cv2.warpAffine(room, turn, (width + 80, height + 80), borderMode=cv2.BORDER_REPLICATE)


CHANGES = {
    "saved again": lambda image: image,
    "cropped by pixels": lambda image: image[2:-3, 3:-1],
    "scaled": lambda image: cv2.resize(image, None, fx=0.97, fy=0.97, interpolation=cv2.INTER_AREA),
    "turned": lambda image: turned(image, 1.5),
    "recompressed": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 0),
    "padded": lambda image: cv2.copyMakeBorder(image, 60, 10, 90, 20, cv2.BORDER_REPLICATE),
    "photocopied": lambda image: np.clip(image.astype(float) * 1.6 - 110, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_alike(change):
    for writer in WRITERS:
        image = signature_image(writer, 0)
        assert similarity(described(image), described(CHANGES[change](image))) >= COPY


def test_other_signatures_of_the_writer_are_no_copies():
    for writer in (5001, 5006):  # made-up writers with few strokes repeat themselves more than people do
        signatures = [described(signature_image(writer, number)) for number in range(5)]
        assert max(similarity(*pair) for pair in itertools.combinations(signatures, 2)) < COPY


def test_the_copied_one_is_found():
    others = [described(signature_image(writer, number)) for writer in WRITERS for number in range(2)]
    query = described(CHANGES["turned"](signature_image(5011, 1)))
    number, alike = most_alike(query, others)
    assert number == 5
    assert alike >= COPY
    assert most_alike(query, []) == (-1, 0.0)


@pytest.mark.parametrize("change", CHANGES)
def test_the_copied_one_is_found_among_many(change, monkeypatch):
    """However many signatures of the writer there are, few are looked at closely."""
    others = [described(signature_image(5011, number)) for number in range(60)]
    looked, aligned = [], copies._aligned
    monkeypatch.setattr(copies, "_aligned", lambda *pair: looked.append(1) or aligned(*pair))
    number, alike = most_alike(described(CHANGES[change](signature_image(5011, 7))), others)
    assert (number, alike >= COPY) == (7, True)
    assert len(looked) <= copies._CLOSER < len(others)


def test_descriptors():
    one = described(signature_image(5001, 0))
    assert one.shape == SIZE
    assert one.dtype == np.uint8
    assert similarity(one, one) == pytest.approx(1, abs=1e-3)
    assert similarity(one, np.zeros(SIZE, np.uint8)) == 0.0
