"""Which files of a folder are found, and what is said of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sigkd.errors import DatasetError, InputError
from sigkd.images.formats import images_below, named_images, search
from sigkd.progress import SilentProgress


class Told(SilentProgress):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, message: str) -> None:
        self.lines.append(message)


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def _names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in images_below(root)]


def test_images_are_found_in_natural_order(tmp_path: Path) -> None:
    _touch(tmp_path, "b/s10.png", "b/s2.PNG", "a.tif", "b/deep/x.heic", ".git/a.png", "b/._a.png", "__MACOSX/a.png")
    assert _names(tmp_path) == ["a.tif", "b/deep/x.heic", "b/s2.PNG", "b/s10.png"]
    assert search(tmp_path).others == {}
    with pytest.raises(DatasetError, match="not a directory"):
        search(tmp_path / "a.tif")


def test_other_files_are_named(tmp_path: Path) -> None:
    _touch(tmp_path, "a.png", "x/b.odt", "x/c.doc", "Thumbs.db", "desktop.ini", *(f"y/{n}.txt" for n in range(1, 11)))
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe.png")
    found = search(tmp_path)
    assert found.others["a link to nothing"] == ["gone.png"]
    assert found.others["neither a file nor a folder"] == ["pipe.png"]
    assert found.others["no image by its suffix"][:3] == ["x/b.odt", "x/c.doc", "y/1.txt"]
    told = Told()
    assert named_images([tmp_path], told) == [tmp_path / "a.png"]
    assert "x/b.odt, x/c.doc, y/1.txt" in "".join(told.lines) and "and 4 more" in "".join(told.lines)
    with pytest.raises(InputError, match="no images in this folder"):
        named_images([tmp_path / "y"], told)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "a.png", "secret/b.png")
    listed = Path.iterdir

    def refuse(path: Path):
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert search(tmp_path).others == {"a folder that cannot be listed (Permission denied)": ["secret"]}


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    _touch(tmp_path, "elsewhere/1.png", "elsewhere/deep/2.png", "root/0.png")
    (tmp_path / "root/anna").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/bert").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/3.png").symlink_to(tmp_path / "elsewhere/1.png")
    assert set(_names(tmp_path / "root")) == {
        "0.png",
        "3.png",
        "anna/1.png",
        "anna/deep/2.png",
        "bert/1.png",
        "bert/deep/2.png",
    }


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    _touch(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "a/self").symlink_to(tmp_path / "a")
    (tmp_path / "a/over").symlink_to(tmp_path / "b")
    (tmp_path / "b/over").symlink_to(tmp_path / "a")
    (tmp_path / "b/loop").symlink_to(tmp_path / "b/loop")
    found = search(tmp_path)
    assert _names(tmp_path) == ["a/1.png", "a/over/2.png", "b/2.png", "b/over/1.png"]
    circles = found.others["a link to a folder that it lies in"]
    assert circles == ["a/over/over", "a/self", "a/up", "b/over/over", "b/over/self", "b/over/up"]
    assert found.others["a link to nothing"] == ["a/over/loop", "b/loop"]


def test_pdf_files_are_found_where_documents_are_asked_for(tmp_path):
    _touch(tmp_path, "a.png", "x/README.PDF")
    assert [path.name for path in search(tmp_path).images] == ["a.png"]
    assert search(tmp_path).others == {"a PDF: a document, not a signature": ["x/README.PDF"]}
    assert [path.name for path in search(tmp_path, documents=True).images] == ["a.png", "README.PDF"]
    assert [path.name for path in named_images([tmp_path], documents=True)] == ["a.png", "README.PDF"]
    with pytest.raises(InputError, match=r"no images in this folder \(\.avif, (?!.*\.pdf)"):
        named_images([tmp_path / "x"])
