"""What is said at enrolment: a signature that another writer has too, and one unlike the writer's others."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd import Choices, Verifier
from sigkd.gallery import Gallery
from sigkd.synthesis import signature_image
from sigkd.verification.bulk import enroll_from
from sigkd.verification.comparison import Comparison
from tests.images.test_copies import CHANGES
from tests.verification.conftest import write_scan

GALLERY = "g.db"


@pytest.fixture
def verifier(views_verifier, tmp_path):
    with Verifier(views_verifier.choices, gallery=tmp_path / GALLERY) as made:
        yield made


@pytest.fixture
def files(tmp_path):
    """Scans of three made-up writers, by folder."""
    folder = tmp_path / "clients"
    for writer, name in enumerate(("anna", "bert", "cleo")):
        (folder / name).mkdir(parents=True)
        for index in range(3):
            write_scan(folder / name / f"{index}.png", signature_image(writer + 3, index))
    return folder


def told(remarks, code="enrolled-elsewhere"):
    return [one for one in remarks if one.code == code]


@pytest.mark.parametrize("how", ["the file", "cropped by pixels", "recompressed"])
def test_a_copy_under_another_writer_is_said_with_both_names(verifier, files, tmp_path, how) -> None:
    verifier.enroll("anna", sorted((files / "anna").iterdir()))
    source = files / "anna" / "1.png"
    image = signature_image(3, 1)
    copy = tmp_path / ("copy.jpg" if how == "recompressed" else "copy.png")
    if how == "the file":
        copy.write_bytes(source.read_bytes())
    else:
        write_scan(copy, CHANGES[how](image))
    remarks = told(verifier.enroll("bert", [files / "bert" / "0.png", copy, files / "bert" / "1.png"]))
    assert len(remarks) == 1 and remarks[0].image == str(copy)
    assert "under 'anna' too: reference 2 (1.png)" in remarks[0].text
    assert "bert" in verifier.gallery  # said, not refused


def test_other_peoples_signatures_are_not_said(verifier, files) -> None:
    result = enroll_from(verifier, str(files), data=files)
    assert result.enrolled == ["anna", "bert", "cleo"] and not told(result.remarks)
    assert not told(verifier.enroll("anna", [signature_image(3, 7)], mode="add"))  # and not of one's own


def test_within_one_table_it_is_said_once_with_its_file(verifier, files) -> None:
    (files / "cleo" / "0.png").write_bytes((files / "anna" / "0.png").read_bytes())
    remarks = told(enroll_from(verifier, str(files), data=files).remarks)
    assert [one.image for one in remarks] == [str(files / "cleo" / "0.png")]
    assert "under 'anna'" in remarks[0].text


def test_what_another_program_does_is_seen(verifier, files, tmp_path) -> None:
    verifier.enroll("anna", sorted((files / "anna").iterdir()))
    with Verifier(verifier.choices, gallery=tmp_path / GALLERY) as other:
        other.enroll("bert", sorted((files / "bert").iterdir()))
    assert "under 'bert'" in told(verifier.enroll("cleo", [files / "bert" / "1.png"]))[0].text
    with Gallery(tmp_path / GALLERY) as other:
        other.remove("bert")
        other.remove("cleo")
    assert not told(verifier.enroll("cleo", [files / "bert" / "1.png"]))


def test_a_failed_enrolment_is_forgotten(verifier, files, monkeypatch) -> None:
    verifier.enroll("anna", [files / "anna" / "0.png"])
    with monkeypatch.context() as patch:
        patch.setattr(Gallery, "log", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            verifier.enroll("bert", [files / "bert" / "0.png"])
    assert not told(verifier.enroll("cleo", [files / "bert" / "0.png"]))


def test_models_without_views_find_the_very_file(tiny_model, tiny_cohort, files, tmp_path) -> None:
    choices = Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none")
    with Verifier(choices, gallery=tmp_path / "tiny.db") as verifier:
        verifier.enroll("anna", sorted((files / "anna").iterdir()))
        remarks = told(verifier.enroll("bert", [files / "bert" / "0.png", files / "anna" / "2.png"]))
    assert [one.image for one in remarks] == [str(files / "anna" / "2.png")]


def test_a_reference_unlike_the_others_is_said_with_its_file(verifier, files, monkeypatch) -> None:
    """The limit is the calibration's; here there is none, so it is set between the two kinds of scores."""
    monkeypatch.setattr(Comparison, "least_agreement", property(lambda self: float(np.sort(self.agreement)[0]) + 1e-9))
    anna = [signature_image(3, index) for index in range(4)]
    strange = files / "bert" / "0.png"
    scans = [write_scan(files / f"a{number}.png", image) for number, image in enumerate(anna)]
    remarks = told(verifier.enroll("anna", [*scans[:2], strange, *scans[2:]]), "references-disagree")
    assert [one.image for one in remarks] == [str(strange)]
    verifier.enroll("cleo", scans[:3], mode="new")
    added = told(verifier.enroll("cleo", [files / "cleo" / "0.png"], mode="add"), "references-disagree")
    assert [one.image for one in added] == [str(files / "cleo" / "0.png")]


def test_two_references_cannot_disagree(verifier, files) -> None:
    remarks = verifier.enroll("anna", [files / "anna" / "0.png", files / "bert" / "0.png"])
    assert not told(remarks, "references-disagree")


def test_a_user_reads_it(run_sigkd, files, tmp_path, views_verifier, monkeypatch) -> None:
    monkeypatch.setattr("sigkd.cli.verification.choices_of", lambda *_, **__: views_verifier.choices)
    place = ["--gallery", tmp_path / GALLERY]
    run_sigkd("enroll", "anna", files / "anna" / "0.png", *place, expect=0)
    copied = run_sigkd("enroll", "bert", files / "anna" / "0.png", *place, expect=0)
    assert "warning: anna/0.png: is enrolled under 'anna' too: reference 1 (0.png)" in copied.stderr
