import numpy as np
from PIL import Image

from sigkd.images.reader import read_file
from sigkd.synthesis import page_image, signature_image, write_signature_dataset, write_text_pages


def test_signature_set_is_in_folder_layout(tmp_path):
    files = write_signature_dataset(tmp_path, writers=2, genuine=3, skilled=2, seed=1)
    found = sorted(str(path.relative_to(tmp_path).as_posix()) for path in tmp_path.rglob("*") if path.is_file())
    assert found == sorted(str(path.relative_to(tmp_path).as_posix()) for path in files)
    assert found[:5] == [
        "001/forged/01.png",
        "001/forged/02.png",
        "001/genuine/01.png",
        "001/genuine/02.png",
        "001/genuine/03.png",
    ]
    assert len(found) == 10
    stored = np.array(Image.open(tmp_path / "002/forged/02.png"))
    assert np.array_equal(stored, signature_image(1, 1, "skilled", seed=1))


def test_files_state_their_resolution(tmp_path):
    (signature,) = write_signature_dataset(tmp_path / "signatures", writers=1, genuine=1, skilled=0)
    (page,) = write_text_pages(tmp_path / "pages", writers=1, pages=1, lines=1)
    for path, dpi in ((signature, 400), (page, 300)):
        resolution = read_file(path).resolution
        assert resolution.known and resolution.source == "tag"
        assert abs(resolution.x - dpi) < 0.01 and abs(resolution.y - dpi) < 0.01


def test_larger_set_begins_with_the_smaller_one(tmp_path):
    small = write_signature_dataset(tmp_path / "a", writers=1, genuine=2, skilled=0)
    write_signature_dataset(tmp_path / "b", writers=2, genuine=3, skilled=1)
    for path in small:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_pages_by_writer(tmp_path):
    files = write_text_pages(tmp_path, writers=2, pages=2, seed=4, lines=1)
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [
        "001/page_1.png",
        "001/page_2.png",
        "002/page_1.png",
        "002/page_2.png",
    ]
    assert np.array_equal(np.array(Image.open(files[2])), page_image(1, 0, seed=4, lines=1))


def test_progress_counts_every_image(tmp_path):
    from contextlib import contextmanager

    counts: dict[str, list[int]] = {}

    class Recorder:
        @contextmanager
        def task(self, description, total=None, unit=""):
            counts[description] = [total, 0]

            class Task:
                def advance(self, amount=1):
                    counts[description][1] += amount

                def describe(self, text):
                    pass

            yield Task()

        def warn(self, message):
            pass

        def info(self, message):
            pass

    write_signature_dataset(tmp_path, writers=2, genuine=1, skilled=1, progress=Recorder())
    write_text_pages(tmp_path, writers=1, pages=2, lines=0, progress=Recorder())
    assert counts == {"signing": [4, 4], "writing": [2, 2]}
