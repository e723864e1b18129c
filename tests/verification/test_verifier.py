"""The Python interface, with a tiny network in the place of a real one."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigkd import Choices, Verifier
from sigkd.errors import CalibrationError, GalleryError, NotEnrolledError, UsageError
from sigkd.images.formats import named_images
from sigkd.verification.batch import exit_code, write_csv
from sigkd.verification.bulk import enroll_from
from sigkd.verification.decision import Decision
from sigkd.verification.documents import verify_documents


@pytest.fixture
def verifier(tiny_model, tiny_cohort, tmp_path: Path):
    with Verifier(
        Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none"),
        gallery=tmp_path / "g.sigkd",
        actor="tester",
    ) as made:
        yield made


def test_against_references(verifier: Verifier, scans) -> None:
    genuine = verifier.verify_against(scans["Ada"][:5], scans["Ada"][5])
    other = verifier.verify_against(scans["Ada"][:5], scans["Bob"][5])
    assert genuine.score > other.score
    assert other.decision is Decision.REJECTED
    assert other.evidence is None and "not calibrated" in other.thresholds.origin
    document = other.to_json()
    assert (document["format"], document["decision"], document["references"]) == ("sigkd-verification", "rejected", 5)


def test_a_copy_of_a_reference_is_remarked(verifier: Verifier, scans) -> None:
    answer = verifier.verify_against(scans["Ada"][:3], scans["Ada"][1])
    assert "copy" in {one.code for one in answer.remarks}


def test_enrolled_equals_ad_hoc(verifier: Verifier, scans) -> None:
    assert verifier.enroll("Ada", scans["Ada"][:4]) == ()
    enrolled = verifier.verify("Ada", scans["Ada"][5])
    ad_hoc = verifier.verify_against(scans["Ada"][:4], scans["Ada"][5])
    assert enrolled.score == pytest.approx(ad_hoc.score, abs=2e-3)  # the gallery keeps float16
    assert enrolled.writer == "Ada"
    assert [one.action for one in verifier.gallery.entries("Ada")] == ["enroll", "verify"]


def test_a_kept_template_gives_the_same_score(verifier: Verifier, scans, tiny_model, tiny_cohort) -> None:
    verifier.enroll("Ada", scans["Ada"][:4])
    first = verifier.verify("Ada", scans["Bob"][0]).score
    with Verifier(
        Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none"), gallery=verifier.gallery.path
    ) as again:
        assert again.verify("Ada", scans["Bob"][0]).score == pytest.approx(first, abs=1e-9)


def test_single_reference(verifier: Verifier, scans) -> None:
    assert verifier.verify_against(scans["Ada"][:1], scans["Bob"][0]).references == 1


@pytest.mark.parametrize("classifier", ["wd", "wi"])
def test_negatives_from_other_writers(tiny_model, tiny_cohort, scans, tmp_path: Path, classifier: str) -> None:
    from sigkd.synthesis import signature_image

    with Verifier(
        Choices(tiny_model, cohort=tiny_cohort, device="cpu", classifier=classifier),
        gallery=tmp_path / "g",
        negatives="writers",
    ) as verifier:
        verifier.enroll("Ada", scans["Ada"][:3])
        if classifier == "wd":
            with pytest.raises(GalleryError, match="need 5 other enrolled writers"):
                verifier.verify("Ada", scans["Ada"][3])
        for number in range(10, 16):
            verifier.enroll(f"w{number}", [signature_image(number, index) for index in range(2)])
        answer = verifier.verify("Ada", scans["Ada"][3])
        words = "other enrolled writers" if classifier == "wd" else "cohort"
        assert words in answer.negatives
        assert answer.to_json()["gamma"] == (1 / 64 if classifier == "wd" else None)  # of 64 features
        before = answer.score
        verifier.gallery.remove("w12")
        after = verifier.verify("Ada", scans["Ada"][3])
        assert ("10 references" in after.negatives and after.score != before) or classifier == "wi"


def test_pairs_learn_from_enrolled_writers_and_not_from_a_cohort_of_strangers(
    tiny_model, tiny_cohort, scans, tmp_path: Path
) -> None:
    from sigkd.synthesis import signature_image

    choices = Choices(tiny_model, cohort=tiny_cohort, device="cpu", classifier="dichotomy")
    with pytest.raises(UsageError, match="must know who made which"):
        Verifier(choices).verify_against(scans["Ada"][:2], scans["Ada"][2])
    scores = []
    for _ in range(2):  # the second time the kept template is restored
        with Verifier(choices, gallery=tmp_path / "g", negatives="writers") as verifier:
            if not scores:
                for number in range(10, 16):
                    verifier.enroll(f"w{number}", [signature_image(number, index) for index in range(3)])
                verifier.enroll("Ada", scans["Ada"][:1])
            scores.append(verifier.verify("Ada", scans["Ada"][3]).score)
    assert scores[0] == pytest.approx(scores[1], abs=1e-9)


def test_wrong_use(verifier: Verifier, scans) -> None:
    verifier.enroll("Ada", scans["Ada"][:2])
    with pytest.raises(NotEnrolledError, match="'Bob' is not enrolled"):
        verifier.verify("Bob", scans["Bob"][0])
    with pytest.raises(UsageError, match="at least one reference"):
        verifier.verify_against([], scans["Bob"][0])
    with pytest.raises(UsageError, match="at least one reference"):
        verifier.enroll("Bob", [])


def test_rates_need_a_calibration(tiny_model, tiny_cohort, scans) -> None:
    verifier = Verifier(Choices(tiny_model, cohort=tiny_cohort, device="cpu", far=0.01))
    with pytest.raises(CalibrationError, match="`far` and `frr`"):
        verifier.verify_against(scans["Ada"][:3], scans["Ada"][3])
    with pytest.raises(UsageError, match="no gallery"):
        verifier.enroll("Ada", scans["Ada"])


def test_another_model_is_refused(verifier: Verifier, scans, tiny_model, tmp_path: Path) -> None:
    from dataclasses import replace

    verifier.enroll("Ada", scans["Ada"][:2])
    other = replace(tiny_model, hash="ee" * 32)
    with (
        Verifier(Choices(other, device="cpu"), gallery=verifier.gallery.path) as wrong,
        pytest.raises(GalleryError, match="rekey"),
    ):
        wrong.verify("Ada", scans["Ada"][3])


def test_read_only_gallery_refuses_an_unlogged_verification(verifier: Verifier, scans, tiny_model, tiny_cohort) -> None:
    verifier.enroll("Ada", scans["Ada"][:3])
    path = verifier.gallery.path
    verifier.close()
    path.chmod(0o400)
    choices = Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none")
    with Verifier(choices, gallery=path) as reader, pytest.raises(GalleryError, match="`audit=False`"):
        reader.verify("Ada", scans["Ada"][3])
    with Verifier(choices, gallery=path, audit=False) as reader:
        assert reader.verify("Ada", scans["Ada"][3]).writer == "Ada"


def test_many_threads(verifier: Verifier, scans) -> None:
    for name in ("Ada", "Bob"):
        verifier.enroll(name, scans[name][:3])
    expected = {name: verifier.verify(name, scans[name][4]).score for name in ("Ada", "Bob")}
    errors: list[object] = []

    def work(name: str) -> None:
        try:
            for _ in range(8):
                score = verifier.verify(name, scans[name][4]).score
                if abs(score - expected[name]) > 1e-6:
                    errors.append(score)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Ada", "Bob") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(verifier.gallery.entries()) == 1 + 2 + 2 + 48


def test_features_do_not_hang_on_how_many_were_looked_at_before(scans) -> None:
    verifier = Verifier(Choices(model="resnet18:random", device="cpu"))
    image = verifier.sample(scans["Ada"][0]).image
    alone = verifier.features([image])
    verifier.features([image] * 96)
    assert np.array_equal(verifier.features([image]), alone)
    verifier.prepare()
    np.testing.assert_allclose(verifier.features([image]), alone, atol=1e-4 * alone.max())


@pytest.fixture
def folder(scans, tmp_path: Path) -> Path:
    for name, images in scans.items():
        (tmp_path / "folder" / name).mkdir(parents=True)
        for number, scan in enumerate(images):
            Image.fromarray(scan).save(tmp_path / "folder" / name / f"{number}.png")
    return tmp_path / "folder"


def test_enrol_a_folder_and_go_on_after_an_interruption(verifier: Verifier, folder: Path, tmp_path: Path) -> None:
    (folder / "Cleo").mkdir()
    (folder / "Cleo" / "bad.png").write_bytes(b"no image")
    result = enroll_from(verifier, str(folder), data=tmp_path, references=3, keep_images=True)
    assert (sorted(result.enrolled), result.references) == (["Ada", "Bob"], 6)
    assert list(result.skipped) == [str(folder / "Cleo" / "bad.png"), "Cleo"]
    assert verifier.gallery.writers("Ada")[0].images
    again = enroll_from(verifier, str(folder), data=tmp_path, references=3)
    assert again.enrolled == [] and again.skipped["Ada"] == "enrolled already"


def test_enrol_a_table(verifier: Verifier, folder: Path, tmp_path: Path) -> None:
    rows = [("path", "writer", "label"), *((f"folder/Ada/{n}.png", "Countess", "genuine") for n in range(3))]
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([*rows, ("folder/Bob/0.png", "Countess", "skilled")])
    assert enroll_from(verifier, str(tmp_path / "t.csv"), data=tmp_path).references == 3
    assert "Countess" in verifier.gallery


def test_enrol_a_prepared_dataset(verifier: Verifier, folder: Path, tmp_path: Path, scans) -> None:
    from sigkd.datasets.prepared import PreparedSignatures
    from sigkd.verification.samples import read_sample

    images = np.stack([read_sample(scan, (952, 1360)).image for name in ("Ada", "Bob") for scan in scans[name]])
    y = np.repeat([0, 1], 6)
    facts = {"name": "two", "canvas": [952, 1360], "size": [170, 242], "preprocess_version": "1"}
    prepared = PreparedSignatures(
        x=images,
        y=y,
        yforg=np.zeros(12, np.int8),
        filenames=[str(n) for n in range(12)],
        writers=["A", "B"],
        metadata=facts,
    )
    prepared.save(tmp_path / "two.npz")
    assert enroll_from(verifier, str(tmp_path / "two.npz"), data=tmp_path, references=2).enrolled == ["A", "B"]
    with pytest.raises(UsageError, match="holds no image files"):
        enroll_from(verifier, str(tmp_path / "two.npz"), data=tmp_path, keep_images=True)


def test_a_folder_of_queries_and_the_table(verifier: Verifier, folder: Path, tmp_path: Path, scans) -> None:
    verifier.enroll("Ada", scans["Ada"][:3])
    result = verify_documents(verifier, "Ada", named_images([folder / "Bob", folder / "Ada" / "5.png"]))
    assert not result.failed
    answers = result.answers
    assert len(answers) == 7
    assert int(exit_code(answers)) == 1
    write_csv(tmp_path / "out.csv", answers)
    with (tmp_path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["decision"] for row in rows] == [one.decision.value for one in answers]


def test_rekey_with_kept_images(verifier: Verifier, scans, tiny_model) -> None:
    from dataclasses import replace

    from sigkd.verification.enrolled import rekey_gallery

    verifier.enroll("Ada", scans["Ada"][:3], keep_images=True)
    other = Verifier(Choices(replace(tiny_model, hash="ee" * 32), device="cpu"))
    assert rekey_gallery(verifier.gallery, other) == (3, [])
    with pytest.raises(GalleryError, match="the model is"):
        verifier.verify("Ada", scans["Ada"][4])
