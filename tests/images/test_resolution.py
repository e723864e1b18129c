"""The resolution is read from where each format keeps it, and not believed where it means nothing."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from sigkd.errors import UsageError
from sigkd.images.reader import read_file
from sigkd.images.resolution import given_resolution

PAPER = Image.fromarray(np.full((20, 30), 255, np.uint8))


def read(path, **options):
    PAPER.save(path, **options)
    return read_file(path).resolution


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("dpi", [(300, 300), (204, 98), (150, 150), (600, 600)])
def test_tags(tmp_path, suffix, dpi):
    found = read(tmp_path / f"a.{suffix}", dpi=dpi)
    assert (found.x, found.y) == pytest.approx(dpi, rel=2e-3)
    assert found.source == "tag"
    assert found.aspect == pytest.approx(dpi[0] / dpi[1], rel=3e-3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif", "jp2"])
def test_none(tmp_path, suffix):
    found = read(tmp_path / f"a.{suffix}")
    assert not found.known
    assert found.aspect == 1


def test_centimetres_in_a_tiff(tmp_path):
    found = read(tmp_path / "a.tif", x_resolution=118.11, y_resolution=118.11, resolution_unit=3)
    assert (found.x, found.y) == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("pair", [(200, 200), (204, 98)])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_alone(tmp_path, suffix, pair):
    exif = Image.Exif()
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = map(float, pair)
    exif[ExifTags.Base.ResolutionUnit] = 2
    found = read(tmp_path / f"a.{suffix}", exif=exif)
    assert (found.x, found.y, found.source) == (*pair, "tag")


@pytest.mark.parametrize(
    ("dpi", "source"),
    [((72, 72), "screen"), ((96, 96), "screen"), ((1, 1), "implausible"), ((9999, 9999), "implausible")],
)
def test_what_programs_write_who_know_nothing(tmp_path, dpi, source):
    found = read(tmp_path / "a.png", dpi=dpi)
    assert (found.known, found.source) == (False, source)


def test_a_photo_has_no_resolution(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.01
    found = read(tmp_path / "a.jpg", dpi=(300, 300), exif=exif)
    assert (found.known, found.source) == (False, "camera")


def test_the_axes_turn_with_the_image(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    found = read(tmp_path / "a.jpg", dpi=(204, 98), exif=exif)
    assert (found.x, found.y) == (98, 204)


def test_aspect_without_resolution(tmp_path):
    path = tmp_path / "a.jpg"
    PAPER.save(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"JFIF\0")
    content[at + 7 : at + 12] = bytes([0, 0, 2, 0, 1])  # unit: none, density 2 x 1
    found = read_file(bytes(content)).resolution
    assert (found.known, found.aspect) == (False, 2)


def test_given():
    assert given_resolution(300).x == 300
    assert given_resolution((204, 98)).aspect == pytest.approx(204 / 98)
    for dpi in (0, -1, 20, 99999, float("nan")):
        with pytest.raises(UsageError, match="dpi is expected"):
            given_resolution(dpi)
