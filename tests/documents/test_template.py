"""Templates are laid on pages by what is printed on them."""

import numpy as np
import pytest
from PIL import Image

from sigkd.documents import registration
from sigkd.documents.detector import evened
from sigkd.documents.regions import read_regions
from sigkd.documents.registration import place_marks
from sigkd.documents.template import Template, find_template, known_templates, make_template, template_path
from sigkd.errors import ImageError, InputError, UsageError
from sigkd.images.reader import ImageFile
from sigkd.images.resolution import Resolution
from sigkd.images.scale import resized
from sigkd.synthesis.disturbances import parse_chain
from sigkd.synthesis.disturbances.scan import Scan
from sigkd.synthesis.documents import make_document


def file_of(picture):
    return ImageFile("form.png", b"", Image.fromarray(picture), Resolution(150, 150, "tag"))


@pytest.fixture(scope="module")
def template(form):
    return make_template("form", file_of(form.scan.image), (150, 150), read_regions(["applicant=107,200,80,20"]))


def test_a_template_keeps_marks_but_no_handwriting_and_nothing_of_its_places(template, form, tmp_path):
    marks = template.marks()
    assert template.size_mm == pytest.approx((210, 297), abs=0.4)
    assert (marks[591:650, 317:551] == 255).all()
    hand = resized(form.scan.layers["handwriting"], (0.5, 0.5))[: marks.shape[0], : marks.shape[1]] > 200
    assert (marks[hand] > 200).mean() > 0.9
    template.save(tmp_path / "form.json")
    assert Template.read(tmp_path / "form.json") == template


@pytest.mark.parametrize("chain", ["turn=5", "scale=0.9", "scale=1.1", "margin=10+turn=4+jpeg", "fax"])
def test_places_are_found_again_within_two_millimetres(template, form, chain):
    """A dot of truth is carried through the disturbance: the place's upper left corner must be there."""
    truth = np.zeros(form.scan.shape, np.uint8)
    x, y = (round(mm * 150 / 25.4) for mm in (107, 200))
    truth[y - 3 : y + 4, x - 3 : x + 4] = 255
    moved = parse_chain(chain)(Scan(form.scan.image, form.scan.dpi, form.scan.tag, {"print": truth}), 1)
    share = 75 / moved.dpi[0], 75 / moved.dpi[1]
    placement = place_marks(template.marks(), evened(resized(moved.image, share)))
    assert placement is not None
    found = placement.on_page(np.array([[107.0, 200.0]], np.float32))[0]
    rows, columns = np.nonzero(moved.layers["print"] > 100)
    where = columns.mean() * share[0], rows.mean() * share[1]
    assert np.hypot(*(found - where)) < 2 / 25.4 * 75


def test_a_template_is_looked_at_once_for_many_pages(template, form, monkeypatch):
    looked_at, features = [], registration._features
    monkeypatch.setattr(registration, "_features", lambda picture: looked_at.append(picture) or features(picture))
    registration._features_of_template.cache_clear()
    page = evened(resized(form.scan.image, (0.5, 0.5)))
    places = [place_marks(template.marks(), page) for _ in range(3)]
    assert len(looked_at) == 1 + 3
    assert {place.matches for place in places} == {places[0].matches} and places[0].matches > 100


def test_other_pages_are_not_taken_for_the_templates(template, contract):
    assert place_marks(template.marks(), evened(resized(contract.scan.image, (0.5, 0.5)))) is None
    assert place_marks(template.marks(), np.full((400, 300), 255, np.uint8)) is None
    other = make_document("form-boxes", seed=1, dpi=75.0, colour=False).scan.image
    assert place_marks(template.marks(), evened(other)) is None


def test_what_cannot_be_a_template_is_refused():
    blank = file_of(np.full((600, 800), 250, np.uint8))
    with pytest.raises(ImageError, match="too little is printed"):
        make_template("a", blank, (150, 150), read_regions(["10,10,30,10"]))
    with pytest.raises(UsageError, match="goes beyond the page of 135 x 102 mm"):
        make_template("a", blank, (150, 150), read_regions(["100,10,90,10"]))
    with pytest.raises(UsageError, match="at least one `region`"):
        make_template("a", blank, (150, 150), ())
    with pytest.raises(UsageError, match="a name has"):
        make_template("../a", blank, (150, 150), read_regions(["10,10,30,10"]))


def test_templates_are_found_by_name(template, tmp_path):
    path = template_path(tmp_path, "form")
    path.parent.mkdir()
    template.save(path)
    assert find_template(tmp_path, "form") == find_template(tmp_path, str(path)) == template
    assert [one.name for one in known_templates(tmp_path).templates] == ["form"]
    with pytest.raises(InputError, match=r"no template 'from'\. Did you mean 'form'"):
        find_template(tmp_path, "from")
