"""The normalisation equals the reference where that has an answer, and has one where the reference has none."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigkd.errors import ImageError
from sigkd.images.canvas import CANVASES
from sigkd.images.ink import GRAINY, INK_OUTSIDE, THIN_INK
from sigkd.images.preprocess import (
    LARGER_THAN_CANVAS,
    normalize,
    normalize_signature,
)
from sigkd.synthesis import signature_image


def scan(shape=(200, 360), paper=235, ink=60, thickness=4):
    """A few strokes in rows 60 to 140, columns 100 to 260."""
    image = np.full(shape, paper, np.uint8)
    points = np.array([[102, 130], [140, 66], [170, 136], [200, 70], [256, 128]], np.int32)
    cv2.polylines(image, [points], False, ink, thickness, cv2.LINE_AA)
    return image


def load_benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "bench_preprocess.py"
    spec = importlib.util.spec_from_file_location("bench_preprocess", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


plain_normalize = load_benchmark().plain_normalize


@pytest.fixture(scope="module")
def golden(golden_dir):
    with np.load(golden_dir / "preprocess.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


@pytest.mark.shared
def test_golden_images_are_equal(golden):
    outputs = [key for key in golden if key.startswith("out_")]
    assert len(outputs) == 30
    for key in outputs:
        name, canvas = key.removeprefix("out_").rsplit("_", 1)
        result = normalize_signature(golden[f"in_{name}"], tuple(int(side) for side in canvas.split("x")))
        difference = np.abs(result.astype(int) - golden[key])
        assert difference.max() <= 2, key
        assert (difference > 1).mean() <= 0.001, key


def test_the_threshold_of_the_blurred_image():
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    image = scan()
    smooth = gaussian_filter(image.astype(float), 2, mode="nearest")
    assert normalize(image).threshold == threshold_otsu(image)
    assert abs(normalize(image, blurred=True).threshold - threshold_otsu(np.round(smooth).astype(np.uint8))) <= 1
    assert (normalize_signature(image, blurred=True) > 0).sum() > (normalize_signature(image) > 0).sum()


@pytest.mark.shared
@pytest.mark.parametrize(("name", "kept"), [("small", 1.0), ("binarised", 1.0)])
def test_golden_inputs_that_the_reference_refuses(golden, name, kept):
    image = golden[f"in_{name}"]
    found = normalize(image)
    assert found.warnings == (THIN_INK,)
    top, bottom, left, right = found.box
    ink = image <= found.threshold
    assert ink[top:bottom, left:right].sum() >= kept * ink.sum()
    middle = np.argwhere(found.image > 0).mean(axis=0)
    assert np.abs(middle - (85, 121)).max() < 3  # its centre of mass is in the middle


@pytest.mark.shared
def test_golden_blank_page_is_refused(golden):
    with pytest.raises(ImageError, match="one colour"):
        normalize_signature(golden["in_blank"])


@settings(max_examples=12, deadline=None)
@given(
    writer=st.integers(0, 50),
    index=st.integers(0, 20),
    canvas=st.sampled_from([*CANVASES.values(), (301, 777), (150, 200)]),
)
def test_equals_the_plain_full_canvas_method(writer, index, canvas):
    image = signature_image(writer, index)
    found = normalize(image, canvas)
    if not {THIN_INK, GRAINY} & set(found.warnings):
        assert np.abs(found.image.astype(int) - plain_normalize(image, canvas)).max() <= 1


@pytest.mark.parametrize("size", [(170, 242), (150, 220), (64, 64), (952, 1360), (1000, 1400)])
def test_any_size(size):
    result = normalize_signature(scan(), size=size)
    assert result.shape == size
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert np.abs(result.astype(int) - plain_normalize(scan(), (952, 1360), size)).max() <= 1


def test_paper_vanishes_and_ink_is_bright():
    result = normalize_signature(scan(paper=200), (200, 360))
    assert (result == 0).mean() > 0.8
    assert result.max() > 120


@pytest.mark.parametrize("shift", [(0, 0), (-40, -80), (50, 90)])
def test_position_on_the_paper_does_not_matter(shift):
    image = scan()
    moved = np.roll(image, shift, (0, 1))
    np.testing.assert_array_equal(normalize_signature(image), normalize_signature(moved))


def test_binarised_scan_keeps_all_of_its_ink():
    image = np.where(scan(thickness=2) < 150, 0, 255).astype(np.uint8)
    found = normalize(image)
    rows, columns = np.nonzero(image == 0)
    assert found.box == (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)


def test_dust_does_not_widen_the_box_of_a_binarised_scan():
    image = np.where(scan() < 150, 0, 255).astype(np.uint8)
    clean = normalize(image).box
    image[3, 3] = image[190:192, 340] = image[10, 350] = 0
    assert normalize(image).box == clean


@pytest.mark.parametrize("factor", [0.5, 0.25])
def test_small_signature_is_whole(factor):
    image = cv2.resize(scan(), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    found = normalize(image)
    ink = image <= found.threshold
    top, bottom, left, right = found.box
    assert ink[top:bottom, left:right].sum() >= 0.85 * ink.sum()


@pytest.mark.parametrize("contrast", [20, 40, 80])
def test_faint_signature(contrast):
    found = normalize(scan(paper=235, ink=235 - contrast))
    reference = normalize(scan(paper=235, ink=60))
    assert np.abs(np.subtract(found.box, reference.box)).max() <= 4


def test_faint_signature_on_grainy_paper():
    grain = np.random.default_rng(0).normal(0, 4, (500, 900))
    image = np.clip(scan((500, 900), paper=225, ink=198) + grain, 0, 255).astype(np.uint8)
    found = normalize(image)
    assert found.warnings == (GRAINY,)
    assert np.abs(np.subtract(found.box, (62, 140, 98, 260))).max() <= 12
    assert (normalize_signature(image, (500, 900)) > 0).mean() < 0.05  # the grain is gone


@pytest.mark.parametrize("sigma", [0.5, 2, 6, 12, 25])
@pytest.mark.parametrize("smooth", [0, 1, 4])
def test_blank_paper_is_refused(sigma, smooth):
    grain = np.random.default_rng(1).normal(0, 1, (300, 500))
    if smooth:
        grain = cv2.GaussianBlur(grain, (0, 0), smooth)
    paper = np.clip(225 + grain / grain.std() * sigma, 0, 255).astype(np.uint8)
    with pytest.raises(ImageError, match="blank"):
        normalize_signature(paper)


@pytest.mark.parametrize("fall", [10, 40, 100])
def test_shaded_blank_paper_is_refused(fall):
    paper = (240 - fall * np.linspace(0, 1, 300))[:, None] + np.zeros((1, 400))
    with pytest.raises(ImageError, match="blank"):
        normalize_signature(paper.astype(np.uint8))


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (200, 300)])
def test_one_colour_is_refused(level, shape):
    with pytest.raises(ImageError, match="one colour"):
        normalize_signature(np.full(shape, level, np.uint8))


def test_a_few_specks_are_no_signature():
    image = np.full((200, 300), 255, np.uint8)
    image[50, 50] = image[100:102, 200:203] = 0
    with pytest.raises(ImageError, match="blank"):
        normalize_signature(image)


def test_inverted_scan_is_refused():
    with pytest.raises(ImageError, match="inverted"):
        normalize_signature(255 - scan())


def test_larger_than_the_canvas_is_said():
    found = normalize(scan(), canvas=(60, 360))
    assert LARGER_THAN_CANVAS in found.warnings
    assert LARGER_THAN_CANVAS not in normalize(scan()).warnings


def test_cut_strokes_are_said():
    image = np.full((500, 800), 255, np.uint8)
    cv2.ellipse(image, (300, 250), (90, 90), 0, 0, 360, 20, 9)
    cv2.line(image, (420, 100), (790, 450), 20, 2)  # too thin to survive the smoothing
    cv2.line(image, (790, 100), (420, 450), 30, 2)
    found = normalize(image)
    assert found.warnings == (INK_OUTSIDE,)


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros(4, np.uint8)])
def test_other_arrays_are_a_programming_error(bad):
    with pytest.raises(ValueError, match="uint8 image"):
        normalize_signature(bad)


def test_empty_image_is_refused():
    with pytest.raises(ImageError):
        normalize_signature(np.zeros((0, 5), np.uint8))


def test_input_is_left_alone():
    image = scan()
    before = image.copy()
    normalize_signature(image[:, ::-1])
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("pitch", [6, 9, 20])
def test_a_halftone_is_no_signature(pitch):
    """Every dark pixel is a speck: nothing is left to make a box of."""
    dots = np.full((400, 600), 255, np.uint8)
    dots[::pitch, ::pitch] = 0
    with pytest.raises(ImageError, match="nothing but specks"):
        normalize_signature(dots)
