import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_pages import write_page

from sigkd.errors import UsageError
from sigkd.images.canvas import CANVASES
from sigkd.text import crops
from sigkd.text.ink import separate_ink
from sigkd.text.lines import find_lines
from sigkd.text.matching import SIGNATURES, Pen, close_gaps, cut_matched, draw
from sigkd.text.options import ASPECTS, TextOptions
from sigkd.text.stripes import solid_stripe


@pytest.fixture(scope="module")
def line():
    return find_lines(separate_ink(write_page(1, seed=6, width=1800)), "seams").lines[0]


def test_stripe_is_the_definition_written_plainly(line):
    image, columns = line.image, np.arange(line.image.shape[1])
    for share in (0.10, 0.01):
        deviation = image.astype(float).std(axis=0)
        keep = (deviation >= share * deviation.max()) & (deviation > 0)
        image, columns = image[:, keep], columns[keep]
    stripe = solid_stripe(line.image)
    np.testing.assert_array_equal(stripe.image, image)
    np.testing.assert_array_equal(stripe.columns, columns)


def test_stripe_of_a_blank_line_is_empty():
    assert solid_stripe(np.full((30, 50), 255, np.uint8)).image.shape == (30, 0)


@given(st.integers(220, 5000), st.integers(20, 400), st.floats(1.6, 2.8))
def test_positions_tile_the_stripe(width, height, aspect):
    positions = crops.crop_positions(width, height, aspect)
    assert positions[0][0] == 0
    assert positions[-1][1] == width
    assert all(a[1] == b[0] for a, b in itertools.pairwise(positions))
    if len(positions) > 1:
        assert all(0.65 <= (end - start) / (height * aspect) <= 1.4 for start, end in positions)


def cut(line, **options):
    chosen = TextOptions(**options)
    return list(crops.cut_crops(line, solid_stripe(line.image), chosen, crops.stripe_random(chosen.seed, "p", 0)))


def test_one_crop_a_position_by_default(line):
    found = cut(line)
    assert [crop.position for crop in found] == list(range(len(found)))
    assert len({crop.aspect for crop in found}) == 1
    assert min(ASPECTS.values()) <= found[0].aspect <= max(ASPECTS.values())
    assert all(crop.image.shape == (170, 242) and crop.image.any() for crop in found)
    assert all(crop.scale == 1 and crop.blur == 0 for crop in found)


def test_several_canvases_a_position_and_samples_a_canvas(line):
    positions = len(cut(line))
    twice = cut(line, per_position=2)
    assert len(twice) == 2 * positions
    assert all(a.canvas != b.canvas for a, b in zip(twice[::2], twice[1::2], strict=True))
    each = cut(line, per_canvas=1)
    assert sorted(crop.canvas for crop in each) == [0, 1, 2, 3]


def test_same_seed_same_crops_other_seed_others(line):
    first, again, other = cut(line), cut(line), cut(line, seed=1)
    assert all((a.image == b.image).all() for a, b in zip(first, again, strict=True))
    assert first[0].aspect != other[0].aspect


def test_scale_enlarges_and_blur_softens(line):
    plain = cut(line, canvases=["gpds"], aspect="gpds")
    large = cut(line, canvases=["gpds"], aspect="gpds", scale="2")
    soft = cut(line, canvases=["gpds"], aspect="gpds", blur="2")

    def width(crop):
        return np.ptp(np.flatnonzero(crop.image.any(axis=0))) + 1

    assert np.mean([width(b) / width(a) for a, b in zip(plain, large, strict=True)]) == pytest.approx(2, rel=0.12)
    assert np.mean([crop.image.max() for crop in soft]) < np.mean([crop.image.max() for crop in plain])
    assert {crop.blur for crop in soft} == {2.0}


def test_scaled_canvas_keeps_the_ink_inside():
    wide = np.full((100, 900), 255, np.uint8)
    wide[40:60, 10:890] = 0
    size, scale = crops.scaled_canvas(CANVASES["gpds"], (1.0, 4.0), 15, wide)
    assert 0.88 * size[1] + 1 >= 880
    assert 1 <= scale < 2


def test_matched_crops_have_the_signatures_statistics(line):
    options = TextOptions(match="signatures", per_position=6, blur="0.8:1.5", pen="crop")
    random = crops.stripe_random(0, "p", 0)
    found = [c for c in cut_matched(line, Pen.drawn(random), options, random) if not isinstance(c, str)]
    assert len(found) >= 20
    rows = [np.flatnonzero(crop.image.any(axis=1)) for crop in found]
    columns = [np.flatnonzero(crop.image.any(axis=0)) for crop in found]
    size = [np.sqrt((r[-1] - r[0] + 1) * (c[-1] - c[0] + 1)) * 952 / 170 for r, c in zip(rows, columns, strict=True)]
    assert np.median(size) == pytest.approx(SIGNATURES.size[3], rel=0.3)
    ink = [np.percentile(crop.image[crop.image > 0], 90) for crop in found]
    assert 60 <= np.median(ink) <= 120
    assert all(0 <= crop.left < crop.right <= line.image.shape[1] for crop in found)


def test_a_page_keeps_its_pen():
    random = np.random.default_rng(0)
    pen = Pen.drawn(random)
    ranks = np.array([[own.size, own.stroke, own.ink] for own in (pen.taken_up(random) for _ in range(300))])
    assert (ranks >= 0).all()
    assert (ranks <= 1).all()
    assert ranks[:, 1].std() < 0.15 < 1 / np.sqrt(12)


def test_draw_follows_the_quantiles():
    assert draw(SIGNATURES.ink, 0.5) == SIGNATURES.ink[3]
    assert draw(SIGNATURES.ink, 0.5, 1.25, 1.0) == pytest.approx(1.25 * SIGNATURES.ink[3])


def test_gaps_are_closed():
    line = np.full((10, 40), 255, np.uint8)
    line[:, [5, 6, 20, 35]] = 0
    assert close_gaps(line, 3).tolist() == [5, 6, 7, 8, 9, 20, 21, 22, 23, 35]
    assert close_gaps(np.full((10, 40), 255, np.uint8), 3).size == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"canvases": ["gpd"]}, "unknown canvas"),
        ({"canvases": []}, "at least one"),
        ({"aspect": "square"}, "unknown aspect"),
        ({"aspect": "99"}, "plausible"),
        ({"scale": "2:1"}, "`scale`"),
        ({"blur": "-1:1"}, "`blur`"),
        ({"validation": 1.0}, "validation"),
        ({"per_position": 5}, "`per_position`"),
        ({"match": "text"}, "`match` must be one of"),
        ({"pen": "quill"}, "pen"),
        ({"views": ["952,tall"]}, "`views` tall"),
        ({"lines": "seam"}, "line finder"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TextOptions(**options)


def test_ranges():
    assert TextOptions(scale="1.5:4").scales == (1.5, 4.0)
    assert TextOptions(blur="2").blurs == (2.0, 2.0)
    assert TextOptions(views=["952, 600", "fitted"]).views == ["952", "600", "fitted"]
    with pytest.raises(UsageError, match="LOW:HIGH"):
        TextOptions(scale="1:2:3")
