"""Samples from files, bytes and arrays; remarks on scans; the cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigkd.classifiers.cohort import build_cohort, cached_path, load_cohort, read_cohort, resolve_cohort, save_cohort
from sigkd.errors import CohortError, ImageError, UsageError
from sigkd.images.ink_measures import InkMeasures, measure_normalized
from sigkd.models.binding import Binding
from sigkd.verification.remarks import (
    copy_remark,
    disagreement_remark,
    size_remark,
)
from sigkd.verification.samples import Sample, read_sample

CANVAS = (952, 1360)


def _codes(scan: np.ndarray) -> set[str]:
    return {one.code for one in read_sample(scan, CANVAS).remarks}


def test_file_bytes_and_array_give_the_same(scans, tmp_path: Path) -> None:
    scan = scans["Ada"][0]
    Image.fromarray(scan).save(tmp_path / "a.png")
    samples = [
        read_sample(tmp_path / "a.png", CANVAS, keep=True),
        read_sample((tmp_path / "a.png").read_bytes(), CANVAS, keep=True),
        read_sample(scan, CANVAS, keep=True),
    ]
    assert all(np.array_equal(one.image, samples[0].image) for one in samples)
    assert samples[0].digest == samples[1].digest
    assert samples[0].content == samples[1].content
    assert np.array_equal(read_sample(samples[2].content, CANVAS).image, samples[0].image)


def test_errors_name_the_image(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    Image.new("L", (300, 200), 255).save(tmp_path / "blank.png")
    for name in ("bad.png", "blank.png", "absent.png"):
        with pytest.raises(ImageError, match=name):
            read_sample(tmp_path / name, CANVAS)
    with pytest.raises(ImageError, match="scan 7"):
        read_sample(b"no image", CANVAS, name="scan 7")
    with pytest.raises(ImageError, match="uint8"):
        read_sample(np.zeros((3, 3, 3), np.uint8), CANVAS)


def test_a_good_scan_has_no_remarks(scans) -> None:
    assert _codes(scans["Ada"][0]) == set()


def test_remarks(scans) -> None:
    scan = scans["Ada"][0]
    assert "faint" in _codes((255 - (255 - scan.astype(int)) // 6).astype(np.uint8))
    ink = np.flatnonzero((scan < 128).any(axis=1))
    assert "cropped" in _codes(scan[int(ink[0]) + (len(ink) // 3) :])
    ruled = scan.copy()
    ruled[scan.shape[0] // 2 : scan.shape[0] // 2 + 3] = 60
    assert "background-line" in _codes(ruled)
    small = np.asarray(Image.fromarray(scan).resize((scan.shape[1] // 9, scan.shape[0] // 9), Image.Resampling.BOX))
    assert "low-resolution" in _codes(small)
    assert "binarised" in _codes(np.where(scan < 128, 0, 255).astype(np.uint8))


def test_remarks_on_a_comparison() -> None:
    ink = InkMeasures(100, 300, 4, 100, 0, False, 200)
    assert size_remark(ink, [ink]) is None
    large = size_remark(InkMeasures(200, 600, 4, 100, 0, False, 200), [ink, ink])
    assert large is not None and "2.0 times larger" in large.text
    sample, unknown = (Sample("q", digest, np.zeros((2, 2), np.uint8), ink) for digest in ("a", ""))
    assert copy_remark(sample, ["b"], [None]) is None and copy_remark(unknown, [""], [None]) is None
    assert "reference 2" in str(copy_remark(sample, ["b", "a"], [None, None]))
    assert disagreement_remark(np.empty(0), 0.0) is None
    assert "reference 2 does" in str(disagreement_remark(np.array([1.0, -1.0, 1.0]), 0.0))


def test_measures_of_a_normalised_image(scans) -> None:
    sample = read_sample(scans["Ada"][0], CANVAS)
    measured = measure_normalized(sample.image, CANVAS)
    assert measured.width == pytest.approx(sample.ink.width, rel=0.1)
    assert measured.height == pytest.approx(sample.ink.height, rel=0.15)


def test_cohort_is_kept_and_bound(tiny_cohort, tiny_model, tmp_path: Path, monkeypatch) -> None:
    binding = Binding.of(tiny_model)
    save_cohort(tiny_cohort, tmp_path / "c.npz")
    again = read_cohort(tmp_path / "c.npz")
    assert again.hash == tiny_cohort.hash and again.binding == binding and len(again) == 24
    assert "made-up" in again.description
    assert load_cohort(tmp_path / "c.npz", binding).hash == tiny_cohort.hash
    with pytest.raises(CohortError, match="the model is other"):
        load_cohort(tmp_path / "c.npz", Binding("ff" * 32, "1", CANVAS, "other"))
    monkeypatch.setenv("SIGKD_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CohortError, match="cohort build --from made-up --model tiny"):
        load_cohort(None, binding)
    save_cohort(tiny_cohort, cached_path(binding.model_hash))
    assert load_cohort("default", binding).hash == tiny_cohort.hash


def test_cohort_from_a_features_file(tiny_model, tmp_path: Path) -> None:
    from sigkd.models.features import FeatureSet

    rows = np.random.default_rng(0).random((5, 64)).astype(np.float32)
    known = FeatureSet(rows, np.arange(5), np.zeros(5, np.int8), model_hash=tiny_model.hash, preprocess_version="1")
    known.save(tmp_path / "f.npz")
    cohort = resolve_cohort(tmp_path / "f.npz", tiny_model, data=tmp_path)
    assert np.array_equal(cohort.features, rows)
    FeatureSet(rows, np.arange(5), np.zeros(5, np.int8)).save(tmp_path / "anonymous.npz")
    with pytest.raises(CohortError, match="which model"):
        resolve_cohort(tmp_path / "anonymous.npz", tiny_model, data=tmp_path)


def test_cohort_from_image_files(tiny_model, scans, tmp_path: Path) -> None:
    for number, scan in enumerate(scans["Ada"]):
        Image.fromarray(scan).save(tmp_path / f"{number}.png")
    assert len(build_cohort([str(tmp_path)], tiny_model, data=tmp_path, count=4)) == 4
    with pytest.raises(UsageError, match="cannot be mixed"):
        build_cohort(["made-up", str(tmp_path)], tiny_model, data=tmp_path)


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x05\x06" + bytes(18)])
def test_damaged_cohort(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(CohortError):
        read_cohort(tmp_path / "c.npz")
