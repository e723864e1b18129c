"""The store: deterministic, readable by others, never pickled, found by name, whole or absent."""

import shutil
from dataclasses import astuple, replace

import numpy as np
import pytest
from PIL import Image

from sigkd.datasets.layouts import DATASETS, named_writers, scan_dataset
from sigkd.datasets.prepare import prepare_signatures, preprocess_dataset
from sigkd.datasets.prepared import PreparedSignatures, find_prepared
from sigkd.datasets.preview import preview_sheet, write_preview
from sigkd.errors import DatasetError, UsageError
from sigkd.images.canvas import PREPROCESS_VERSION
from sigkd.images.placing import Placing
from sigkd.images.preprocess import LARGER_THAN_CANVAS, normalize_signature
from sigkd.images.reader import read_image
from sigkd.images.scan import read_scan
from sigkd.synthesis import signature_image


@pytest.fixture(scope="module")
def prepared(made_up_signatures):
    return prepare_signatures(scan_dataset("folder", made_up_signatures), workers=1)[0]


def test_what_is_stored(prepared, made_up_signatures):
    assert prepared.x.shape == (36, 170, 242)
    assert prepared.writers == ["001", "002", "003", "004"]
    assert prepared.y.tolist() == [w for w in range(4) for _ in range(9)]
    assert prepared.yforg.tolist() == ([0] * 6 + [1] * 3) * 4
    assert prepared.filenames[0] == "001/genuine/01.png"
    expected = normalize_signature(read_image(made_up_signatures / prepared.filenames[20]))
    np.testing.assert_array_equal(prepared.x[20], expected)
    assert prepared.metadata["preprocess_version"] == PREPROCESS_VERSION
    assert prepared.metadata["canvas"] == [952, 1360]
    assert prepared.metadata["layout"] == "folder"
    assert prepared.metadata["counts"] == {"writers": 4, "genuine": 24, "skilled": 12, "simple": 0, "skipped": 0}


@pytest.mark.parametrize("workers", [0, 2, 5])
def test_the_number_of_workers_does_not_matter(prepared, made_up_signatures, workers):
    again = prepare_signatures(scan_dataset("folder", made_up_signatures), workers=workers)[0]
    assert again.content_hash == prepared.content_hash
    assert again.metadata == prepared.metadata


def test_content_hash_sees_every_part(prepared):
    def changed(**parts):
        fields = {"x": prepared.x, "y": prepared.y, "yforg": prepared.yforg}
        fields |= {"filenames": prepared.filenames, "writers": prepared.writers}
        return PreparedSignatures(**{**fields, **parts}).content_hash

    hashes = {
        prepared.content_hash,
        changed(x=255 - prepared.x),
        changed(y=prepared.y[::-1].copy()),
        changed(yforg=prepared.yforg * 0),
        changed(writers=["a", "b", "c", "d"]),
        changed(filenames=prepared.filenames[::-1]),
    }
    assert len(hashes) == 6
    assert changed() == prepared.content_hash


def test_round_trip(prepared, tmp_path):
    prepared.save(tmp_path / "s.npz")
    back = PreparedSignatures.load(tmp_path / "s.npz")
    np.testing.assert_array_equal(back.x, prepared.x)
    np.testing.assert_array_equal(back.y, prepared.y)
    np.testing.assert_array_equal(back.yforg, prepared.yforg)
    assert (back.filenames, back.writers) == (prepared.filenames, prepared.writers)
    assert back.content_hash == prepared.content_hash
    assert prepared.metadata.items() <= back.metadata.items()
    assert back.y.dtype == np.int64
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]


def test_the_file_is_that_of_the_reference_implementation(prepared, tmp_path):
    prepared.save(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        assert archive["x"].shape == (36, 1, 170, 242)
        assert set(archive.files) == {"x", "y", "yforg", "user_mapping", "filenames", "metadata"}
        assert archive["user_mapping"].tolist() == prepared.writers


@pytest.mark.parametrize("pickled", [True, False])
def test_a_store_of_the_reference_implementation_is_read(tmp_path, pickled):
    """Its ``y`` holds the writers' own numbers and its mapping is a pickled dictionary, which stays unread."""
    path = tmp_path / "theirs.npz"
    x = np.zeros((4, 1, 170, 242), np.uint8)
    names = np.array(["a", "b", "c", None], dtype=object) if pickled else np.array(["a", "b", "c", "d"])
    np.savez(path, x=x, y=[7, 7, 3, 12], yforg=[0, 1, 0, 2], user_mapping={0: 7}, filenames=names)
    store = PreparedSignatures.load(path)
    assert store.writers == ["3", "7", "12"]
    assert store.y.tolist() == [1, 1, 0, 2]
    assert store.yforg.tolist() == [0, 1, 0, 2]
    assert store.filenames == (["0", "1", "2", "3"] if pickled else ["a", "b", "c", "d"])
    assert store.metadata["name"] == "theirs"
    assert len(store.content_hash) == 64


def test_damaged_and_foreign_files(tmp_path, prepared):
    prepared.save(tmp_path / "s.npz")
    content = (tmp_path / "s.npz").read_bytes()
    bad = {
        "cut.npz": content[: len(content) // 2],
        "text.npz": b"not a zip",
        "empty.npz": b"",
        "flipped.npz": content[:5000] + bytes(200) + content[5200:],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DatasetError, match=name):
            PreparedSignatures.load(tmp_path / name)
    np.savez(tmp_path / "other.npz", features=np.zeros(3))
    with pytest.raises(DatasetError, match="no x, y, yforg"):
        PreparedSignatures.load(tmp_path / "other.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(DatasetError, match="not a signature store"):
        PreparedSignatures.load(tmp_path / "array.npy")
    np.savez(tmp_path / "pickled.npz", x=np.array([{}], dtype=object), y=[0], yforg=[0])
    with pytest.raises(DatasetError, match="not a readable signature store"):
        PreparedSignatures.load(tmp_path / "pickled.npz")
    with pytest.raises(DatasetError, match="No such file"):
        PreparedSignatures.load(tmp_path / "absent.npz")


def test_other_content_under_the_old_hash_is_refused(tmp_path, prepared):
    """The results would state the hash of images that they are not of."""
    prepared.save(tmp_path / "s.npz")
    with np.load(tmp_path / "s.npz") as archive:
        parts = {name: archive[name] for name in archive.files}
    changes = {
        "x": 255 - parts["x"],
        "y": parts["y"][::-1],
        "yforg": 1 - parts["yforg"],
        "filenames": parts["filenames"][::-1],
        "user_mapping": parts["user_mapping"][::-1],
    }
    for name, changed in changes.items():
        np.savez(tmp_path / "s.npz", **{**parts, name: changed})
        with pytest.raises(DatasetError, match=r"s\.npz: its content is not what was saved"):
            PreparedSignatures.load(tmp_path / "s.npz")
    for name in ("filenames", "user_mapping"):
        np.savez(tmp_path / "s.npz", **{key: value for key, value in parts.items() if key != name})
        with pytest.raises(DatasetError, match=r"s\.npz: the names of its files or writers are missing"):
            PreparedSignatures.load(tmp_path / "s.npz")


def test_labels_are_never_bent_to_fit(tmp_path):
    x = np.zeros((2, 4, 4), np.uint8)
    for yforg, y in (
        ([0, 256], [0, 1]),
        ([0, 7], [0, 1]),
        ([0, 1], [0.5, 1]),
        ([0, 1], ["a", "b"]),
        ([0, np.nan], [0, 1]),
    ):
        np.savez(tmp_path / "s.npz", x=x, y=y, yforg=yforg)
        with pytest.raises(DatasetError, match=r"s\.npz: "):
            PreparedSignatures.load(tmp_path / "s.npz")


def test_contradictory_stores_are_refused(prepared):
    with pytest.raises(DatasetError, match="differ in length"):
        PreparedSignatures(prepared.x, prepared.y[1:], prepared.yforg, prepared.filenames, prepared.writers)
    with pytest.raises(DatasetError, match="does not have"):
        PreparedSignatures(prepared.x, prepared.y, prepared.yforg, prepared.filenames, ["only one"])


def test_later_versions_are_refused(prepared, tmp_path):
    store = PreparedSignatures(prepared.x, prepared.y, prepared.yforg, prepared.filenames, prepared.writers)
    store.metadata["format_version"] = 99
    store.save(tmp_path / "s.npz")
    with pytest.raises(DatasetError, match="version 99"):
        PreparedSignatures.load(tmp_path / "s.npz")


def test_find_prepared(prepared, tmp_path):
    prepared.save(tmp_path / "datasets" / "bank.npz")
    assert find_prepared("bank", tmp_path).content_hash == prepared.content_hash
    assert find_prepared(str(tmp_path / "datasets" / "bank.npz"), tmp_path / "x").x.shape == prepared.x.shape
    with pytest.raises(DatasetError, match=r"Did you mean 'bank'.*sigkd preprocess SRC --dataset folder --name banks"):
        find_prepared("banks", tmp_path)
    with pytest.raises(DatasetError, match=r"sigkd preprocess SRC --dataset cedar\. The data: http"):
        find_prepared("cedar", tmp_path)
    with pytest.raises(DatasetError, match="--out"):
        find_prepared("there/is/none.npz", tmp_path)
    (tmp_path / "datasets" / "words").mkdir()
    with pytest.raises(DatasetError, match="text dataset"):
        find_prepared("words", tmp_path)


@pytest.fixture
def with_bad_files(made_up_signatures, tmp_path):
    root = tmp_path / "scans"
    shutil.copytree(made_up_signatures / "001", root / "001")
    (root / "001" / "genuine" / "00.png").write_bytes(b"no image")
    Image.new("L", (300, 200), 255).save(root / "001" / "genuine" / "99.png")
    (root / "002").mkdir()
    Image.new("L", (300, 200), 255).save(root / "002" / "1.png")
    return root


def test_bad_files_are_skipped_and_listed(with_bad_files):
    store = prepare_signatures(scan_dataset("folder", with_bad_files))[0]
    assert len(store) == 9
    assert store.writers == ["001"]
    skipped = {skip["file"]: skip["reason"] for skip in store.metadata["skipped"]}
    assert list(skipped) == ["001/genuine/00.png", "001/genuine/99.png", "002/1.png"]
    assert "not an image" in skipped["001/genuine/00.png"]
    assert "one colour" in skipped["001/genuine/99.png"]
    assert store.metadata["counts"]["skipped"] == 3


def test_nothing_usable_is_an_error(with_bad_files):
    shutil.rmtree(with_bad_files / "001")
    with pytest.raises(DatasetError, match="none of 1 images"):
        prepare_signatures(scan_dataset("folder", with_bad_files))


def test_warnings_are_counted_with_their_files(made_up_signatures):
    store = prepare_signatures(scan_dataset("folder", made_up_signatures), placing=Placing((60, 400)))[0]
    assert len(store.metadata["warnings"][LARGER_THAN_CANVAS]) > 10
    assert store.metadata["canvas"] == [60, 400]


def test_rgba_and_grey_paper_come_out_alike(tmp_path):
    """CEDAR's modes: the same scan as grey, palette and transparent image, on grey paper and on white."""
    scan = signature_image(0, 0)
    for number, mode in enumerate(("L", "P", "RGBA"), start=1):
        (tmp_path / "full_org").mkdir(exist_ok=True)
        Image.fromarray(scan).convert(mode).save(tmp_path / "full_org" / f"original_1_{number}.png")
    store = prepare_signatures(scan_dataset("cedar", tmp_path, allow_incomplete=True))[0]
    assert len(store) == 3
    np.testing.assert_array_equal(store.x[0], store.x[1])
    np.testing.assert_array_equal(store.x[0], store.x[2])
    assert "writers 2-55" in store.metadata["missing"]


def test_an_interrupted_run_leaves_the_older_store(made_up_signatures, tmp_path):
    target = tmp_path / "datasets" / "s.npz"
    preprocess_dataset(made_up_signatures, "folder", target)
    before = target.read_bytes()

    class Interrupting:
        def task(self, *_args, **_options):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_exc):
            return None

        def advance(self, _amount=1):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preprocess_dataset(made_up_signatures, "folder", target, canvas=(600, 850), progress=Interrupting())
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["s.npz"]


def test_preview(prepared, tmp_path):
    sheet = preview_sheet(prepared)
    assert sheet.height > 4 * 100
    assert np.asarray(sheet).min() < 128
    write_preview(prepared, tmp_path / "sheet.png")
    assert read_image(tmp_path / "sheet.png").shape == (sheet.height, sheet.width)
    with pytest.raises(UsageError, match=r"\.png"):
        write_preview(prepared, tmp_path / "sheet.doc")


def test_names_are_checked_before_the_work(made_up_signatures, tmp_path):
    with pytest.raises(UsageError, match=r"\.npz"):
        preprocess_dataset(made_up_signatures, "folder", tmp_path / "s.zip")
    with pytest.raises(UsageError, match=r"\.png"):
        preprocess_dataset(made_up_signatures, "folder", tmp_path / "s.npz", preview=tmp_path / "p")
    assert not list(tmp_path.iterdir())


def test_a_range_of_writers_is_a_store_of_its_own(prepared, tmp_path):
    prepared.save(tmp_path / "datasets" / "set.npz")
    part = find_prepared("set[1:3]", tmp_path)
    assert part.writers == ["002", "003"]
    np.testing.assert_array_equal(part.x, prepared.x[9:27])
    assert part.y.tolist() == [0] * 9 + [1] * 9
    assert part.metadata["name"] == f"{prepared.metadata['name']}[1:3]"
    assert part.content_hash != prepared.content_hash
    assert len(find_prepared("set[2:]", tmp_path)) == 18
    with pytest.raises(DatasetError, match="has 4 writers"):
        find_prepared("set[3:9]", tmp_path)


def test_measures_of_scans_in_views_are_kept(made_up_signatures, tmp_path):
    placing = Placing(views=("60mm", "fitted"), dpi=400.0)
    store, _ = prepare_signatures(scan_dataset("folder", made_up_signatures), placing=placing)
    expected = read_scan(made_up_signatures / store.filenames[7], dpi=400.0).measures
    assert store.measures[7] == expected and len(store.measures) == len(store)
    store.save(tmp_path / "v.npz")
    back = PreparedSignatures.load(tmp_path / "v.npz")
    assert back.measures == store.measures and "measures" not in back.metadata
    assert [isinstance(one, int) for one in astuple(back.measures[0])] == [
        isinstance(one, int) for one in astuple(expected)
    ]
    assert back.of_writers(1, 3).measures == store.measures[9:27]
    with pytest.raises(DatasetError, match="differ in length"):
        replace(store, measures=store.measures[1:])


def test_measures_of_another_sigkd_are_passed_over(prepared, monkeypatch, tmp_path):
    store = replace(prepared, measures=[read_scan(signature_image(1, 0), dpi=400.0).measures] * len(prepared))
    with monkeypatch.context() as changed:
        changed.setattr("sigkd.datasets.prepared._MEASURES", ["other"])
        store.save(tmp_path / "o.npz")
    assert PreparedSignatures.load(tmp_path / "o.npz").measures is None


def test_subsets_are_those_of_the_layout(prepared, monkeypatch, tmp_path):
    layout = replace(DATASETS.get("folder"), subsets={"choose": ("003", "001"), "report": ("004",), "lost": ("009",)})
    monkeypatch.setattr(DATASETS, "get", lambda name: layout)
    prepared.save(tmp_path / "datasets" / "set.npz")
    part = find_prepared("set[choose]", tmp_path)
    assert part.writers == ["003", "001"] and part.metadata["name"].endswith("[choose]")
    assert {part.filenames[row][:3] for row in np.flatnonzero(part.y == 0)} == {"003"}
    np.testing.assert_array_equal(part.x[part.y == 1], prepared.x[:9])
    with pytest.raises(DatasetError, match=r"no subset 'chose'. Did you mean 'choose'\?"):
        find_prepared("set[chose]", tmp_path)
    with pytest.raises(DatasetError, match="lacks writer '009' of its subset 'lost'"):
        find_prepared("set[lost]", tmp_path)
    assert named_writers("choose", "folder") == "003,001"
    assert [named_writers(text, "folder") for text in ("0:2", "004", None)] == ["0:2", "004", None]
    assert named_writers("choose", "unheard-of") == "choose"


def test_the_subsets_of_the_dutch_set_share_nobody():
    subsets = DATASETS.get("sigcomp2011").subsets
    everyone = [writer for writers in subsets.values() for writer in writers]
    assert len(everyone) == len(set(everyone)) == 43
    assert [len(subsets[name]) for name in ("choose", "report", "taught")] == [15, 7, 21]
    assert min(subsets["taught"]) == "028"  # of the teacher's training
