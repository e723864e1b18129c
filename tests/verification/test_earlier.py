"""A copy of an earlier query is not another signature; the very file again is the same question."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sigkd import Verifier
from sigkd.errors import DatasetError, GalleryError, InputError
from sigkd.gallery.changes import write_notes
from sigkd.gallery.maintenance import check
from sigkd.gallery.queries import earlier_queries
from sigkd.synthesis import signature_image
from sigkd.verification.bulk import enroll_from
from sigkd.verification.decision import Decision
from tests.images.test_copies import CHANGES
from tests.verification.conftest import write_scan as write


@pytest.fixture
def open_verifier(views_verifier, tmp_path):
    """Opens verifiers of one gallery."""
    opened = []

    def make(**options):
        opened.append(Verifier(views_verifier.choices, gallery=tmp_path / "g.db", **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def enrolled(open_verifier, signatures):
    verifier = open_verifier()
    verifier.enroll("anna", signatures[:3])
    return verifier


def codes(answer):
    return [remark.code for remark in answer.remarks]


@pytest.mark.parametrize("how", ["saved again", "cropped by pixels", "scaled", "turned", "recompressed"])
def test_a_copy_of_an_earlier_query_is_never_accepted(enrolled, signatures, tmp_path, how):
    first = enrolled.verify("anna", signatures[4])
    assert first.decision is not Decision.COPY and codes(first)[:1] != ["copy"]
    image = CHANGES[how](signature_image(3, 4))
    copied = write(tmp_path / ("c.jpg" if how == "recompressed" else "c.png"), image, dpi=(401, 401))
    answer = enrolled.verify("anna", copied)
    assert answer.decision is Decision.COPY and answer.evidence is None
    assert codes(answer)[0] == "copy" and first.query_hash[:16] in answer.remarks[0].text
    assert enrolled.gallery.entries("anna")[-1].detail["decision"] == "suspected copy"


def test_a_flag_does_not_hide_a_copy(enrolled, signatures):
    write_notes(enrolled.gallery, "anna", flag="stolen")
    answer = enrolled.verify("anna", signatures[0])
    assert answer.decision is Decision.COPY and set(answer.decisive) >= {"flagged", "copy"}


def test_other_signatures_of_the_writer_are_none(enrolled):
    queries = [signature_image(3, number) for number in range(3, 13)]
    answers = [*enrolled.verify_many("anna", queries), enrolled.verify("anna", signature_image(3, 20))]
    assert Decision.COPY not in {answer.decision for answer in answers}
    assert len(earlier_queries(enrolled.gallery, "anna")) == 11
    assert check(enrolled.gallery).queries == 11


def test_copies_are_found_within_one_call(enrolled, signatures, tmp_path):
    again = write(tmp_path / "again.jpg", signature_image(3, 4), quality=80)
    first, second = enrolled.verify_many("anna", [signatures[4], again])
    assert first.decision is not Decision.COPY and second.decision is Decision.COPY


def test_the_same_file_again_is_the_same_question(enrolled, signatures, tmp_path):
    first = enrolled.verify("anna", signatures[4])
    copied = write(tmp_path / "c.jpg", signature_image(3, 4), quality=80)
    assert enrolled.verify("anna", copied).decision is Decision.COPY
    again = enrolled.verify("anna", signatures[4])
    assert "repeated" not in codes(first) and codes(again)[0] == "repeated"
    # neither its own first time nor the copy that came after it changes the answer
    assert (again.decision, again.score, again.evidence) == (first.decision, first.score, first.evidence)
    assert again.remarks[1:] == first.remarks
    assert enrolled.verify("anna", copied).decision is Decision.COPY  # and the copy stays one
    assert len(earlier_queries(enrolled.gallery, "anna")) == 2


def test_each_writer_has_earlier_queries_of_their_own(enrolled, signatures, tmp_path):
    enrolled.enroll("bert", [signature_image(9, number) for number in range(3)])
    enrolled.verify("anna", signatures[4])
    copied = write(tmp_path / "c.jpg", signature_image(3, 4), quality=80)
    assert enrolled.verify("bert", copied).decision is not Decision.COPY


def test_without_the_log_nothing_is_kept(enrolled, open_verifier, signatures, tmp_path):
    enrolled.verify("anna", signatures[4])
    silent = open_verifier(audit=False)
    other, image = signature_image(3, 5), signature_image(3, 4)
    silent.verify("anna", other)
    silent.verify("anna", other)
    assert len(earlier_queries(silent.gallery, "anna")) == 1
    # but what others kept is looked at, also where the file may not be written
    copied = write(tmp_path / "c.jpg", image, quality=80)
    assert silent.verify("anna", copied).decision is Decision.COPY
    enrolled.gallery.switch_log("off")
    enrolled.verify("anna", other)
    assert len(earlier_queries(enrolled.gallery, "anna")) == 1
    enrolled.gallery.switch_log("on")
    enrolled.close()
    silent.close()
    (tmp_path / "g.db").chmod(0o400)
    assert open_verifier(audit=False).verify("anna", copied).decision is Decision.COPY
    with pytest.raises(GalleryError, match="read-only"):
        open_verifier().verify("anna", copied)


def test_a_report_says_so(enrolled, signatures, tmp_path):
    from sigkd.verification.documents import verify_documents
    from sigkd.verification.report import Report

    enrolled.verify("anna", signatures[4])
    copied = write(tmp_path / "c.jpg", signature_image(3, 4), quality=80)
    (answer,) = verify_documents(enrolled, "anna", [copied], report=Report(tmp_path / "r.html")).answers
    assert answer.decision is Decision.COPY
    text = (tmp_path / "r.html").read_text()
    assert "nobody signs twice so alike" in text


def test_added_references_that_are_copies_count_once(enrolled, signatures, tmp_path):
    again = write(tmp_path / "again.jpg", signature_image(3, 1), quality=80)
    remarks = enrolled.enroll("anna", [again, signatures[3], signatures[3]], mode="add")
    assert [one.code for one in remarks][:2] == ["duplicate", "duplicate"] and "reference 2" in remarks[0].text
    assert len(enrolled.gallery.references("anna")) == 4
    with pytest.raises(InputError, match="nothing to add"):
        enrolled.enroll("anna", [again, signatures[0]], mode="add")
    enrolled.enroll("anna", [again, signatures[0]], mode="replace")  # the old ones go
    assert len(enrolled.gallery.references("anna")) == 2


@pytest.fixture
def client(tmp_path):
    """The folder of one writer of many, with two signatures in it."""
    folder = tmp_path / "clients" / "anna"
    folder.mkdir(parents=True)
    for number in range(2):
        write(folder / f"{number}.png", signature_image(3, number))
    return folder


def test_many_writers_with_copies(open_verifier, client, tmp_path):
    write(client / "2.png", signature_image(3, 2))
    small = cv2.resize(signature_image(3, 0), None, fx=0.97, fy=0.97, interpolation=cv2.INTER_AREA)
    write(client / "9.png", np.ascontiguousarray(small))
    verifier = open_verifier()
    result = enroll_from(verifier, str(tmp_path / "clients"), data=tmp_path)
    assert (result.enrolled, result.references) == (["anna"], 3)
    assert [one.code for one in result.remarks] == ["duplicate"] and "9.png" in result.remarks[0].text
    again = enroll_from(verifier, str(tmp_path / "clients"), data=tmp_path, mode="add")
    assert again.enrolled == [] and "copies" in again.skipped["anna"]
    assert len(verifier.gallery.references("anna")) == 3


def test_what_is_passed_over_is_named(open_verifier, client, tmp_path):
    (client / "bad.png").write_bytes(b"x")
    (client / "scan.doc").touch()
    result = enroll_from(open_verifier(), str(tmp_path / "clients"), data=tmp_path)
    assert (result.enrolled, result.references) == (["anna"], 2)
    assert "not an image" in result.skipped[str(client / "bad.png")]
    assert result.skipped["anna/scan.doc"] == "passed over, no image by its suffix"


def test_forgers_are_not_enrolled(open_verifier, tmp_path):
    for name in ("001/001_1.png", "001_forg/9001_1.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        write(tmp_path / "set" / name, signature_image(3, 0))
    with pytest.raises(DatasetError, match="layout 'sigcomp2011'"):
        enroll_from(open_verifier(), str(tmp_path / "set"), data=tmp_path)
    assert not (tmp_path / "g.db").exists()


def test_a_folder_of_queries_tells_what_it_passes_over(enrolled, signatures, tmp_path):
    from sigkd.verification.documents import verify_documents
    from tests.images.test_formats import Told

    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "1.png").write_bytes(signatures[4].read_bytes())
    (tmp_path / "queries" / "2.doc").touch()
    told = Told()
    result = verify_documents(enrolled, "anna", [tmp_path / "queries"], progress=told)
    assert len(result.answers) == 1 and not result.failed
    assert [line for line in told.lines if line.endswith("no image by its suffix: 2.doc")]
