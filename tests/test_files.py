"""Files are whole or absent, keep their place and their permissions, and errors name them."""

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import DatasetError, InputError, UsageError
from sigkd.files import atomic_path, csv_cell, csv_text, json_text, parsing, write_json, write_text


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for next to nothing."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_whole_or_absent(tmp_path):
    target = tmp_path / "new" / "folder" / "a.json"
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    write_json(target, {"a": "é"})
    assert target.read_text(encoding="utf-8") == '{\n  "a": "é"\n}\n'
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        assert temporary.suffix == ".json"
        temporary.write_text("half")
        raise RuntimeError
    assert json.loads(target.read_text()) == {"a": "é"}
    assert [path.name for path in target.parent.iterdir()] == ["a.json"]


def test_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "")
        assert mode(tmp_path / "a") == 0o640
        (tmp_path / "a").chmod(0o600)
        write_text(tmp_path / "a", "again")
        assert mode(tmp_path / "a") == 0o600
        with atomic_path(tmp_path / "b", private=True) as temporary:
            assert mode(temporary) == 0o600
        assert mode(tmp_path / "b") == 0o600
        with atomic_path(tmp_path / "c") as temporary:  # a writer that renames a file of its own
            other = tmp_path / "other"
            other.touch(0o600)
            other.replace(temporary)
        assert mode(tmp_path / "c") == 0o640
    finally:
        os.umask(before)


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "real")
    write_text(tmp_path / "link", "one")
    write_text(tmp_path / "link", "two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "real").read_text() == "two"
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["real"]


def test_devices_and_pipes_are_written_to(tmp_path):
    write_text(Path("/dev/null"), "nothing")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_text(tmp_path / "pipe", "words")
    reader.join(10)
    assert read == ["words"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        write_text(tmp_path, "")


def test_what_a_killed_process_left_is_removed(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sigkd.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n    print(flush=True)\n    time.sleep(60)\n"
    )
    target = tmp_path / "a.npz"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, env=environment)
    process.stdout.readline()
    (left,) = tmp_path.iterdir()
    old = time.time() - 3600
    os.utime(left, (old, old))
    write_text(target, "of another process")  # while the first still works
    assert left.exists()
    process.kill()
    process.wait()
    (tmp_path / ".a.notes.npz").touch()
    os.utime(tmp_path / ".a.notes.npz", (old, old))
    write_text(target, "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.notes.npz", "a.npz"]


def test_a_young_file_is_left_alone(tmp_path):
    young = tmp_path / ".a.01234567.txt"
    young.touch()
    write_text(tmp_path / "a.txt", "")
    assert young.exists()
    with young.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_long_names(tmp_path):
    write_text(tmp_path / ("n" * 250 + ".json"), "")
    with pytest.raises(OSError, match="n" * 300) as caught:
        write_text(tmp_path / ("n" * 300), "")
    assert caught.value.errno == errno.ENAMETOOLONG


def test_errors_name_the_target(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file/a\.txt"):
        write_text(tmp_path / "file" / "a.txt", "")
    with pytest.raises(FileNotFoundError, match="input"), atomic_path(tmp_path / "b"):
        (tmp_path / "input").open()


def test_a_full_disk(small_disk):
    target = small_disk / "a.npz"
    for write in (
        lambda path: path.write_bytes(bytes(1 << 20)),
        lambda path: np.save(path.open("wb"), np.zeros(1 << 20, np.uint8)),
        lambda path: (path.write_bytes(bytes(1 << 16)), exec("raise RuntimeError('of a library')")),
    ):
        with pytest.raises(OSError, match="No space left on device") as caught, atomic_path(target) as temporary:
            write(temporary)
        assert caught.value.filename == str(target)
        assert list(small_disk.iterdir()) == []


def test_names_that_are_no_text(tmp_path):
    write_text(tmp_path / "a", "\udcff")
    assert (tmp_path / "a").read_text() == "\\udcff"
    assert json.loads(json_text(["\udcff", "é"])) == ["\udcff", "é"]


def test_parsing_makes_one_line_of_anything():
    for reason in (ValueError("a\nb"), RecursionError(), MemoryError(), KeyError("x"), EOFError("end")):
        words = r"^f\.npz: not a readable store \([^\n]+\)$"
        with pytest.raises(DatasetError, match=words), parsing("f.npz", "store", DatasetError):
            raise reason
    with pytest.raises(InputError, match=r"^f\.npz: No such file"), parsing("f.npz", "store"):
        Path("/absent").read_bytes()
    with pytest.raises(UsageError, match=r"^f\.npz: no$"), parsing("f.npz", "store"):
        raise UsageError("no")
    with pytest.raises(UsageError, match=r"^f\.npz has\.$"), parsing("f.npz", "store"):
        raise UsageError("f.npz has.")


@pytest.mark.parametrize("text", ["", "plain", "=1", "'=1", "+", "-1.png", "@x", "\t", "'", "''"])
def test_cells_come_back(text):
    cell = csv_cell(text)
    assert csv_text(cell) == text
    assert cell[:1] not in ("=", "+", "-", "@", "\t")
