"""The levels are what they say: measured in the disturbed pictures, also where pixels are not square."""

import cv2
import numpy as np
import pytest

from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import DISTURBANCES, Scan, parse_chain


def disturbed(name, scan, level=None, seed=0):
    return DISTURBANCES.get(name)(scan, level, seed)


def blank(grey=200, dpi=(300.0, 300.0), shape=(300, 450)):
    return Scan(np.full(shape, grey, np.uint8), dpi)


def bar(thick=12, dpi=(300.0, 300.0), shape=(200, 400)):
    """A level black bar on white, whose truth is known."""
    image = np.full(shape, 255, np.uint8)
    image[100 : 100 + thick, 50:350] = 0
    return Scan(image, dpi, None, {"signature": 255 - image})


@pytest.mark.parametrize("dpi", [100.0, 200.0, 600.0])
def test_resolution(dpi):
    scan = Scan(signature_image(2, 0), (400.0, 400.0), (400.0, 400.0))
    result = disturbed("resolution", scan, dpi)
    assert result.dpi == result.tag == (dpi, dpi)
    assert np.allclose(result.shape, np.array(scan.shape) * dpi / 400, atol=0.5)
    assert abs(float(result.image.mean()) - float(scan.image.mean())) < 1
    assert disturbed("resolution-untagged", scan, dpi).tag is None
    assert disturbed("resolution-mistagged", scan, dpi).tag == (400.0, 400.0)
    scaled = disturbed("scale", scan, dpi / 400 * 0.9 + 0.35)
    assert scaled.tag is None and scaled.shape[1] == pytest.approx(scan.shape[1] * scaled.dpi[0] / 400, abs=0.5)


def test_standard_fax_has_rows_of_half_the_density():
    result = disturbed("non-square", blank(dpi=(204.0, 204.0), shape=(408, 612)))
    assert result.shape == (196, 612) and result.tag == result.dpi == pytest.approx((204.0, 98.0))


@pytest.mark.parametrize("dpi", [(300.0, 300.0), (600.0, 600.0), (204.0, 98.0)])
@pytest.mark.parametrize("mm", [0.1, 0.17, 0.5])
def test_thickness_of_a_line(mm, dpi):
    layer = disturbed("line-through", blank(dpi=dpi), mm).layers["line"]
    middle = layer[:, 200:250].astype(float).sum(axis=0).mean() / 255
    assert middle * 25.4 / dpi[1] == pytest.approx(mm, abs=0.02)


def test_distance_of_ruled_lines():
    layer = disturbed("ruled", blank(shape=(600, 300)), 8.0).layers["line"]
    rows = np.flatnonzero(np.diff((layer[:, 150] > 60).astype(int)) == 1)
    assert np.allclose(np.diff(rows) * 25.4 / 300, 8.0, atol=0.15)


@pytest.mark.parametrize("degrees", [0.5, 3.0, 10.0])
@pytest.mark.parametrize("dpi", [(300.0, 300.0), (300.0, 150.0)])
def test_angle_of_a_turn(degrees, dpi):
    result = disturbed("turn", bar(dpi=dpi), degrees)
    y, x = np.nonzero(result.layers["signature"] > 127)
    points = np.stack([x / dpi[0], y / dpi[1]], axis=1).astype(np.float32)
    vx, vy = cv2.fitLine(points, cv2.DIST_L2, 0, 0.01, 0.01).ravel()[:2]
    assert np.degrees(np.arctan(abs(vy / vx))) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_light_lost(share):
    for name in ("shade", "vignette"):
        image = disturbed(name, blank(), share, 2).image
        assert float(image.min()) / 200 == pytest.approx(1 - share, abs=0.02) and image.max() > 195
    corner = disturbed("corner-shadow", blank(), share, 1).image
    assert float(corner.min()) / 200 == pytest.approx(1 - share, abs=0.05)
    assert np.median(corner) > 200 * (1 - 0.5 * share)  # most of the picture is in the light


@pytest.mark.parametrize("factor", [0.2, 0.5, 1.5])
def test_ink_density(factor):
    image = np.full((200, 400), 230, np.uint8)
    image[90:102, 50:350] = 130
    result = disturbed("ink", Scan(image), factor).image
    contrast = 230 - float(np.median(result[92:100, 60:340]))
    assert contrast == pytest.approx(100 * factor, abs=4)
    assert (result[:60] == 230).all()


@pytest.mark.parametrize("mm", [0.05, 0.1, 0.2, 0.4])
def test_width_of_the_pen(mm):
    def width(scan):
        return float((255 - scan.image[:, 150:250].astype(float)).sum(axis=0).mean()) / 255 * 25.4 / 300

    scan = bar(thick=20)
    scan = scan.with_image(cv2.GaussianBlur(scan.image, (0, 0), 0.8))  # else it were black and white, in whole pixels
    assert width(disturbed("pen-wider", scan, mm)) - width(scan) == pytest.approx(mm, abs=0.02)
    assert width(scan) - width(disturbed("pen-thinner", scan, mm)) == pytest.approx(mm, abs=0.02)
    layer = disturbed("pen-wider", scan, mm).layers["signature"][:, 150:250]
    assert layer.astype(float).sum(axis=0).mean() / 255 * 25.4 / 300 == pytest.approx(20 / 300 * 25.4 + mm, abs=0.02)


def test_a_thinner_pen_leaves_no_gaps():
    scan = bar(thick=3)
    thin = disturbed("pen-thinner", scan, 0.4)
    assert (thin.image[:, 60:340].min(axis=0) < 100).all()


@pytest.mark.parametrize("sigma", [0.05, 0.12, 0.4])
def test_blur(sigma):
    image = np.full((60, 400), 255, np.uint8)
    image[:, 200:] = 0
    edge = -np.diff(disturbed("blur", Scan(image), sigma).image[30].astype(float))
    place = np.arange(len(edge))
    mean = (edge * place).sum() / edge.sum()
    spread = np.sqrt((edge * (place - mean) ** 2).sum() / edge.sum())
    assert spread * 25.4 / 300 == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("levels", [2.0, 12.0, 40.0])
def test_noise(levels):
    assert disturbed("noise", blank(128), levels).image.std() == pytest.approx(levels, rel=0.05)


def test_specks_are_counted():
    result = disturbed("speckle", blank(shape=(1200, 1200)), 20.0).image
    count = cv2.connectedComponents((result < 150).astype(np.uint8))[0] - 1
    assert count / (4 * 2.54) ** 2 == pytest.approx(20.0, rel=0.15)


def test_margins():
    scan = bar()
    wide = disturbed("margin", scan, 10.0)
    assert np.allclose(np.array(wide.shape) - scan.shape, 2 * 10 / 25.4 * 300, atol=1)
    tight = disturbed("tight", scan, 1.0)
    assert np.allclose(tight.shape, (12 + 2 * 11.8, 300 + 2 * 11.8), atol=1.5)
    cut = disturbed("cut", scan, 2.0, 5)
    assert (scan.layers["signature"] > 0).sum() > (cut.layers["signature"] > 0).sum() > 0


def test_halftone_has_its_screen():
    image = disturbed("halftone", blank(128, (600.0, 600.0), (512, 512)), 100.0).image.astype(float)
    spectrum = np.abs(np.fft.fft2(image - image.mean()))
    y, x = np.unravel_index(spectrum[:256].argmax(), (256, 512))
    frequency = np.hypot(min(y, 512 - y), min(x, 512 - x)) / 512 * 600
    assert frequency == pytest.approx(100.0, rel=0.03)


def test_a_threshold_above_otsus_widens_and_below_it_narrows():
    scan = Scan(signature_image(2, 0), (400.0, 400.0))
    shares = [(disturbed("binary", scan, level).image == 0).mean() for level in (-0.3, 0.0, 0.3)]
    assert shares[0] < shares[1] < shares[2]


def test_pens_have_the_colour_that_is_asked_for():
    scan = Scan(signature_image(2, 0), (400.0, 400.0))
    for hue, strongest in ((0.0, 0), (120.0, 1), (225.0, 2)):
        image = disturbed("pen-colour", scan, hue).image
        ink = image[scan.image < 100].reshape(-1, 3).mean(axis=0)
        assert ink.argmax() == strongest and image.shape == (*scan.image.shape, 3)


@pytest.mark.parametrize("name", ["line", "line-broken", "line-dotted", "box", "comb", "caption", "caption-beside",
                                  "caption-overlap", "stamp", "date", "border"])  # fmt: skip
def test_the_truth_of_what_was_added(name):
    """The picture is darker where the added layer is, and nowhere else."""
    scan = Scan(signature_image(4, 0), (400.0, 400.0))
    for seed in range(3):
        result = disturbed(name, scan, None, seed)
        [layer] = result.layers.values()
        if result.shape != scan.shape:
            [rows], [columns] = find_window(result.image, scan.image)
            within = (slice(rows, rows + scan.shape[0]), slice(columns, columns + scan.shape[1]))
        else:
            within = (slice(None), slice(None))
        before, after, added = scan.image.astype(int), result.image[within].astype(int), layer[within]
        assert np.array_equal(before[added == 0], after[added == 0])
        assert (after <= before).all() and (layer > 100).sum() > 50
        assert (result.image[layer == 255] < 190).all()


def find_window(image, part):
    """Where a part (its corner at least) lies in a picture that was extended around it."""
    for y in range(image.shape[0] - part.shape[0] + 1):
        for x in range(image.shape[1] - part.shape[1] + 1):
            if image[y, x] == part[0, 0] and np.array_equal(image[y, x : x + 40], part[0, :40]):
                return [y], [x]
    raise AssertionError("the scan is not in the picture")


@pytest.mark.parametrize(
    "name", ["turn", "perspective", "quarter-turns", "resolution", "non-square", "margin", "tight"]
)
def test_the_truth_moves_with_the_picture(name):
    image = signature_image(4, 0)
    ink = np.clip((200 - image.astype(int)) * 1.2, 0, 255).astype(np.uint8)
    scan = Scan(255 - ink, (400.0, 400.0), None, {"signature": ink, "number": (ink > 127).astype(np.uint8)})
    for seed in range(3):
        result = disturbed(name, scan, None, seed)
        assert np.abs(255 - result.image.astype(int) - result.layers["signature"]).mean() < 3
        assert set(np.unique(result.layers["number"])) == {0, 1}


def test_a_real_scan_s_paper_goes_on_without_a_seam():
    image = signature_image(9, 0).astype(float) * np.linspace(0.6, 1, signature_image(9, 0).shape[1])
    scan = Scan(image.astype(np.uint8), (400.0, 400.0))
    result = parse_chain("margin=5")(scan).image.astype(float)
    step = round(5 / 25.4 * 400)
    for inside, outside in ((result[:, step + 2 : step + 12], result[:, step - 12 : step - 2]),
                            (result[:, -step - 12 : -step - 2], result[:, -step + 2 : -step + 12])):  # fmt: skip
        rows = slice(step, -step)
        assert abs(np.median(inside[rows]) - np.median(outside[rows])) < 6
        assert 0.4 < np.diff(outside, axis=0).std() / np.diff(inside[rows], axis=0).std() < 2.5
