"""Every kind of image comes out as grey; every bad file as one ImageError that names it."""

import hashlib
import io
import os
import struct
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigkd.errors import ImageError
from sigkd.images import reader
from sigkd.images.formats import FORMATS, images_below
from sigkd.images.reader import read_file, read_image

GREY = np.full((40, 60), 255, np.uint8)
GREY[10:20, 5:50] = 0
GREY[25:30, 10:20] = 100
BINARY = np.where(GREY > 128, 255, 0).astype(np.uint8)
DEEP = GREY.astype(np.uint16) * 257
TURNED = np.ascontiguousarray(np.rot90(GREY))
ORIENTATION = 0x0112


def grey():
    return Image.fromarray(GREY)


def binary():
    return Image.fromarray(BINARY).convert("1")


def transparent(mode):
    """The drawing in the alpha channel of black."""
    channels = [np.zeros_like(GREY)] * (len(mode) - 1)
    return Image.merge(mode, [Image.fromarray(channel) for channel in (*channels, 255 - GREY)])


def light_on_nothing(mode):
    """White ink, the drawing in its opacity, on a transparent ground."""
    channels = [np.full_like(GREY, 255)] * (len(mode) - 1)
    return Image.merge(mode, [Image.fromarray(channel) for channel in (*channels, 255 - GREY)])


def palette():
    return grey().convert("P")


CASES = {
    "grey.png": (grey, GREY, 0),
    "grey.bmp": (grey, GREY, 0),
    "grey.tif": (grey, GREY, 0),
    "grey.jpg": (grey, GREY, 40),
    "rgb.png": (lambda: grey().convert("RGB"), GREY, 0),
    "rgb.tif": (lambda: grey().convert("RGB"), GREY, 0),
    "palette.png": (palette, GREY, 0),
    "palette.bmp": (palette, GREY, 0),
    "one.png": (binary, BINARY, 0),
    "one.bmp": (binary, BINARY, 0),
    "one.tif": (binary, BINARY, 0),
    "cmyk.tif": (lambda: grey().convert("RGB").convert("CMYK"), GREY, 1),
    "cmyk.jpg": (lambda: grey().convert("RGB").convert("CMYK"), GREY, 40),
    "rgba.png": (lambda: transparent("RGBA"), GREY, 0),
    "rgba.tif": (lambda: transparent("RGBA"), GREY, 0),
    "la.png": (lambda: transparent("LA"), GREY, 0),
    "light.png": (lambda: light_on_nothing("RGBA"), GREY, 0),
    "light.tif": (lambda: light_on_nothing("LA"), GREY, 0),
    "light.webp": (lambda: light_on_nothing("RGBA"), GREY, 0),
    "grey.webp": (grey, GREY, 40),
    "grey.gif": (grey, GREY, 0),
    "grey.jp2": (grey, GREY, 0),
    "grey.avif": (grey, GREY, 40),
    "twelve.png": (lambda: Image.fromarray(np.round(GREY / 255 * 4095).astype(np.uint16)), GREY, 0),
    "ten.tif": (lambda: Image.fromarray(np.round(GREY / 255 * 1023).astype(np.uint16)), GREY, 0),
    "sixteen.png": (lambda: Image.fromarray(DEEP), GREY, 0),
    "sixteen.tif": (lambda: Image.fromarray(DEEP), GREY, 0),
    "thirtytwo.tif": (lambda: Image.fromarray(DEEP.astype(np.int32)), GREY, 0),
    "float.tif": (lambda: Image.fromarray(GREY.astype(np.float32) / 255), GREY, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_modes(tmp_path, name):
    make, expected, tolerance = CASES[name]
    make().save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= tolerance


def test_group4_fax_tiff(tmp_path):
    binary().save(tmp_path / "fax.tif", compression="group4")
    np.testing.assert_array_equal(read_image(tmp_path / "fax.tif"), BINARY)


def test_transparent_palette_colour_is_paper(tmp_path):
    image = palette()
    image.save(tmp_path / "p.png", transparency=int(np.asarray(image)[15, 20]))
    assert read_image(tmp_path / "p.png")[15, 20] == 255


def test_content_counts_not_the_suffix(tmp_path):
    grey().save(tmp_path / "scan", format="PNG")
    (tmp_path / "scan").rename(tmp_path / "scan.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "scan.jpg"), GREY)


@pytest.mark.parametrize("name", ["turned.png", "turned.tif", "deep.png", "deep.tif"])
def test_exif_orientation(tmp_path, name):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    source = TURNED if name.startswith("turned") else TURNED.astype(np.uint16) * 257
    Image.fromarray(source).save(tmp_path / name, exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / name), GREY)


@pytest.mark.parametrize("suffix", ["tif", "mpo"])
def test_first_of_several_pages(tmp_path, suffix):
    path = tmp_path / f"pages.{suffix}"
    grey().save(path, save_all=True, append_images=[Image.new("L", (10, 10))])
    assert read_image(path).shape == GREY.shape


def test_pages_of_a_tiff(tmp_path):
    path = tmp_path / "pages.tif"
    grey().save(path, save_all=True, append_images=[Image.new("L", (10, 12), 7)])
    assert read_file(path).pages == 2
    second = read_file(path, page=2)
    assert second.grey.shape == (12, 10)
    with pytest.raises(ImageError, match="there is no page 3, the file has 2"):
        read_file(path, page=3)


def test_the_second_page_is_checked_before_decoding_too(tmp_path):
    path = tmp_path / "pages.tif"
    grey().save(path, save_all=True, append_images=[Image.new("L", (100, 100))])
    with pytest.raises(ImageError, match="100x100 pixels are more"):
        read_file(path, page=2, max_pixels=5000)


def test_moving_pictures_give_their_first_frame(tmp_path):
    grey().save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("L", (60, 40))])
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), GREY)


def test_heic(tmp_path, monkeypatch):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    grey().convert("RGB").save(tmp_path / "a.heic", quality=95)
    assert np.abs(read_image(tmp_path / "a.heic").astype(int) - GREY).max() < 40
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    refused(tmp_path / "a.heic", r"sigkd\[heic\]")


def test_colour(tmp_path):
    Image.new("RGB", (6, 4), (200, 10, 30)).save(tmp_path / "c.png")
    assert read_file(tmp_path / "c.png").rgb.shape == (4, 6, 3)
    assert tuple(read_file(tmp_path / "c.png").rgb[0, 0]) == (200, 10, 30)


def refused(path, match=None, **options):
    with pytest.raises(ImageError, match=match) as caught:
        read_image(path, **options)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    refused(tmp_path / "none.png", "No such file")
    refused(tmp_path, "directory")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00", b"\xff\xd8\xff\xe0" + b"x" * 50]
)
def test_not_an_image(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    refused(tmp_path / "x.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_files(tmp_path, suffix, share):
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_bytes_never_escape_as_other_errors(tmp_path):
    """Flip bytes all over files of each format: an image, or an ImageError."""
    random = np.random.default_rng(3)
    for suffix in ("png", "jpg", "tif", "bmp"):
        path = tmp_path / f"flip.{suffix}"
        grey().save(path)
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(40):
            damaged = content.copy()
            damaged[random.integers(0, len(content), 5)] = random.integers(0, 256, 5)
            path.write_bytes(damaged.tobytes())
            try:
                assert read_image(path, max_pixels=1_000_000).ndim == 2
            except ImageError as error:
                assert str(path) in str(error)


def bomb(path, side):
    """A PNG whose header promises side x side pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body)


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_bombs_are_refused_before_decoding(tmp_path, side):
    bomb(tmp_path / "bomb.png", side)
    refused(tmp_path / "bomb.png", f"{side}x{side} pixels are more than the limit of 40000000")


def test_the_limit_is_configurable(tmp_path):
    grey().save(tmp_path / "a.png")
    refused(tmp_path / "a.png", "limit of 2399", max_pixels=2399)
    assert read_image(tmp_path / "a.png", max_pixels=2400).size == 2400


def test_pillows_own_limit_is_restored(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    bomb(tmp_path / "bomb.png", 60_000)
    refused(tmp_path / "bomb.png", "limit")
    assert before == Image.MAX_IMAGE_PIXELS


def test_sixteen_bit_colour(tmp_path):
    import cv2

    colour = np.repeat(DEEP[..., None], 3, axis=2)
    drawn_in_alpha = np.concatenate([colour * 0, 65535 - colour[..., :1]], axis=2)
    for name, array in (("rgb.png", colour), ("rgb.tif", colour), ("rgba.png", drawn_in_alpha)):
        cv2.imwrite(str(tmp_path / name), array)
        np.testing.assert_array_equal(read_image(tmp_path / name), GREY)


def test_sixteen_bit_big_endian(tmp_path):
    Image.frombytes("I;16B", (60, 40), DEEP.astype(">u2").tobytes()).save(tmp_path / "big.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "big.tif"), GREY)


def test_sixteen_bit_white_is_zero(tmp_path):
    Image.fromarray(65535 - DEEP).save(tmp_path / "w.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(tmp_path / "w.tif"), GREY)


def encoded(image=None, kind="PNG", **options):
    buffer = io.BytesIO()
    (image or grey()).save(buffer, kind, **options)
    return buffer.getvalue()


def test_content_and_streams(tmp_path):
    content = encoded()
    (tmp_path / "a.png").write_bytes(content)
    with (tmp_path / "a.png").open("rb") as stream:
        files = [read_file(source) for source in (tmp_path / "a.png", content, io.BytesIO(content), stream)]
    for file in files:
        np.testing.assert_array_equal(file.grey, GREY)
        assert (file.content, file.digest) == (content, hashlib.sha256(content).hexdigest())
    assert files[0].name == files[3].name == str(tmp_path / "a.png")
    assert files[1].name == files[2].name == f"image {files[0].digest[:8]}"
    assert read_file(content, name="it").name == "it"
    with pytest.raises(ImageError, match=r"^scan 7: not an image"):
        read_file(b"no image", name="scan 7")


def test_a_pipe_is_read_once(tmp_path):
    """Its second reading would find nothing: pixels and hash must be of the same bytes."""
    pipe, content = tmp_path / "pipe", encoded()
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    file = read_file(pipe)
    writer.join()
    np.testing.assert_array_equal(file.grey, GREY)
    assert file.digest == hashlib.sha256(content).hexdigest()


def test_a_file_is_opened_once(tmp_path, audited):
    (tmp_path / "a.png").write_bytes(encoded())
    with audited() as events:
        read_file(tmp_path / "a.png").grey  # noqa: B018
    assert events.opened(tmp_path / "a.png") == 1


@pytest.mark.parametrize("compression", ["raw", "group4", "tiff_lzw"])
def test_no_file_is_written(compression, audited):
    """Also not for libtiff, which prefers files."""
    content = encoded(binary(), "TIFF", compression=compression)
    with audited() as events:
        read_image(content)
    assert events.written == []


def test_too_large_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_BYTES", 2**20)
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    refused(tmp_path / "large.png", "more than 1 MiB")
    if Path("/dev/zero").exists():
        refused("/dev/zero", "more than 1 MiB")


@pytest.mark.parametrize(("form", "suffix"), [(form, suffix) for form in FORMATS for suffix in FORMATS[form]])
def test_what_folders_are_searched_for_can_be_read(tmp_path, form, suffix):
    path = tmp_path / f"a{suffix.upper()}"
    Image.fromarray(GREY).convert("RGB").save(path, format=form)
    assert images_below(tmp_path) == [path]
    assert read_image(path).shape == GREY.shape
