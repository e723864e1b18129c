import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.synthesis import signature_image
from sigkd.synthesis.disturbances import Scan, parse_chain
from sigkd.synthesis.disturbances.scan import PRESENT, field_boxes, signature_boxes, signature_mask
from sigkd.synthesis.documents import LAYOUTS, kinds, make_document
from sigkd.synthesis.documents.specimens import made_up_specimen, scanned_specimen


@pytest.mark.parametrize("name", LAYOUTS.names())
def test_every_layout_is_whole_and_repeats_itself(name):
    first, again = (make_document(name, 2, 7, signed=True, dpi=100) for _ in range(2))
    scan = first.scan
    assert np.array_equal(scan.image, again.scan.image) and first.fields == again.fields
    assert scan.shape == pytest.approx((first.layout.height / 25.4 * 100, first.layout.width / 25.4 * 100), abs=1)
    assert scan.tag == scan.dpi == (100, 100)
    boxes, places = signature_boxes(scan), field_boxes(scan)
    assert set(boxes) == {field.signature for field in first.fields} == set(range(1, len(first.fields) + 1))
    assert set(places) == {field.number for field in first.fields}
    for field in first.fields:  # signed where there is a place for it
        box, place = boxes[field.signature], places[field.number]
        across, down = (min(box[n + 2], place[n + 2]) - max(box[n], place[n]) for n in (0, 1))
        assert across > 0.5 * min(box[2] - box[0], place[2] - place[0])
        assert down > 0.3 * min(box[3] - box[1], place[3] - place[1])
    assert np.median(scan.image) > 150 and any(
        scan.layers.get(name, np.zeros(1)).any() for name in ("print", "handwriting")
    )


@pytest.mark.parametrize("name", LAYOUTS.names())
def test_the_truth_is_where_the_ink_is(name):
    """Signed and unsigned, the same page differs where a signature is, and nowhere else."""
    signed = make_document(name, 1, 1, signed=True, dpi=150, colour=False)
    scan = signed.scan
    ink = scan.layers["signature"]
    paper = float(np.median(scan.image))
    inside = scan.image[ink > 200].astype(float)
    assert inside.mean() < paper - 45
    for number, (left, top, right, bottom) in signature_boxes(scan).items():
        mask = signature_mask(scan, number)
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        assert mask[top].any() and mask[bottom - 1].any() and mask[:, left].any() and mask[:, right - 1].any()
    parts = sum(int((signature_mask(scan, n) > 0).sum()) for n in signature_boxes(scan))
    assert parts == int((ink > PRESENT).sum())  # every pixel of ink belongs to one signature


def test_unsigned_documents_have_places_but_no_ink():
    for kind in kinds():
        document = make_document(kind, 5, 0, signed=False, dpi=75)
        assert document.fields and not any(field.signature for field in document.fields)
        assert not document.scan.layers.get("signature", np.zeros(1)).any() and not signature_boxes(document.scan)
        assert len(field_boxes(document.scan)) == len(document.fields)
    shares = [field.signature > 0 for n in range(12) for field in make_document("form-table", 5, n, dpi=50).fields]
    assert 0.75 < np.mean(shares) < 0.99


@pytest.mark.parametrize(
    "chain", ["turn=5", "pen-wider=0.4", "perspective=20", "resolution=150", "page-photo", "quarter-turns=3", "fax"]
)
def test_the_truth_of_pages_moves_along(chain):
    document = make_document("contract-two", 3, 2, signed=True, dpi=200, colour=False)
    moved = parse_chain(chain)(document.scan, 1)
    before, after = signature_boxes(document.scan), signature_boxes(moved)
    assert set(before) == set(after) and set(field_boxes(document.scan)) == set(field_boxes(moved))
    ink = moved.layers["signature"] > PRESENT
    parts = sum(int((signature_mask(moved, n) > 0).sum()) for n in after)
    assert ink.sum() * 0.995 <= parts <= ink.sum()
    grey = moved.image if moved.image.ndim == 2 else moved.image.mean(axis=2)
    left, top, right, bottom = after[1]
    near = np.zeros_like(ink)
    near[max(top - 20, 0) : bottom + 20, max(left - 20, 0) : right + 20] = True
    assert grey[ink & near].mean() < grey[near & ~ink].mean() - 20


def test_given_signatures_are_set_in_their_size():
    images = [signature_image(writer, 0) for writer in (3, 8)]
    scans = [Scan(image, (400.0, 400.0)) for image in images]
    document = make_document("contract-witnesses", 1, 4, signatures=scans, dpi=200)
    assert [field.signature for field in document.fields] == [1, 2, 0, 0]
    assert all(field.scale == 1 for field in document.fields)
    for number, image in enumerate(images, start=1):
        left, top, right, bottom = signature_boxes(document.scan)[number]
        rows, columns = np.nonzero(image < 0.7 * np.median(image))
        size = ((np.ptp(rows) + 1) / 2, (np.ptp(columns) + 1) / 2)
        assert (bottom - top, right - left) == pytest.approx(size, abs=5)


def test_the_ink_of_a_scan_is_the_ink_it_was_made_of():
    drawn, taken = made_up_specimen(4, 0), scanned_specimen(Scan(signature_image(4, 0), (400.0, 400.0)))
    ink = (drawn.presence > PRESENT, taken.presence > PRESENT)
    assert ink[0].sum() == pytest.approx(ink[1].sum(), rel=0.15)
    assert drawn.coverage.shape == pytest.approx(taken.coverage.shape, abs=10)
    assert taken.coverage[taken.presence == 0].max(initial=0) == 0


def test_the_sides_of_the_split_share_no_layout():
    training, held_out = kinds("training"), kinds("held-out")
    assert {"cheque", "letter", "form", "contract", "envelope", "card", "specimens"} == {*training} == {*held_out}
    for side in ("training", "held-out"):
        layouts = {make_document("form", 1, n, split=side, dpi=50).layout.name for n in range(8)}
        assert all(LAYOUTS.get(name).split == side for name in layouts) and len(layouts) == 2


def test_writing_that_is_no_signature_is_apart():
    scan = make_document("form-boxes", 1, 1, signed=True, dpi=100).scan
    assert scan.layers["handwriting"].any() and scan.layers["line"].any()
    both = (scan.layers["handwriting"] > PRESENT) & (scan.layers["signature"] > PRESENT)
    assert both.mean() < 1e-4


@pytest.mark.parametrize("kind", ["chequ", "form-linse"])
def test_unknown_kinds_are_named(kind):
    with pytest.raises(UsageError, match=r"Did you mean '(cheque|form-lines)'"):
        make_document(kind)
    with pytest.raises(UsageError, match="for held-out"):
        make_document("cheque-line", split="held-out")
