"""Files that are disturbed on their way into a signature store."""

import numpy as np
import pytest
from PIL import Image

from sigkd.errors import ImageError, UsageError
from sigkd.evaluation.disturb_files import DisturbedFiles
from sigkd.synthesis.disturbances import parse_chain

MANY = 10**6


@pytest.fixture
def file(tmp_path):
    """A scan of 40 by 60 pixels that states 200 dpi."""
    path = tmp_path / "a.png"
    Image.fromarray(np.full((40, 60), 200, np.uint8)).save(path, dpi=(200, 200))
    return path


def test_the_resolution_is_that_of_the_file_or_the_given_one(file):
    halved = DisturbedFiles(parse_chain("resolution=100"))
    for dpi, shape in ((None, (20, 30)), (400.0, (10, 15))):
        image, resolution = halved(file, dpi, MANY)
        assert image.shape == shape and resolution == pytest.approx(100, abs=1)


def test_what_is_not_disturbed(file, tmp_path):
    blur = DisturbedFiles(parse_chain("blur"))
    with pytest.raises(ImageError, match=r"a\.png"):
        blur(file, None, 40 * 60 - 1)
    bare = tmp_path / "bare.png"
    Image.new("L", (60, 40)).save(bare)
    with pytest.raises(UsageError, match=r"bare\.png: `disturb` needs the resolution"):
        blur(bare, None, MANY)
