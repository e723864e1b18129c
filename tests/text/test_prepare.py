import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from written_pages import write_page

from sigkd.datasets.textset import TextDataset, content_hash, find_text
from sigkd.errors import DatasetError, InputError
from sigkd.text import prepare
from sigkd.text.options import TextOptions
from sigkd.text.prepare import prepare_text
from sigkd.text.store import npy_header


def digest(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def finished(pages_root, tmp_path_factory):
    return prepare_text(pages_root, tmp_path_factory.mktemp("out") / "text", "folder")


def test_dataset_is_what_it_says(finished):
    dataset = TextDataset.open(finished.path)
    counts = dataset.description.counts
    assert counts.pages == counts.pages_found == 5
    assert counts.lines == 14
    assert counts.crops == len(dataset) == len(dataset.images) == counts.train + counts.validation
    assert dataset.writers == ["a", "b", "c"]
    assert dataset.images.shape[1:] == (170, 242)
    assert isinstance(dataset.images, np.memmap)
    assert dataset.labels.dtype == np.int64
    assert sum(dataset.description.crops_per_writer) == len(dataset)
    assert not finished.path.with_name("text.partial").exists()


def test_every_crop_can_be_traced_to_its_place(finished, pages_root):
    dataset = TextDataset.open(finished.path)
    for number in range(0, len(dataset), 7):
        trace = dataset.trace(number)
        page = cv2.imread(str(pages_root / trace["page"]), 0)
        assert trace["writer"] == trace["page"].split("/")[0]
        assert trace["canvas"] in ("gpds", "mcyt", "cedar", "utsig")
        assert page[trace["top"] : trace["bottom"], trace["left"] : trace["right"]].min() < 100
        assert trace["split"] in ("train", "validation")


def test_no_leakage(finished):
    dataset = TextDataset.open(finished.path)
    index = dataset.index
    keys = np.where(dataset.labels == 0, index["page"] * 1000, index["page"] * 1000 + index["line"] + 1)
    assert not set(keys[dataset.split == 0]) & set(keys[dataset.split == 1])


def test_workers_do_not_change_a_byte(finished, pages_root, tmp_path):
    other = prepare_text(pages_root, tmp_path / "text", "folder", workers=2)
    assert digest(other.path) == digest(finished.path)


def test_another_seed_changes_the_crops(finished, pages_root, tmp_path):
    other = prepare_text(pages_root, tmp_path / "text", "folder", TextOptions(seed=1))
    assert other.dataset.content_hash != finished.dataset.content_hash


def test_interrupted_run_goes_on_with_the_same_bytes(finished, pages_root, tmp_path, monkeypatch):
    real = prepare.in_order

    def stops(function, pages, **options):
        yield from real(function, pages[:2], **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "in_order", stops)
    with pytest.raises(KeyboardInterrupt):
        prepare_text(pages_root, tmp_path / "text", "folder")
    monkeypatch.undo()
    partial = tmp_path / "text.partial"
    for name in ("images.npy", "index.bin", "journal.jsonl"):
        with (partial / name).open("ab") as stream:
            stream.write(b"half a page")
    with pytest.raises(DatasetError, match="unfinished"):
        TextDataset.open(tmp_path / "text")
    resumed = prepare_text(pages_root, tmp_path / "text", "folder")
    assert resumed.resumed_pages == 2
    assert digest(resumed.path) == digest(finished.path)


@pytest.mark.slow
def test_killed_run_goes_on_with_the_same_bytes(finished, pages_root, tmp_path):
    command = [sys.executable, "-m", "sigkd", "prepare-text", str(pages_root), "--layout", "folder"]
    command += ["--out", str(tmp_path / "text"), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    journal = tmp_path / "text.partial" / "journal.jsonl"
    while process.poll() is None and not (journal.exists() and journal.stat().st_size):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    shutil.rmtree(tmp_path / "text", ignore_errors=True)
    prepare_text(pages_root, tmp_path / "text", "folder", overwrite=True)
    assert digest(tmp_path / "text") == digest(finished.path)


def test_other_options_do_not_go_on_with_an_unfinished_run(pages_root, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "_run_pages", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare_text(pages_root, tmp_path / "text", "folder")
    monkeypatch.undo()
    with pytest.raises(InputError, match="other options"):
        prepare_text(pages_root, tmp_path / "text", "folder", TextOptions(seed=3))
    done = prepare_text(pages_root, tmp_path / "text", "folder", TextOptions(seed=3), overwrite=True)
    assert done.resumed_pages == 0


def test_existing_dataset_is_not_replaced_unasked(finished, pages_root):
    before = digest(finished.path)
    with pytest.raises(InputError, match="`overwrite=True`"):
        prepare_text(pages_root, finished.path, "folder")
    assert digest(finished.path) == before


def test_thinning_and_small_writers(finished, pages_root, tmp_path):
    amounts = dict(zip(finished.dataset.writers, finished.dataset.crops_per_writer, strict=True))
    limit = amounts["c"] + 1
    options = TextOptions(min_crops=limit, max_images=15)
    small = prepare_text(pages_root, tmp_path / "small", "folder", options)
    dataset = TextDataset.open(small.path)
    assert dataset.writers == ["a", "b"]
    assert small.dataset.skipped.writers == ["c"]
    assert np.bincount(dataset.labels).tolist() in ([8, 7], [7, 8])
    whole = TextDataset.open(finished.path)
    rows = [whole.images[i] for i in range(len(whole))]
    assert all(any((image == row).all() for row in rows) for image in dataset.images[:3])
    kept = prepare_text(pages_root, tmp_path / "kept", "folder", TextOptions(min_crops=limit, keep_small=True))
    assert kept.dataset.writers == ["a", "b", "c"]
    with pytest.raises(DatasetError, match="`keep_small=True`"):
        prepare_text(pages_root, tmp_path / "none", "folder", TextOptions(min_crops=10_000))


def test_bad_pages_are_named_and_the_rest_goes_on(tmp_path):
    root = tmp_path / "pages"
    (root / "w").mkdir(parents=True)
    cv2.imwrite(str(root / "w" / "good.png"), write_page(2, seed=1))
    cv2.imwrite(str(root / "w" / "blank.png"), np.full((400, 400), 255, np.uint8))
    (root / "w" / "broken.png").write_bytes(b"no image")
    done = prepare_text(root, tmp_path / "text", "folder")
    problems = dict(done.dataset.skipped.pages)
    assert set(problems) == {"w/blank.png", "w/broken.png"}
    assert problems["w/blank.png"] == "no text found"
    (root / "w" / "good.png").unlink()
    with pytest.raises(DatasetError, match="no page gave a crop"):
        prepare_text(root, tmp_path / "other", "folder")


def test_ready_lines(tmp_path):
    (tmp_path / "lines" / "w").mkdir(parents=True)
    for number in range(2):
        cv2.imwrite(str(tmp_path / "lines" / "w" / f"{number}.png"), write_page(1, seed=number))
    done = prepare_text(tmp_path / "lines", tmp_path / "text", "lines")
    assert done.dataset.counts.lines == 2


def test_preview_shows_every_stage(pages_root, tmp_path):
    signatures = np.zeros((3, 170, 242), np.uint8)
    signatures[:, 80:90, 100:140] = 200
    sheet = tmp_path / "sheet.png"
    done = prepare_text(pages_root, tmp_path / "text", "folder", preview=sheet, signatures=signatures)
    assert [path.name for path in done.previews] == ["sheet-pages.png", "sheet-stripes.png", "sheet.png"]
    pages = cv2.imread(str(done.previews[0]))
    assert (np.ptp(pages.astype(int), axis=2) > 60).any()  # lines in colour
    assert all(cv2.imread(str(path)) is not None for path in done.previews)


@pytest.mark.parametrize("count", [0, 1, 37283, 10**9])
def test_npy_header_is_numpys(count, tmp_path):
    header = npy_header(count)
    assert len(header) == 128
    (tmp_path / "h.npy").write_bytes(header)
    with (tmp_path / "h.npy").open("rb") as stream:
        assert np.lib.format.read_magic(stream) == (1, 0)
        assert np.lib.format.read_array_header_1_0(stream) == ((count, 170, 242), False, np.dtype("uint8"))


def test_find_text(finished, tmp_path):
    home = tmp_path / "datasets"
    home.mkdir()
    (home / "mine").symlink_to(finished.path)
    assert find_text("mine", tmp_path).content_hash == finished.dataset.content_hash
    assert len(find_text(str(finished.path), tmp_path)) > 0
    with pytest.raises(DatasetError, match="sigkd prepare-text PAGES"):
        find_text("absent", tmp_path)


@pytest.mark.parametrize("damage", ["images", "json", "format", "version", "index"])
def test_damaged_datasets_are_refused(finished, tmp_path, damage):
    copy = tmp_path / "text"
    shutil.copytree(finished.path, copy)
    description = json.loads((copy / "dataset.json").read_text())
    if damage == "images":
        (copy / "images.npy").write_bytes(npy_header(5))
    elif damage == "json":
        (copy / "dataset.json").write_text("{")
    elif damage == "index":
        np.save(copy / "index.npy", np.zeros(3))
    else:
        (copy / "dataset.json").write_text(json.dumps({**description, damage: 9}))
    with pytest.raises(DatasetError):
        TextDataset.open(copy)


def test_datasets_that_call_their_version_otherwise_are_read(finished, tmp_path):
    copy = tmp_path / "text"
    shutil.copytree(finished.path, copy)
    description = json.loads((copy / "dataset.json").read_text())
    description["format_version"] = description.pop("version")
    (copy / "dataset.json").write_text(json.dumps(description))
    assert TextDataset.open(copy).description == finished.dataset
    description["format_version"] = 2
    (copy / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(DatasetError, match="sigkd-text of version 2, this sigkd reads 1: upgrade sigkd"):
        TextDataset.open(copy)


def test_a_changed_byte_is_noticed(finished, tmp_path):
    copy = tmp_path / "text"
    shutil.copytree(finished.path, copy)
    with (copy / "images.npy").open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"\x99")
    with pytest.raises(DatasetError, match="the hash differs"):
        TextDataset.open(copy)
    assert len(TextDataset.open(copy, check=False)) == finished.dataset.counts.crops
    assert content_hash(finished.path, finished.dataset.writers) == finished.dataset.content_hash


# --- ready images ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ready_root(finished, tmp_path):
    """The crops of a finished set as the authors published theirs: ``WRITER/*.tif``."""
    dataset = TextDataset.open(finished.path)
    for number, image in enumerate(dataset.images):
        folder = tmp_path / "ready" / dataset.writers[dataset.labels[number]]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{number:04}.tif"), np.asarray(image))
    return tmp_path / "ready"


def test_ready_images_are_taken_as_they_are(finished, ready_root, tmp_path):
    before = TextDataset.open(finished.path)
    preview = tmp_path / "sheet.png"
    prepared = prepare_text(ready_root, tmp_path / "text", "ready", preview=preview)
    after = TextDataset.open(prepared.path)
    assert after.writers == before.writers
    numbers = [int(Path(page.name).stem) for page in after.description.pages]
    assert np.array_equal(after.images, before.images[numbers])
    assert np.array_equal(after.labels, before.labels[numbers])
    assert set(after.split[after.labels == 0]) == {0, 1}
    trace = after.trace(3)
    assert trace["canvas"] == "unknown"
    assert trace["page"].endswith(".tif")
    assert prepared.previews == [preview]
    assert after.content_hash == content_hash(prepared.path, after.writers)


def test_ready_images_that_are_none(ready_root, tmp_path):
    image = cv2.imread(str(next(ready_root.glob("a/*.tif"))), 0)
    for name, wrong in {
        "size": image[:150, :220],
        "turned": image.T,
        "paper": 255 - image,
        "grey": np.maximum(image, 30),
        "blank": np.zeros_like(image),
    }.items():
        cv2.imwrite(str(ready_root / "a" / f"{name}.png"), wrong)
    prepared = prepare_text(ready_root, tmp_path / "text", "ready")
    problems = {Path(name).stem: words for name, words in prepared.dataset.skipped.pages}
    assert problems == {
        "size": "150 x 220 pixels, where a ready image has 170 x 242",
        "turned": "242 x 170 pixels, where a ready image has 170 x 242",
        "paper": "dark ink on light paper, where a ready image has bright ink on black",
        "grey": "its paper has the grey level 30, where a ready image has 0",
        "blank": "no ink",
    }


def test_ready_images_of_one_writer_are_refused(ready_root):
    for folder in ("b", "c"):
        shutil.rmtree(ready_root / folder)
    with pytest.raises(DatasetError, match="one folder for each of at least two writers"):
        prepare_text(ready_root, ready_root.parent / "text", "ready")


def test_the_threshold_of_the_blurred_crop_keeps_soft_edges(pages_root, tmp_path):
    sets = {}
    for threshold in ("crop", "blurred"):
        prepared = prepare_text(pages_root, tmp_path / threshold, "folder", TextOptions(threshold=threshold))
        sets[threshold] = np.asarray(TextDataset.open(prepared.path).images) > 0
    assert sets["crop"].shape == sets["blurred"].shape
    assert sets["blurred"].sum() > sets["crop"].sum()
