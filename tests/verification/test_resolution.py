"""Where the resolution of a scan is from: its tag, an option, a table, the gallery."""

from dataclasses import replace

import pytest
from PIL import Image

from sigkd import Verifier
from sigkd.classifiers.cohort import save_cohort
from sigkd.errors import GalleryError, UsageError
from sigkd.gallery import Gallery
from sigkd.models.io import save_model
from sigkd.synthesis import signature_image
from sigkd.verification.bulk import enroll_from
from sigkd.verification.decision import Decision
from sigkd.verification.enrolled import rekey_gallery
from tests.verification.conftest import write_scan


@pytest.fixture
def bare(tmp_path):
    """Scans of one writer whose files do not tell that they are of 400 dpi."""
    (tmp_path / "bare").mkdir()
    return [write_scan(tmp_path / "bare" / f"{index}.png", signature_image(3, index), dpi=None) for index in range(5)]


def sources(answer):
    return answer.resolution.source, {one.source for one in answer.reference_resolutions}


def test_a_stated_resolution_replaces_what_files_say(views_verifier, signatures, bare, tmp_path):
    told = views_verifier.verify_against(signatures[:3], signatures[4])
    assert sources(told) == ("tag", {"tag"}) and told.resolution.x == 400
    stated = Verifier(replace(views_verifier.choices, dpi=400.0)).verify_against(bare[:3], bare[4])
    assert sources(stated) == ("option", {"option"})
    assert stated.score == pytest.approx(told.score) and "resolution-unknown" not in {r.code for r in stated.remarks}
    wrong = [write_scan(tmp_path / f"{index}.png", signature_image(3, index), dpi=(200, 200)) for index in range(5)]
    again = Verifier(replace(views_verifier.choices, dpi=400.0)).verify_against(wrong[:3], wrong[4])
    assert again.score == pytest.approx(told.score)


def test_a_resolution_is_refused_where_none_counts(views_verifier, tiny_model, tmp_path, signatures):
    with pytest.raises(UsageError, match="`dpi` must lie in"):
        replace(views_verifier.choices, dpi=30.0)
    with pytest.raises(UsageError, match="looks at the pixels as they are"):
        Verifier(replace(views_verifier.choices, model=tiny_model, cohort=None, dpi=300.0))
    Gallery.create(tmp_path / "g.db").presume(300)
    plain = replace(views_verifier.choices, model=tiny_model, cohort=None)
    with pytest.raises(GalleryError, match="presumes a resolution"):
        Verifier(plain, gallery=tmp_path / "g.db").enroll("anna", signatures[:2])


def test_only_the_classifier_that_judges_is_fitted(views_verifier, signatures, bare, monkeypatch):
    verifier, fitted = Verifier(views_verifier.choices), []
    kind = type(verifier.classifier(3))
    enroll = kind.enroll
    monkeypatch.setattr(kind, "enroll", lambda *given: fitted.append(given[1].shape[1]) or enroll(*given))
    verifier.verify_against(signatures[:3], signatures[4])
    verifier.verify_against(bare[:3], bare[4])
    assert len(fitted) == 2 and fitted[1] < fitted[0]


def test_a_gallery_presumes_a_resolution_of_scans_that_tell_none(views_verifier, signatures, bare, tmp_path):
    Gallery.create(tmp_path / "g.db").presume(400)
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.db") as verifier:
        verifier.enroll("anna", [*bare[:2], signatures[2]], keep_images=True)
        found = [one.scan.resolution.source for one in verifier.gallery.references("anna")]
        assert found == ["gallery", "gallery", "tag"]
        answer = verifier.verify("anna", bare[4])
        assert sources(answer) == ("gallery", {"gallery", "tag"})
        assert answer.score == pytest.approx(verifier.verify_against(signatures[:3], signatures[4]).score, abs=0.01)
        # a photograph has none, whatever the scanner's is
        photo, exif = tmp_path / "photo.jpg", Image.Exif()
        exif[33434] = 0.01  # exposure time
        write_scan(photo, signature_image(3, 3), dpi=(300, 300), exif=exif, quality=95)
        assert verifier.verify("anna", photo).resolution.source == "camera"
        case = verifier.case_of("anna", bare[3])
        assert [one.scan.resolution.x for one in case.references] == [400, 400, 400]
        verifier.gallery.presume(None)
        assert verifier.verify("anna", bare[4]).resolution.source == "none"
        assert [one.action for one in verifier.gallery.entries()][:2] == ["create", "settings"]


def test_a_table_states_the_resolution_of_each_file(views_verifier, bare, tmp_path):
    half = Image.open(bare[1]).reduce(2)
    half.save(tmp_path / "half.png")
    rows = ["bare/0.png,anna,genuine,400", "half.png,anna,genuine,200", "bare/2.png,anna,genuine,"]
    (tmp_path / "list.csv").write_text("\n".join(["path,writer,label,dpi", *rows]))
    with Verifier(views_verifier.choices, gallery=tmp_path / "g.db") as verifier:
        assert enroll_from(verifier, str(tmp_path / "list.csv"), data=tmp_path).references == 3
        told = {one.name: one.scan.reckoned for one in verifier.gallery.references("anna")}
        stated = [(told[name].x, told[name].source) for name in ("0.png", "half.png")]
        assert stated == [(400, "table"), (200, "table")]
        assert told["2.png"].source == "none"


def test_another_model_reads_kept_images_at_the_resolution_of_their_enrolment(views_verifier, bare, tmp_path):
    with Verifier(replace(views_verifier.choices, dpi=400.0), gallery=tmp_path / "g.db") as verifier:
        verifier.enroll("anna", bare[:2], keep_images=True)
        before = verifier.gallery.references("anna")
        rekey_gallery(verifier.gallery, views_verifier)
        after = verifier.gallery.references("anna")
    assert [one.scan.resolution for one in after] == [one.scan.resolution for one in before]
    assert after[0].features == pytest.approx(before[0].features)


@pytest.mark.parametrize("views", [True, False])
def test_each_page_of_a_file_is_a_signature_of_its_own(views_verifier, tiny_model, tiny_cohort, tmp_path, views):
    pages = [Image.fromarray(signature_image(3, index)) for index in range(3)]
    file = tmp_path / "pages.tif"
    pages[0].save(file, save_all=True, append_images=pages[1:], dpi=(400, 400))
    choices = views_verifier.choices if views else replace(views_verifier.choices, model=tiny_model, cohort=tiny_cohort)
    first, second = Verifier(choices, gallery=tmp_path / "g.db"), replace(choices, page=2)
    told = first.enroll("anna", [file], keep_images=True)
    assert "pages.tif: page 1 of 3 was read" in {str(remark) for remark in told}
    with Verifier(second, gallery=tmp_path / "g.db") as verifier:
        assert not {remark.code for remark in verifier.enroll("anna", [file], keep_images=True, mode="add")} & {
            "duplicate"
        }
        kept = verifier.gallery.references("anna")
        assert kept[1].name == "pages.tif, page 2" and kept[0].digest != kept[1].digest
        answer = verifier.verify("anna", file)
        assert answer.decision is Decision.COPY and "reference 2" in answer.remarks[0].text
        case = verifier.case_of("anna", file)
        assert case.references[1].image.shape == case.query.image.shape
        assert (case.references[1].image == case.query.image).all()
    first.close()


def test_commands(run_sigkd, views_verifier, bare, tmp_path):
    model, cohort = tmp_path / "views.safetensors", tmp_path / "cohort.npz"
    save_model(model, views_verifier.model.network, {}, projections=views_verifier.model.projections)
    save_cohort(views_verifier.cohort, cohort)
    options = ["--model", model, "--cohort", cohort, "--device", "cpu", "--gallery", tmp_path / "g.db"]
    run_sigkd("enroll", "anna", *bare[:3], "--dpi", 400, *options, expect=0)
    shown = run_sigkd("gallery", "show", "anna", "--gallery", tmp_path / "g.db", "--json", expect=0).json
    assert {one["resolution"]["source"] for one in shown["references"]} == {"option"}
    settings = ["gallery", "settings", "--gallery", tmp_path / "g.db"]
    assert run_sigkd(*settings, "--json", expect=0).json["dpi"] is None
    assert "400 dpi" in run_sigkd(*settings, "--dpi", 400, expect=0).stdout
    assert "is a number or none" in run_sigkd(*settings, "--dpi", "4oo", expect=2).stderr
    text = run_sigkd("verify", "--writer", "anna", bare[4], *options, "--verbose").stdout
    assert "400 dpi (gallery); references 400 dpi (option)" in text
    assert "from 60 to 2500" in run_sigkd(*settings, "--dpi", 4, expect=2).stderr
    run_sigkd(*settings, "--dpi", "none", expect=0)
    assert "page 7" in run_sigkd("verify", *bare[:2], bare[4], *options, "--page", 7, expect=4).stderr
