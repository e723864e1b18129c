"""Feature files: every format brings everything back, and damage is one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import InputError, UsageError
from sigkd.models.features import UNKNOWN, FeatureSet


@pytest.fixture
def features() -> FeatureSet:
    rng = np.random.default_rng(0)
    return FeatureSet(
        rng.standard_normal((5, 7)).astype(np.float32) * np.float32(1e-3),
        np.array([0, 0, 1, 1, -1]),
        np.array([0, 1, 0, 2, -1]),
        ["a/1.png", "a/2, copy.png", "b/ä.png", "b/4.png", "x"],
        model_hash="f" * 64,
        preprocess_version="1",
        model_name="resnet18:random",
        metadata={"dataset": "made-up", "writers": ["a", "b"], "canvas": [952, 1360]},
    )


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".mat", ".parquet", ".NPZ"])
def test_round_trip(features: FeatureSet, tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"features{suffix}"
    features.save(path)
    again = FeatureSet.load(path)
    np.testing.assert_array_equal(again.features, features.features)  # exactly, in text too
    np.testing.assert_array_equal(again.y, features.y)
    np.testing.assert_array_equal(again.yforg, features.yforg)
    assert again.filenames == features.filenames
    assert again.model_hash == features.model_hash
    assert again.preprocess_version == "1"
    assert again.features.dtype == np.float32 and again.y.dtype == np.int64 and again.yforg.dtype == np.int8
    if suffix != ".csv":  # a table of values has no room for the rest
        assert again.metadata == features.metadata
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_npz_is_readable_without_pickle(features: FeatureSet, tmp_path: Path) -> None:
    features.save(tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"features", "y", "yforg", "filenames", "metadata"}


def test_foreign_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", features=np.ones((3, 4)), y=np.arange(3)[:, None])
    loaded = FeatureSet.load(tmp_path / "other.npz")
    assert loaded.features.dtype == np.float32
    assert loaded.yforg.tolist() == [0, 0, 0]
    assert loaded.y.tolist() == [0, 1, 2]
    np.savez(tmp_path / "bare.npz", features=np.ones((3, 4)))
    assert FeatureSet.load(tmp_path / "bare.npz").y.tolist() == [UNKNOWN] * 3


def test_bad_files(features: FeatureSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.npz: no such features file"):
        FeatureSet.load(tmp_path / "absent.npz")
    with pytest.raises(UsageError, match=r"\.npz, \.csv, \.mat, \.parquet"):
        features.save(tmp_path / "f.txt")
    np.savez(tmp_path / "no.npz", x=np.ones(3))
    with pytest.raises(InputError, match="no array 'features'"):
        FeatureSet.load(tmp_path / "no.npz")
    np.savez(tmp_path / "pickled.npz", features=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="not a readable features file"):
        FeatureSet.load(tmp_path / "pickled.npz")
    np.savez(tmp_path / "lengths.npz", features=np.ones((3, 4)), y=np.zeros(2))
    with pytest.raises(InputError, match="do not belong together"):
        FeatureSet.load(tmp_path / "lengths.npz")
    np.savez(tmp_path / "nan.npz", features=np.full((3, 4), np.nan))
    with pytest.raises(InputError, match="NaN"):
        FeatureSet.load(tmp_path / "nan.npz")


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".mat", ".parquet"])
def test_damaged_files_are_one_line(features: FeatureSet, tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"f{suffix}"
    features.save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=r"^[^\n]*f\.\w+: [^\n]*$"):
        FeatureSet.load(path)
    path.write_bytes(b"")
    with pytest.raises(InputError):
        FeatureSet.load(path)
    path.write_bytes(bytes(range(256)) * 8)
    with pytest.raises(InputError):
        FeatureSet.load(path)
