"""Thumbnails: one scale, the ink with a little paper, never larger than a list can show."""

import io

import numpy as np
import pytest
from PIL import Image

from sigkd.images.reader import read_file
from sigkd.images.resolution import Resolution
from sigkd.images.thumbnails import LARGEST, SCALE, thumbnail, thumbnail_of_file
from sigkd.synthesis import signature_image


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image


def test_pictures_are_at_one_scale_whatever_the_resolution():
    sizes = []
    for dpi in (200, 400):
        image = Image.new("L", (round(100 / 25.4 * dpi), round(50 / 25.4 * dpi)), 255)
        box = tuple(round(mm / 25.4 * dpi) for mm in (10, 20, 30, 70))  # 10 x 40 mm of ink
        sizes.append(opened(thumbnail(image, box, (dpi, dpi))).size)
    assert sizes[0] == sizes[1] == (round(46 * SCALE), round(16 * SCALE))


def test_pixels_that_are_not_square_come_out_square():
    image = Image.new("L", (600, 150), 255)
    assert opened(thumbnail(image, None, (300, 150))).size == (round(50.8 * SCALE), round(25.4 * SCALE))


@pytest.mark.parametrize("size", [(3000, 10), (10, 3000), (5000, 4000), (1, 1)])
@pytest.mark.parametrize("dpi", [None, (300, 300)])
def test_none_is_larger_than_it_may_be(size, dpi):
    width, height = opened(thumbnail(Image.new("L", size, 255), None, dpi)).size
    assert 1 <= width <= LARGEST[0] and 1 <= height <= LARGEST[1]


def test_a_box_at_the_edge_has_no_paper_beyond_it():
    picture = opened(thumbnail(Image.new("L", (400, 200), 200), (0, 200, 0, 400), (300, 300)))
    assert np.asarray(picture).min() > 190  # nothing black was put around


def test_of_a_page_the_signature_is_shown(tmp_path):
    ink = signature_image(0, 0)
    page = np.full((3000, 2400), 255, np.uint8)
    page[2000 : 2000 + ink.shape[0], 300 : 300 + ink.shape[1]] = ink
    Image.fromarray(page).save(tmp_path / "page.png", dpi=(300, 300))
    shown = np.asarray(opened(thumbnail_of_file(read_file(tmp_path / "page.png"))))
    assert (shown < 128).mean() > 0.01  # of the whole page it would be a few pixels
    Image.new("L", (2400, 3000), 255).save(tmp_path / "blank.png", dpi=(300, 300))
    assert opened(thumbnail_of_file(read_file(tmp_path / "blank.png"))).size == (96, 120)  # no signature: all of it


def test_the_resolution_that_was_reckoned_with_counts(tmp_path):
    path = tmp_path / "untagged.png"
    Image.new("L", (600, 300), 255).save(path)
    told = Resolution(300.0, 300.0, "option")
    assert opened(thumbnail_of_file(read_file(path), told)).size == (round(50.8 * SCALE), round(25.4 * SCALE))
    assert opened(thumbnail_of_file(read_file(path), Resolution())).size == (240, 120)  # as large as may be
