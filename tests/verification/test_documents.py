"""Documents are verified and enrolled by the signatures on them; a place without one is unsigned."""

from __future__ import annotations

import base64
import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigkd import Choices, Verifier
from sigkd.documents.regions import read_regions
from sigkd.errors import ExitCode, ImageError, UsageError
from sigkd.images.reader import ImageFile
from sigkd.synthesis.disturbances.scan import Scan, field_boxes, signature_boxes
from sigkd.synthesis.documents import make_document
from sigkd.verification.bulk import enroll_from
from sigkd.verification.claims import verify_claims
from sigkd.verification.documents import (
    Look,
    is_page,
    signatures_of,
    take_signatures,
    verify_document_against,
    verify_documents,
)
from sigkd.verification.report import Report

DPI = 150.0


def signed(layout: str, images: list[np.ndarray], number: int = 1):
    scans = [Scan(image, (400.0, 400.0), (400.0, 400.0)) for image in images]
    return make_document(layout, 3, number, signatures=scans, dpi=DPI, colour=False).scan


def region(box: tuple[int, ...], role: str) -> str:
    left, top, right, bottom = (value * 25.4 / DPI for value in box)
    return f"{role}={left - 3:.1f},{top - 3:.1f},{right - left + 6:.1f},{bottom - top + 6:.1f}"


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """A card with four specimens of Ada, contracts signed by both, by nobody, and where they sign."""
    from sigkd.synthesis import signature_image

    folder = tmp_path_factory.mktemp("papers")
    ada, bob = ([signature_image(writer, index) for index in range(6)] for writer in (0, 1))
    pages = {"card": signed("specimens-card", ada[:4], 2), "contract": signed("contract-two", [ada[4], bob[4]])}
    pages["empty"] = make_document("contract-two", 3, 1, signed=False, dpi=DPI, colour=False).scan
    for name, page in pages.items():
        Image.fromarray(page.image).save(folder / f"{name}.png", dpi=(DPI, DPI))
    Image.fromarray(ada[5]).save(folder / "crop.png", dpi=(400, 400))
    return folder, signature_boxes(pages["contract"]), field_boxes(pages["empty"])


@pytest.fixture
def verifier(tiny_model, tiny_cohort, scans, tmp_path: Path):
    with Verifier(
        Choices(model=tiny_model, cohort=tiny_cohort, device="cpu"), gallery=tmp_path / "g.sigkd"
    ) as verifier:
        verifier.enroll("Ada", scans["Ada"][:3])
        yield verifier


def test_pages_are_told_by_kind_and_size(papers) -> None:
    folder, _, _ = papers
    assert is_page(folder / "contract.png") and not is_page(folder / "crop.png")
    assert Look().is_document(folder / "contract.png") and not Look().is_document(folder / "crop.png")
    assert Look(always=True).is_document(folder / "crop.png") and not Look().is_document(folder / "gone.png")


def test_every_signature_is_compared_and_none_is_chosen(verifier, papers) -> None:
    folder, _, _ = papers
    result = verify_documents(verifier, "Ada", [folder / "contract.png", folder / "crop.png"], Look())
    assert [answer.query for answer in result.answers] == [
        "contract.png, signature 1", "contract.png, signature 2", "crop.png",
    ]  # fmt: skip
    assert len({answer.query_hash for answer in result.answers}) == 3
    assert not result.unsigned and not result.failed


def test_a_region_chooses_and_an_empty_one_is_unsigned(verifier, papers) -> None:
    folder, boxes, fields = papers
    look = Look(regions=read_regions([region(boxes[1], "buyer")]))
    result = verify_documents(verifier, "Ada", [folder / "contract.png"], look)
    assert [answer.query for answer in result.answers] == ["contract.png, buyer"]
    look = Look(regions=read_regions([region(fields[1], "buyer")]))
    result = verify_documents(verifier, "Ada", [folder / "empty.png"], look)
    assert result.unsigned == ["empty.png: buyer"] and result.exit_code == ExitCode.UNSIGNED
    result = verify_documents(verifier, "Ada", [folder / "empty.png"], Look())
    assert result.unsigned == ["empty.png"] and not result.answers and result.exit_code == ExitCode.UNSIGNED


def test_references_given_as_images_are_compared_with_a_document(
    verifier, papers, scans, tmp_path, monkeypatch
) -> None:
    folder, _, _ = papers
    references = []
    for number, image in enumerate(scans["Ada"][:3]):
        references.append(tmp_path / f"{number}.png")
        Image.fromarray(image).save(references[-1])
    looked_at = []
    features = verifier.features
    monkeypatch.setattr(verifier, "features", lambda images: looked_at.append(len(images)) or features(images))
    result = verify_document_against(verifier, references, folder / "contract.png", Look())
    assert looked_at == [3 + 2]  # the references once, not once a signature
    for answer, sample in zip(
        result.answers, take_signatures(verifier, folder / "contract.png", Look()).samples, strict=True
    ):
        alone = verifier.verify_against(references, sample)
        assert answer.score == pytest.approx(alone.score, abs=1e-4)
        assert (answer.query, answer.reference_remarks) == (alone.query, alone.reference_remarks)
    with pytest.raises(UsageError, match="at least one reference"):
        verify_document_against(verifier, [], folder / "contract.png", Look())


def test_a_page_named_after_the_path_is_the_one_that_is_kept(verifier, scans, tmp_path) -> None:
    first, second = (Image.fromarray(scans["Ada"][number]) for number in (0, 1))
    file = tmp_path / "two.tif"
    first.save(file, save_all=True, append_images=[second], dpi=(300, 300))
    sample = verifier.sample(f"{file}#page=2", keep=True)
    assert (sample.page, sample.file) == (2, str(file)) and sample.digest == verifier.sample(f"{file}#page=2").digest
    assert np.array_equal(verifier.sample(sample.content).image, sample.image)
    assert not np.array_equal(verifier.sample(file).image, sample.image)


def test_a_report_is_of_one_file_which_is_said_before_any_is_read(verifier, tmp_path) -> None:
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        file.write_bytes(b"no image")
    with pytest.raises(UsageError, match="not 2 files"):
        verify_documents(verifier, "Ada", files, report=Report(tmp_path / "r.html"))


def test_specimen_cards_are_enrolled_whole(verifier, papers, tmp_path) -> None:
    folder, _, _ = papers
    samples = signatures_of(verifier, [folder / "card.png"], Look(always=True))
    assert len(samples) == 4
    (tmp_path / "cards" / "Eve").mkdir(parents=True)
    (tmp_path / "cards" / "Eve" / "card.png").write_bytes((folder / "card.png").read_bytes())
    done = enroll_from(verifier, str(tmp_path / "cards"), data=tmp_path, look=Look(always=True), references=3)
    assert done.enrolled == ["Eve"] and done.references == 3
    with pytest.raises(ImageError, match=r"empty\.png: no signature was found"):
        signatures_of(verifier, [folder / "empty.png"], Look(always=True))


def test_what_is_wrong_with_the_page_is_said_of_its_signatures(verifier, papers, tmp_path) -> None:
    folder, _, _ = papers
    with Image.open(folder / "contract.png") as page:
        page.resize((page.width * 2 // 3, page.height * 2 // 3)).save(tmp_path / "small.png", dpi=(100, 100))
    taken = take_signatures(verifier, tmp_path / "small.png", Look())
    assert taken.samples and all("low-resolution" in {one.code for one in each.remarks} for each in taken.samples)


def test_claims_name_page_and_region(verifier, papers, tmp_path) -> None:
    folder, boxes, fields = papers
    rows = [
        (folder / "contract.png", "Ada", "", region(boxes[1], "a")),
        (folder / "empty.png", "Ada", "1", region(fields[1], "a")),
        (folder / "contract.png", "Ada", "", "1,2"),
        (folder / "contract.png", "Ada", "x", ""),
    ]
    with (tmp_path / "claims.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "writer", "page", "region"), *rows])
    report = Report(tmp_path / "page.html")
    summary = verify_claims(verifier, tmp_path / "claims.csv", tmp_path / "out.csv", report=report, workers=1)
    found = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    assert found[0]["score"] and found[1]["answer"] == "unsigned" and not found[1]["error"]
    assert "write [ROLE=]X,Y" in found[2]["error"] and "pages are counted from 1" in found[3]["error"]
    assert summary.answers["unsigned"] == 1 and summary.answers["error"] == 2
    page = report.path.read_text(encoding="utf-8")
    assert all(f'id="row-{row}"' in page for row in range(2, 6))
    left = 4 - (found[0]["answer"] in ("accepted", "rejected"))
    assert f"Left to a person: {left} of 4 claims" in page
    # the signature, not the whole contract
    taken = take_signatures(verifier, folder / "contract.png", Look(None, read_regions((rows[0][3],))), thumbnail=True)
    shown = re.search(r'id="row-2".*?base64,([^"]+)', page, re.DOTALL)
    assert shown is not None and base64.b64decode(shown[1]) == taken.samples[0].thumbnail


def test_a_claim_states_the_resolution_of_a_document(verifier, papers, tmp_path) -> None:
    folder, boxes, _ = papers
    with Image.open(folder / "contract.png") as page:
        page.save(tmp_path / "told.png", dpi=(150, 150))
        page.save(tmp_path / "wrong.png", dpi=(300, 300))
    place = region(boxes[1], "a")
    with (tmp_path / "claims.csv").open("w", newline="") as stream:
        rows = [("told.png", "Ada", "", place), ("wrong.png", "Ada", "150", place), ("wrong.png", "Ada", "", place)]
        csv.writer(stream).writerows([("path", "writer", "dpi", "region"), *rows])
    verify_claims(verifier, tmp_path / "claims.csv", tmp_path / "out.csv", workers=1)
    told, stated, wrong = (row["score"] for row in csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    assert told and told == stated != wrong


def test_a_review_shows_the_signature_on_its_page(verifier, papers, tmp_path) -> None:
    from sigkd.gallery.reviews import Reviews
    from sigkd.verification.reviewing import show_review

    folder, boxes, _ = papers
    with Image.open(folder / "empty.png") as first, Image.open(folder / "contract.png") as second:
        first.save(tmp_path / "c.tif", save_all=True, append_images=[second], dpi=(DPI, DPI))
    result = verify_documents(
        verifier, "Ada", [tmp_path / "c.tif"], Look(None, read_regions((region(boxes[1], "a"),)), 2)
    )
    assert len(result.answers) == 1
    entry = verifier.gallery.entries()[-1].number
    sheet, exhibit, _ = show_review(Reviews(verifier.gallery), entry)
    assert sheet.query.state == "there" and sheet.query.file == str(tmp_path / "c.tif")
    assert isinstance(exhibit.scan, ImageFile) and exhibit.scan.page == 2
    width, height = exhibit.scan.image.size
    assert width < 2 * (boxes[1][2] - boxes[1][0]) and height < 2 * (boxes[1][3] - boxes[1][1]) + width
    shutil.copy(folder / "card.png", tmp_path / "c.tif")
    assert show_review(Reviews(verifier.gallery), entry)[0].query.state == "changed"
    verifier.verify("Ada", f"{folder / 'crop.png'}#page=1")
    sheet, _, _ = show_review(Reviews(verifier.gallery), verifier.gallery.entries()[-1].number)
    assert sheet.query.file == str(folder / "crop.png") and sheet.query.state == "there"


def test_the_page_shows_what_an_earlier_run_answered(verifier, papers, tmp_path, monkeypatch) -> None:
    folder, boxes, _ = papers
    with Image.open(folder / "empty.png") as first, Image.open(folder / "contract.png") as second:
        first.save(tmp_path / "c.tif", save_all=True, append_images=[second], dpi=(DPI, DPI))
    with Image.open(folder / "crop.png") as crop, Image.open(folder / "empty.png") as first:
        first.save(tmp_path / "d.tif", save_all=True, append_images=[crop], dpi=(400, 400))
    with (tmp_path / "claims.csv").open("w", newline="") as stream:
        rows = [("c.tif", "Ada", "2", region(boxes[1], "a")), ("d.tif", "Ada", "2", "")]
        csv.writer(stream).writerows([("path", "writer", "page", "region"), *rows])
    given = tmp_path / "claims.csv", tmp_path / "out.csv"
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr("sigkd.verification.claims.write_table", lambda *_, **__: 1 / 0)
        verify_claims(verifier, *given, workers=1)
    report = Report(tmp_path / "page.html")
    assert verify_claims(verifier, *given, report=report, workers=1).resumed == 2
    page = report.path.read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 2 and "not the one that was compared" not in page
