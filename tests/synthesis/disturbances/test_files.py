import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.images.reader import read_file
from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import Scan, parse_chain
from sigkd.synthesis.disturbances.files import write_scan


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".TIFF"])
@pytest.mark.parametrize("chain", ["resolution=150", "resolution-untagged=150", "non-square", "fax", "phone-photo"])
def test_tags_are_read_back(tmp_path, suffix, chain):
    scan = parse_chain(chain)(Scan(signature_image(3, 0), (400.0, 400.0), (400.0, 400.0)))
    path = tmp_path / f"scan{suffix}"
    write_scan(path, scan)
    file = read_file(path)
    if scan.tag is None:
        assert not file.resolution.known
    else:  # JPEG holds whole numbers
        assert (file.resolution.x, file.resolution.y) == pytest.approx(scan.tag, abs=0.51 if suffix == ".jpg" else 0.02)
    pixels = file.rgb if scan.colour else file.grey
    assert pixels.shape == scan.image.shape
    if suffix == ".jpg":
        assert np.abs(pixels.astype(int) - scan.image).mean() < 4
    else:
        assert np.array_equal(pixels, scan.image)


def test_a_tag_may_be_wrong(tmp_path):
    scan = parse_chain("tag=150")(Scan(signature_image(3, 0), (400.0, 400.0), (400.0, 400.0)))
    write_scan(tmp_path / "scan.png", scan)
    assert read_file(tmp_path / "scan.png").resolution.x == 150 and scan.dpi == (400.0, 400.0)


def test_unknown_suffix(tmp_path):
    with pytest.raises(UsageError, match=r"Did you mean '.png'"):
        write_scan(tmp_path / "scan.pgn", Scan(np.zeros((4, 4), np.uint8)))
