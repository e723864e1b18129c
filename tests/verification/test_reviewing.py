"""Reviews of real answers: what is shown, by which policy it is decided, and what the policy lets nobody do."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sigkd import Verifier
from sigkd.errors import InputError, UsageError
from sigkd.gallery.queries import earlier_queries
from sigkd.gallery.reviews import Reviews, Standing, Wanted
from sigkd.verification import policy as policies
from sigkd.verification.policy import Policy, bind_policy, switch_log
from sigkd.verification.review_sheet import ReviewPicture, write_sheet
from sigkd.verification.reviewing import decide, list_reviews, show_review
from tests.verification.conftest import write_scan

EVERY = Wanted((), everything=True)


@pytest.fixture
def verifier(views_verifier, tmp_path):
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.db") as made:
        yield made


@pytest.fixture
def scan(tmp_path):
    from sigkd.synthesis import signature_image

    return write_scan(tmp_path / "scan.png", signature_image(3, 7))


def bound(verifier, tmp_path, **keys):
    path = tmp_path / "policy.toml"
    path.write_text(Policy(name="counter", **keys).to_toml())
    bind_policy(verifier.gallery, path)


def entry_of(verifier, scan):
    verifier.verify("anna", scan)
    return verifier.gallery.entries()[-1].number


def ink(image):
    return np.asarray(image.convert("L")) < 128


def test_the_scan_is_shown_beside_each_reference(verifier, signatures, scan, tmp_path) -> None:
    verifier.enroll("anna", signatures[:2], keep_images=True)
    sheet, query, references = show_review(Reviews(verifier.gallery), entry_of(verifier, scan))
    assert (sheet.query.state, sheet.query.file, sheet.remarks) == ("there", str(scan), [])
    picture = ReviewPicture(query, references)
    image = picture.image()
    left, right = image.crop((0, 0, image.width // 2, image.height)), image.crop((image.width // 2, 0, *image.size))
    rows = [left.crop((0, top, left.width, top + image.height // 2 - 15)) for top in (0, image.height // 2)]
    assert ink(rows[0]).sum() > 500 and np.array_equal(ink(rows[0])[30:], ink(rows[1])[30 - 7 : -7])
    assert not np.array_equal(ink(right), ink(left))
    write_sheet(tmp_path / "r.html", sheet, picture)
    page = (tmp_path / "r.html").read_text()
    assert page.count("<img") == 6 and "anna" in page and (tmp_path / "r.html").stat().st_mode & 0o077 == 0
    write_sheet(tmp_path / "r.pdf", sheet, picture)
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(_written(tmp_path / "r.png", sheet, picture)) as written:
        assert written.size == image.size
    with pytest.raises(UsageError, match="is expected"):
        write_sheet(tmp_path / "r.gif", sheet, picture)


def _written(path, sheet, picture):
    write_sheet(path, sheet, picture)
    return path


def test_what_cannot_be_shown_is_said(verifier, signatures, scan, tmp_path) -> None:
    verifier.enroll("anna", signatures[:2])
    entry, reviews = entry_of(verifier, scan), Reviews(verifier.gallery)
    moved = scan.rename(tmp_path / "moved.png")
    sheet, query, references = show_review(reviews, entry)
    assert sheet.query.state == "moved" and query.scan is None and query.small is not None
    assert "not there any more" in sheet.remarks[0] and "references were not kept" in sheet.remarks[1]
    picture = ReviewPicture(query, references)  # of the small pictures
    assert ink(picture.image()).sum() > 500
    write_sheet(tmp_path / "r.html", sheet, picture)
    assert "not there any more" in (tmp_path / "r.html").read_text()
    assert show_review(reviews, entry, file=moved)[0].query.state == "there"
    with pytest.raises(InputError, match="not the file that was verified"):
        show_review(reviews, entry, file=signatures[0])
    write_scan(scan, np.full((80, 200), 255, np.uint8))
    sheet, query, _ = show_review(reviews, entry)
    assert sheet.query.state == "changed" and query.scan is None and "SHA-256" in sheet.remarks[0]
    verifier.enroll("anna", signatures[3:4], mode="add")
    assert show_review(reviews, entry)[0].remarks[-1] == "enrolled after the answer: reference 3"
    verifier.gallery.remove("anna")
    sheet, query, references = show_review(reviews, entry)
    assert (sheet.query.state, references) == ("unknown", []) and "was removed" in sheet.remarks[0]
    assert ReviewPicture(query, references).image().width > 100


def test_where_a_scan_was_goes_with_its_writer(verifier, signatures, scan) -> None:
    verifier.enroll("anna", signatures[:2])
    entry_of(verifier, scan)
    verifier.verify("anna", signatures[4].read_bytes())
    kept = earlier_queries(verifier.gallery, "anna")
    assert [one.file for one in kept] == [str(scan), ""] and kept[0].dpi == pytest.approx((400, 400), abs=0.1)
    verifier.gallery.erase()
    assert str(scan).encode() in verifier.gallery.path.read_bytes()
    assert not any(str(scan) in str(entry.detail) for entry in verifier.gallery.entries())
    verifier.gallery.remove("anna")
    assert str(scan).encode() not in verifier.gallery.path.read_bytes()


def test_the_policy_says_how_many_are_looked_at_and_by_how_many(verifier, signatures, scan, tmp_path) -> None:
    verifier.enroll("anna", signatures[:3])
    bound(verifier, tmp_path, review_accepted=1.0, review_rejected=1.0, four_eyes=True)
    gallery = verifier.gallery
    with Verifier(verifier.choices, gallery=gallery) as other:  # a policy is read when a gallery is opened
        entry, reviews = entry_of(other, scan), Reviews(gallery)
    answer = gallery.entries()[-1].detail
    assert answer["decision"] in ("accepted", "rejected") and answer["sample"] == 1.0
    listed = list_reviews(reviews)
    assert listed.total == 1 and listed.reviews[0].listed == "sample"
    assert show_review(reviews, entry)[0].people == 2
    assert decide(reviews, entry, "genuine", reason="x", by="Eve").review.standing is Standing.SECOND
    assert decide(reviews, entry, "genuine", reason="y", by="Bill").review.outcome == "genuine"
    with pytest.raises(UsageError, match="a page begins at 0"):
        list_reviews(reviews, limit=0)


def test_the_default_lists_two_in_a_hundred(verifier, signatures, scan) -> None:
    verifier.enroll("anna", signatures[:3])
    entry_of(verifier, scan)
    assert verifier.gallery.entries()[-1].detail["sample"] == Policy().review_accepted == 0.02


def test_a_policy_forbids_other_names_and_silence(verifier, signatures, scan, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(policies, "_user", lambda: "clerk")
    verifier.enroll("anna", signatures[:3])
    entry, gallery = entry_of(verifier, scan), verifier.gallery
    bound(verifier, tmp_path, allow_actor=False, allow_no_audit=False)
    with pytest.raises(UsageError, match="under another name"):
        decide(Reviews(gallery), entry, "genuine", reason="x", by="Eve")
    assert decide(Reviews(gallery), entry, "genuine", reason="x", by="clerk").review.outcome == "genuine"
    with pytest.raises(UsageError, match="may not be left out"):
        switch_log(gallery, "off")
    gallery.switch_log("off")  # by a program that asks nobody
    with (
        Verifier(verifier.choices, gallery=gallery) as other,
        pytest.raises(UsageError, match="may not be left out"),
    ):
        other.verify("anna", scan)
    switch_log(gallery, "on")
    with Verifier(verifier.choices, gallery=gallery) as other:
        other.verify("anna", scan)


def test_a_new_gallery_without_a_log_is_not_left_behind(views_verifier, signatures, tmp_path, monkeypatch) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(Policy(name="counter", allow_no_audit=False).to_toml())
    monkeypatch.setenv("SIGKD_POLICY", str(path))
    with (
        Verifier(views_verifier.choices, gallery=tmp_path / "new.db", audit=False) as made,
        pytest.raises(UsageError, match="may not be left out"),
    ):
        made.enroll("anna", signatures[:2])
    assert not (tmp_path / "new.db").exists()
