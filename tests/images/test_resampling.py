"""Operators are those of SciPy's filters on the identity, products those of its sparse matrices, to the last bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, sparse

from sigkd.images.canvas import CANVAS, SIZE
from sigkd.images.resampling import Operator, operator, operators, resample
from sigkd.synthesis import signature_image


def plain_operator(length: int, resized: int, size: int) -> np.ndarray:
    """Smooth and zoom the identity matrix, keep the middle."""
    matrix = np.eye(length)
    sigma = max(0.0, (length / resized - 1) / 2)
    if sigma > 0:
        matrix = ndimage.gaussian_filter1d(matrix, sigma, axis=0, mode="constant")
    if resized != length:
        matrix = ndimage.zoom(matrix, (resized / length, 1), order=1, mode="grid-constant", grid_mode=True)
    start = round((resized - size) / 2)
    return matrix[start : start + size].astype(np.float32)


def written_out(one: Operator, length: int) -> np.ndarray:
    matrix = np.zeros((len(one.columns), length), np.float32)
    rows, places = np.nonzero(one.values)
    matrix[rows, one.columns[rows, places]] = one.values[rows, places]
    return matrix


CASES = [(952, 170, 170), (1360, 243, 242), (715, 170, 170), (170, 170, 170), (120, 170, 170), (200, 250, 242)]


@pytest.mark.parametrize("case", CASES)
def test_operators_are_those_of_scipy(case):
    np.testing.assert_array_equal(written_out(operator(*case), case[0]), plain_operator(*case))


def test_operators_of_many_canvases():
    random = np.random.default_rng(0)
    for _ in range(40):
        size = int(random.choice([170, 242]))
        length, resized = int(random.integers(120, 2500)), size + int(random.integers(0, 3))
        np.testing.assert_array_equal(
            written_out(operator(length, resized, size), length), plain_operator(length, resized, size)
        )


@pytest.mark.parametrize("canvas", [CANVAS, (715, 1021), (300, 429), (1400, 2000)])
def test_the_product_is_that_of_sparse_matrices(canvas):
    random = np.random.default_rng(1)
    shape = canvas[0] // 2, canvas[1] * 2 // 3
    ink = np.where(random.random(shape) < 0.2, random.integers(0, 256, shape), 0).astype(np.float32)
    ink[5:50, 5:90] = 255
    top, left = canvas[0] // 4, canvas[1] // 8
    rows, columns = (
        sparse.csr_array(written_out(one, length)) for one, length in zip(operators(canvas, SIZE), canvas, strict=True)
    )
    shrunk = rows[:, top : top + shape[0]] @ ink
    expected = (columns[:, left : left + shape[1]] @ shrunk.T).T.astype(np.uint8)
    found = resample(ink, canvas, SIZE, top, left)
    np.testing.assert_array_equal(found, expected)
    assert found.max() == 255


def test_one_answer_needs_no_scipy(tmp_path):
    """Imports are most of a cold verification."""
    Image.fromarray(signature_image(3, 0)).save(tmp_path / "s.png")
    code = (
        "import sys; from sigkd.images.placing import place_all; from sigkd.images.scan import read_scan; "
        f"place_all(read_scan({str(tmp_path / 's.png')!r}, dpi=400).ink, ('60.5mm', 'fitted')); "
        "import sigkd.verification.samples, sigkd.models.extract; "
        "print([name for name in ('scipy', 'skimage', 'sklearn', 'sigkd.datasets.layouts') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
