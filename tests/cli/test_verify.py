"""verify, enroll, gallery, calibrate and cohort as a user calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODEL = "resnet18:random"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans of three made-up writers, and a cohort for the model."""
    from sigkd.classifiers.cohort import build_cohort, save_cohort
    from sigkd.models.io import load_model
    from sigkd.synthesis import signature_image

    root = tmp_path_factory.mktemp("verify")
    for writer, name in enumerate(("ada", "bob", "cleo")):
        (root / name).mkdir()
        for index in range(5):
            Image.fromarray(signature_image(writer, index)).save(root / name / f"{index}.png")
    save_cohort(build_cohort(["made-up"], load_model(MODEL), data=root, count=24, seed=9), root / "cohort.npz")
    return root


@pytest.fixture
def options(place: Path, tmp_path: Path) -> list[object]:
    return ["--model", MODEL, "--cohort", place / "cohort.npz", "--device", "cpu"]


def _images(place: Path, name: str, count: int) -> list[Path]:
    return [place / name / f"{index}.png" for index in range(count)]


def test_ad_hoc(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    same = run_sigkd(
        "verify", *_images(place, "ada", 4), place / "ada" / "4.png", *options, "--json", "--csv", tmp_path / "t.csv"
    )
    other = run_sigkd("verify", *_images(place, "ada", 4), place / "bob" / "4.png", *options, "--json", expect=1)
    (first,), (second,) = same.json["verifications"], other.json["verifications"]
    assert first["score"] > second["score"]
    assert same.exit_code == same.json["exit_code"]
    assert second["decision"] == "rejected"
    assert (tmp_path / "t.csv").read_text().startswith("query,writer,decision")
    text = run_sigkd("verify", *_images(place, "ada", 2), place / "ada" / "1.png", *options)
    assert [line.split("  ")[0] for line in text.stdout.splitlines()] == ["answer", "why", "what to do"]
    plain = run_sigkd("verify", *_images(place, "ada", 2), place / "ada" / "3.png", *options)
    assert "score" in plain.stdout and "not calibrated" in plain.stdout
    assert "warning: 1.png: identical to reference 2" in text.stderr


def test_file_names_are_no_formulas(run_sigkd, place: Path, options, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "=1+1.png").write_bytes((place / "ada" / "1.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    run_sigkd("verify", place / "ada" / "0.png", "=1+1.png", *options, "--csv", "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("'=1+1.png,")


def test_a_name_that_no_writer_may_have_ends_only_its_own_enrolment(run_sigkd, place: Path, options, tmp_path) -> None:
    for name in ("ada", "b\nb"):
        shutil.copytree(place / name.replace("b\nb", "bob"), tmp_path / "all" / name)
    file = ["--gallery", tmp_path / "g.sigkd"]
    outcome = run_sigkd("enroll", "--from", tmp_path / "all", "--nref", "2", *file, *options, "--json", expect=0)
    assert outcome.json["writers"] == 1
    assert "printable characters" in outcome.stderr


def test_errors_are_one_line(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    reference, query = place / "ada" / "0.png", place / "ada" / "1.png"
    (tmp_path / "bad.png").write_bytes(b"x")
    cases: list[tuple[list[object], int, str]] = [
        ([reference, *options], 2, "at least one reference and the query"),
        ([reference, tmp_path / "absent.png", *options], 4, "absent.png"),
        ([reference, tmp_path / "bad.png", *options], 4, "bad.png"),
        ([place / "ada", query, *options], 2, "is a folder"),
        ([reference, query, *options, "--classifier", "wdd"], 2, "Did you mean"),
        ([reference, query, *options, "--far", "0.01"], 4, "sigkd calibrate"),
        ([reference, query, *options, "--calibration", tmp_path / "absent.json"], 4, "sigkd calibrate"),
        ([reference, query, "--model", tmp_path / "absent.safetensors"], 5, "absent.safetensors"),
        ([query, "--writer", "Ada", *options, "--gallery", tmp_path / "no.sigkd"], 4, "no such gallery"),
        ([reference, query, "--model", "resnet18:random:5", "--cohort", place / "cohort.npz"], 4, "does not fit"),
    ]
    for arguments, code, words in cases:
        outcome = run_sigkd("verify", *arguments, expect=code)
        assert words in outcome.stderr
        assert outcome.stderr.strip().splitlines()[-1].startswith("error: ")
        assert "Traceback" not in outcome.stderr and outcome.stdout == ""


def test_a_gallery_from_enrolment_to_removal(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    file = ["--gallery", tmp_path / "g.sigkd"]
    assert (
        "enrolled Ada with 3 references"
        in run_sigkd("enroll", "Ada", *_images(place, "ada", 3), *file, *options, "--keep-images", expect=0).stdout
    )
    assert "enrolled already" in run_sigkd("enroll", "Ada", place / "ada" / "4.png", *file, *options, expect=4).stderr
    bulk = run_sigkd("enroll", "--from", place, "--nref", "2", *file, *options, "--json", expect=0).json
    assert (bulk["writers"], bulk["references"]) == (4, 6)
    answer = run_sigkd(
        "verify", "--writer", "Ada", place / "bob", *file, *options, "--json", "--actor", "clerk", expect=1
    ).json
    assert len(answer["verifications"]) == 5
    listed = run_sigkd("gallery", "list", *file, "--json", expect=0).json
    assert [one["name"] for one in listed["writers"]] == ["Ada", "ada", "bob", "cleo"]
    shown = run_sigkd("gallery", "show", "Ada", *file, "--json", expect=0).json
    assert len(shown["references"]) == 3 and shown["log"][-1]["actor"] == "clerk"
    run_sigkd("gallery", "export", tmp_path / "out.npz", "--writer", "bob", "cleo", *file, expect=0)
    assert run_sigkd("gallery", "remove", "bob", *file, "--json", expect=0).json == {
        "format": "sigkd-gallery-removal",
        "version": 1,
        "removed": "bob",
        "erased": True,
        "writers": 3,
    }
    run_sigkd("gallery", "import", tmp_path / "out.npz", *file, "--replace", expect=0)
    assert run_sigkd("gallery", "check", *file, "--json", expect=0).json["writers"] == 4
    assert "were not kept" in run_sigkd("gallery", "rekey", "--model", "resnet18:random:1", *file, expect=4).stderr
    wrong = run_sigkd(
        "verify", "--writer", "Ada", place / "ada" / "4.png", *file, "--model", "resnet18:random:1", expect=4
    )
    assert "gallery rekey --model" in wrong.stderr
    report = run_sigkd(
        "verify", "--writer", "Ada", place / "ada" / "4.png", *file, *options, "--report", tmp_path / "r.html"
    )
    assert report.exit_code in (0, 1) and (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    (tmp_path / "case.toml").write_text(run_sigkd("case", expect=0).stdout)
    query = ["verify", "--writer", "Ada", place / "ada" / "4.png", *file, *options]
    run_sigkd(*query, "--report", tmp_path / "r.pdf", "--case", tmp_path / "case.toml", "--paper", "Letter")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF-")
    assert ".html or .pdf" in run_sigkd(*query, "--report", tmp_path / "r.docx", expect=2).stderr
    assert "--report" in run_sigkd(*query, "--case", tmp_path / "case.toml", expect=2).stderr
    assert "sigkd case" in run_sigkd(*query, "--report", tmp_path / "r.pdf", "--case", "absent.toml", expect=4).stderr
    assert "enroll" in run_sigkd("gallery", "log", "--last", "30", *file, expect=0).stdout


def test_an_encrypted_gallery(run_sigkd, place: Path, options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sigkd.gallery import vault

    monkeypatch.setattr(vault, "SCRYPT_N", 2**4)
    monkeypatch.delenv("SIGKD_PASSPHRASE", raising=False)
    file = ["--gallery", tmp_path / "g.sigkd"]
    (tmp_path / "right").write_text("open sesame\n")
    (tmp_path / "wrong").write_text("guess\n")
    secret = ["--passphrase-file", tmp_path / "right"]
    plain = ["enroll", "Ada", *_images(place, "ada", 2), *file, *options]
    assert "add --encrypt" in run_sigkd(*plain, *secret, expect=2).stderr
    with monkeypatch.context() as environment:
        environment.setenv("SIGKD_PASSPHRASE", "open sesame")
        assert "$SIGKD_PASSPHRASE: add --encrypt" in run_sigkd(*plain, expect=2).stderr
    assert not (tmp_path / "g.sigkd").exists()
    (tmp_path / "blank").write_text(" \n")
    blank = run_sigkd(*plain, "--encrypt", "--passphrase-file", tmp_path / "blank", expect=4)
    assert "holds no passphrase" in blank.stderr
    run_sigkd("enroll", "Ada", *_images(place, "ada", 2), *file, *options, "--encrypt", *secret, expect=0)
    assert "a passphrase is needed" in run_sigkd("gallery", "list", *file, expect=2).stderr
    wrong = run_sigkd("gallery", "list", *file, "--passphrase-file", tmp_path / "wrong", expect=4)
    assert wrong.stderr == f"error: {tmp_path / 'g.sigkd'}: wrong passphrase\n"
    assert "Ada" in run_sigkd("gallery", "list", *file, *secret, expect=0).stdout
    monkeypatch.setenv("SIGKD_PASSPHRASE", "open sesame")
    outcome = run_sigkd("verify", "--writer", "Ada", place / "bob" / "0.png", *file, *options)
    assert outcome.exit_code in (0, 1)
    assert "sesame" not in outcome.stdout + outcome.stderr
    run_sigkd("gallery", "rekey", "--decrypt", *file, expect=0)
    monkeypatch.delenv("SIGKD_PASSPHRASE")
    refused = run_sigkd("gallery", "list", *file, *secret, expect=2)
    assert "is not encrypted: 'sigkd gallery rekey --encrypt'" in refused.stderr
    assert run_sigkd("gallery", "check", *file, expect=0).stdout.count("sound") == 1


def test_calibrate_and_use_it(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    from sigkd.classifiers.cohort import read_cohort
    from sigkd.models.features import FeatureSet
    from sigkd.models.io import load_model

    model = load_model(MODEL)
    generator = np.random.default_rng(0)
    cohort = read_cohort(place / "cohort.npz").features  # writers like its own: far from it, scores would be rounding
    mean, scale = cohort.mean(axis=0), cohort.std(axis=0)
    rows, y, yforg = [], [], []
    for writer in range(12):
        centre = mean + scale * generator.normal(size=2048)
        for kind, spread, count in ((0, 0.25, 8), (1, 0.6, 6)):
            rows += [centre + spread * scale * generator.normal(size=2048) for _ in range(count)]
            y += [writer] * count
            yforg += [kind] * count
    known = FeatureSet(
        np.maximum(rows, 0),
        np.array(y),
        np.array(yforg),
        model_hash=model.hash,
        preprocess_version="1",
        metadata={"dataset": "cloud"},
    )
    known.save(tmp_path / "f.npz")
    arguments = [
        "--dataset",
        tmp_path / "f.npz",
        "--nref",
        "2",
        "4",
        *options,
        "--splits",
        "2",
        "--far",
        "0.05",
        "--frr",
        "0.05",
    ]
    fitted = run_sigkd("calibrate", *arguments, "--out", tmp_path / "c.json", "--json", expect=0)
    assert {(one["classifier"], one["negatives"], one["references"]) for one in fitted.json["held_out"]} >= {
        ("wd", "cohort", 2),
        ("wd", "writers", 4),
        ("wi", "cohort", 4),
    }
    assert "Cllr" in run_sigkd("calibrate", *arguments, "--writers", "2:10", "--negatives", "cohort", expect=0).stdout
    answer = run_sigkd(
        "verify",
        *_images(place, "ada", 4),
        place / "bob" / "4.png",
        *options,
        "--calibration",
        tmp_path / "c.json",
        "--far",
        "0.1",
        "--json",
    ).json["verifications"][0]
    assert answer["thresholds"]["calibrated"] and "10 %" in answer["thresholds"]["origin"]
    evidence = answer["evidence"]
    assert evidence["h1"] and evidence["h2"] and evidence["verbal"].startswith("The findings")
    assert abs(evidence["log10_lr"]) < 3
    older = json.loads((tmp_path / "c.json").read_text())
    del older["seal"]  # there was none then
    for one in older["calibrations"]:
        for alternative in one["alternatives"].values():
            del alternative["density"], alternative["bounds"]["density"], alternative["measures"]["cllr_density"]
    (tmp_path / "older.json").write_text(json.dumps(older))
    asked = ["verify", *_images(place, "ada", 4), place / "bob" / "4.png", *options, "--method", "density", "--json"]
    for name in ("c.json", "older.json"):
        evidence = run_sigkd(*asked, "--far", "0.1", "--calibration", tmp_path / name).json
        evidence = evidence["verifications"][0]["evidence"]
        assert evidence["method"] == "density" and evidence["bounds"][0] <= evidence["log10_lr"] < 0
    older["calibrations"][0]["alternatives"]["random"]["logistic"]["slope"] *= -1
    (tmp_path / "older.json").write_text(json.dumps(older))
    refused = run_sigkd(*asked, "--calibration", tmp_path / "older.json", expect=4)
    assert "the slope must be positive" in refused.stderr
    other = ["--model", "resnet18:random:5", "--calibration", tmp_path / "c.json", "--cohort", place / "c5.npz"]
    run_sigkd(
        "cohort",
        "build",
        "--from",
        place / "cleo",
        "--out",
        place / "c5.npz",
        "--model",
        "resnet18:random:5",
        "--count",
        "5",
        expect=0,
    )
    refused = run_sigkd("verify", *_images(place, "ada", 2), place / "ada" / "3.png", *other, expect=4)
    assert "made for something else" in refused.stderr


def test_cohort_in_the_cache_is_found(run_sigkd, place: Path, tmp_path: Path) -> None:
    model = ["--model", "resnet18:random:7"]
    missing = run_sigkd("verify", place / "ada" / "0.png", place / "ada" / "1.png", *model, expect=4)
    assert "cohort build --from made-up --model resnet18:random:7" in missing.stderr
    built = run_sigkd("cohort", "build", "--from", "made-up", "--count", "8", *model, "--json", expect=0).json
    assert built["count"] == 8
    assert run_sigkd("verify", place / "ada" / "0.png", place / "ada" / "1.png", *model).exit_code in (0, 1)


def test_verifying_imports_no_heavy_library() -> None:
    """Classifiers, calibration and gallery run on NumPy; scikit-learn, Matplotlib and torchvision stay out."""
    code = (
        "import sys, json; import sigkd.verification.verifier, sigkd.verification.batch; "
        "print(json.dumps([m for m in ('sklearn', 'matplotlib', 'torchvision', 'pandas') if m in sys.modules]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert json.loads(found.stdout) == []


# -- small mistakes that must not pass, or not end the work


def test_an_option_of_one_value_is_not_given_twice(run_sigkd) -> None:
    twice = run_sigkd("verify", "--writer", "A", "--writer", "B", "q.png", expect=2)
    assert twice.stderr == "error: --writer is given twice, and takes one value\n"
    assert "--far is given twice" in run_sigkd("verify", "--far=0.1", "a.png", "--far", "0.2", expect=2).stderr


def test_the_query_may_be_named_and_piped(run_sigkd, place: Path, options, monkeypatch) -> None:
    references = _images(place, "ada", 3)
    last = run_sigkd("verify", *references, place / "ada" / "4.png", *options, "--json").json
    named = run_sigkd("verify", "--query", place / "ada" / "4.png", *references, *options, "--json").json
    assert named == last and named["verifications"][0]["query"] == "4.png"
    assert run_sigkd("verify", *references, place / "ada" / "4.png", *options).stdout.startswith("answer      4.png: ")
    program = [sys.executable, "-m", "sigkd", "verify", *map(str, references), "-", *map(str, options), "--json"]
    with (place / "ada" / "4.png").open("rb") as stream:
        piped = subprocess.run(program, stdin=stream, capture_output=True, check=False, cwd=Path(__file__).parents[2])
    (answer,) = json.loads(piped.stdout)["verifications"]
    assert answer["score"] == pytest.approx(last["verifications"][0]["score"]) and answer["query"] == "standard input"


def test_a_bad_image_among_many_does_not_end_the_others(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    file = ["--gallery", tmp_path / "g.sigkd"]
    run_sigkd("enroll", "Ada", *_images(place, "ada", 3), *file, *options, expect=0)
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("3.png", "4.png"):
        shutil.copy(place / "ada" / name, folder / name)
    (folder / "5.png").write_bytes((place / "ada" / "4.png").read_bytes()[:900])
    command = ["verify", "--writer", "Ada", folder, *file, *options]
    found = run_sigkd(*command, "--json", "--csv", tmp_path / "a.csv")
    assert len(found.json["verifications"]) == 2 and list(found.json["failed"]) == [str(folder / "5.png")]
    assert found.exit_code in (1, 4) and "no answer: " in found.stderr
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert len(rows) == 4 and "5.png" in rows[-1] and "error" in rows[-1]
    # one image alone is an error
    assert "5.png" in run_sigkd("verify", "--writer", "Ada", folder / "5.png", *file, *options, expect=4).stderr


def test_names_and_images_are_told_apart(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    file = ["--gallery", tmp_path / "g.sigkd"]
    wrong = run_sigkd("enroll", "a b.png", place / "ada" / "0.png", *file, *options, expect=2)
    assert "is an image, not a writer" in wrong.stderr and not (tmp_path / "g.sigkd").exists()
    assert "1 writer in all" in run_sigkd("enroll", "alice", *_images(place, "ada", 2), *file, *options).stdout
    known = run_sigkd("verify", "alice", place / "ada" / "4.png", *file, *options, expect=2)
    assert "a writer of this name is enrolled: sigkd verify --writer alice" in known.stderr
    near = run_sigkd("verify", "--writer", "alise", place / "ada" / "4.png", *file, *options, expect=4)
    assert "Did you mean 'alice'?" in near.stderr


def test_nobody_is_led_to_a_command_that_destroys(run_sigkd) -> None:
    for wish in ("remo", "remoe", "renam", "rekeys", "remov"):
        assert "Did you mean 're" not in run_sigkd("gallery", wish, expect=2).stderr.replace("'rename'", "''")
    assert "Did you mean 'list'" in run_sigkd("gallery", "lst", expect=2).stderr


def test_a_remark_on_many_images_is_said_once(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    for name in ("ada", "bob"):
        (tmp_path / "all" / name).mkdir(parents=True)
        for number in range(2):
            with Image.open(place / name / f"{number}.png") as image:
                image.point(lambda grey: 255 * (grey > 128)).convert("1").save(
                    tmp_path / "all" / name / f"{number}.png"
                )
    file = ["--gallery", tmp_path / "g.sigkd"]
    done = run_sigkd("enroll", "--from", tmp_path / "all", *file, *options, "--json", expect=0)
    assert done.stderr.count("black and white only") == 1 and "4 images (" in done.stderr
    said = [one["image"] for one in done.json["remarks"] if one["code"] == "binarised"]
    assert len(said) == 4 and all(name.endswith(".png") for name in said)


def test_a_table_of_references_may_be_incomplete(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    table = tmp_path / "refs.csv"
    table.write_text(f"path,writer\n{place}/ada/0.png,Ada\n{place}/ada/1.png,Ada\nabsent.png,Bob\n")
    file = ["--gallery", tmp_path / "g.sigkd"]
    refused = run_sigkd("enroll", "--from", table, *file, *options, expect=4)
    assert "--allow-incomplete" in refused.stderr
    done = run_sigkd("enroll", "--from", table, *file, *options, "--allow-incomplete", "--json", expect=0).json
    assert (
        done["enrolled"] == ["Ada"] and done["references"] == 2 and any("absent.png" in one for one in done["skipped"])
    )


def test_a_gallery_of_another_model_is_verified_with_its_own(run_sigkd, place: Path, tmp_path: Path) -> None:
    """After rekeying to another model the gallery works, without naming the model again."""
    file = ["--gallery", tmp_path / "g.sigkd"]
    run_sigkd("enroll", "Ada", *_images(place, "ada", 3), *file, "--keep-images", expect=0)
    done = run_sigkd("gallery", "rekey", "--model", "sigkd-signet", *file, expect=0)
    assert "not be calibrated" in done.stderr
    answer = run_sigkd("verify", "--writer", "Ada", place / "ada" / "4.png", *file, "--json")
    (given,) = answer.json["verifications"]
    assert given["binding"]["model_name"] == "sigkd-signet" and answer.exit_code in (0, 1)
    again = run_sigkd("enroll", "Ada", place / "ada" / "4.png", "--add", *file, "--json", expect=0).json
    assert again["references"] == 1


def test_a_gallery_is_looked_after(run_sigkd, place: Path, options, tmp_path: Path) -> None:
    file = ["--gallery", tmp_path / "g.sigkd"]
    run_sigkd("enroll", "Ada", *_images(place, "ada", 3), *file, *options, expect=0)
    assert "was Ada" in run_sigkd("gallery", "rename", "Ada", "Ada L", *file, expect=0).stdout
    gone = run_sigkd("gallery", "remove", "Ada L", "--reference", "1.png", *file, "--json", expect=0).json
    assert gone["writer"]["references"] == 2
    run_sigkd("gallery", "note", "Ada L", "left hand", *file, expect=0)
    assert "flagged" in run_sigkd("gallery", "flag", "Ada L", "stolen", *file, expect=0).stdout
    shown = run_sigkd("gallery", "show", "Ada L", *file, expect=0).stdout
    assert "flagged: stolen" in shown and "note: left hand" in shown
    listed = run_sigkd("gallery", "list", "ada*", "--flagged", "--csv", tmp_path / "w.csv", *file, "--json", expect=0)
    assert [one["name"] for one in listed.json["writers"]] == ["Ada L"]
    assert (tmp_path / "w.csv").read_text().splitlines()[1].startswith("Ada L,2,False,")
    answer = run_sigkd("verify", "--writer", "Ada L", place / "ada" / "4.png", *file, *options, expect=3)
    assert "the writer is flagged: stolen" in answer.stdout
    run_sigkd("gallery", "flag", "Ada L", "", *file, expect=0)
    assert run_sigkd("gallery", "list", "--flagged", *file, "--json", expect=0).json["writers"] == []
