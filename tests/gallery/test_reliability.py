"""Killed processes, two writers, full disks, read-only, newer, foreign and damaged files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sigkd.errors import GalleryError, LockedError
from sigkd.gallery import Gallery
from sigkd.gallery.maintenance import check
from sigkd.gallery.schema import APPLICATION_ID, SCHEMA_VERSION
from tests.gallery.conftest import BINDING, stored

REPOSITORY = Path(__file__).parents[2]

_CRASH = """
import os, random, signal, sys, time
from pathlib import Path
from tests.gallery.conftest import BINDING, stored
from sigkd.gallery import Gallery

path, rounds = Path(sys.argv[1]), int(sys.argv[2])
references = stored(1, 5, 2048)
random.seed(1)
Gallery.create(path).close()
acknowledged, killed_within = [], 0
for number in range(rounds):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with Gallery(path) as gallery:
                for count in range(1000):
                    name = f"{number}-{count}"
                    gallery.enroll(name, references, BINDING)
                    os.write(writing, (name + "\\n").encode())
        finally:
            os._exit(9)
    os.close(writing)
    told = b""
    wanted = random.choice([0, 0, 1, 2, 3])
    while told.count(b"\\n") < wanted:
        told += os.read(reading, 65536)
    time.sleep(random.uniform(0.0, 0.012))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while chunk := os.read(reading, 65536):
        told += chunk
    os.close(reading)
    names = told.decode().split()
    killed_within += bool(names)
    acknowledged += names
with Gallery(path) as gallery:
    there = {writer.name for writer in gallery.writers()}
    check = gallery.connection.execute("PRAGMA integrity_check").fetchall()
    lost = set(acknowledged) - there
    whole = all(writer.references == 5 for writer in gallery.writers())
    from sigkd.gallery.maintenance import check as examine
    print(len(acknowledged), len(lost), check == [("ok",)], whole, examine(gallery).problems, killed_within)
"""


def _python(*args: object, **options) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *map(str, args)], capture_output=True, text=True, env=environment, timeout=120, **options
    )


def test_killed_100_times() -> None:
    memory = Path("/dev/shm")  # a killed process loses nothing that it wrote, on whatever file system; this one is fast
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        result = _python("-c", _CRASH, Path(folder) / "g.sigkd", 100)
    assert result.returncode == 0, result.stderr
    acknowledged, lost, sound, whole, problems, within = result.stdout.split()
    assert int(acknowledged) > 100, "the children were killed before they enrolled anybody"
    assert (lost, sound, whole, problems) == ("0", "True", "True", "[]")
    assert int(within) > 50


_ENROLL = """
import sys
from pathlib import Path
from tests.gallery.conftest import BINDING, stored
from sigkd.gallery import Gallery
with Gallery.create(Path(sys.argv[1])) as gallery:
    for number in range(40):
        gallery.enroll(f"{sys.argv[2]}-{number}", stored(number), BINDING)
"""


def test_two_processes_create_and_enrol_at_once(tmp_path: Path) -> None:
    path = tmp_path / "g.sigkd"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", _ENROLL, str(path)]
    both = [subprocess.Popen([*command, name], env=environment, stderr=subprocess.PIPE) for name in "ab"]
    assert [(one.communicate(timeout=60)[1], one.returncode) for one in both] == [(b"", 0), (b"", 0)]
    with Gallery(path) as gallery:
        assert len(gallery) == 80
        health = check(gallery)
    assert not health.problems and health.log_entries == 81
    assert sorted(file.name for file in tmp_path.iterdir()) == ["g.sigkd"]


_FULL = """
import resource, signal, sys
from pathlib import Path
from tests.gallery.conftest import BINDING, stored
from sigkd.errors import SigkdError
from sigkd.gallery import Gallery
with Gallery(Path(sys.argv[1])) as gallery:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    done = 0
    try:
        for number in range(1000):
            gallery.enroll(f"w{number}", stored(number, 5, 2048), BINDING)
            done += 1
    except SigkdError as error:
        print(done)
        print(error)
"""


def test_no_room_for_the_file_to_grow(tmp_path: Path) -> None:
    path = tmp_path / "g.sigkd"
    Gallery.create(path).close()
    result = _python("-c", _FULL, path)
    done, message = result.stdout.splitlines()
    assert "nothing of this" in message and "kept" in message, result.stdout
    with Gallery(path) as gallery:
        assert len(gallery) == int(done)
        assert not check(gallery).problems
        gallery.enroll("afterwards", stored(1, 5, 2048), BINDING)


def test_disk_full(gallery: Gallery) -> None:
    gallery.enroll("Ada", stored(1, 3, 2048), BINDING)
    pages = gallery.connection.execute("PRAGMA page_count").fetchone()[0]
    gallery.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(GalleryError, match="disk is full; nothing of this change was kept"):
        gallery.enroll("Bob", stored(2, 20, 2048), BINDING)
    gallery.connection.execute("PRAGMA max_page_count = 1000000")
    assert "Bob" not in gallery
    gallery.enroll("Bob", stored(2, 3, 2048), BINDING)


def test_a_lock_that_stays_is_named(gallery: Gallery) -> None:
    gallery.connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(gallery.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedError, match="another process has been writing"):
        gallery.enroll("Ada", stored(1), BINDING)
    other.execute("ROLLBACK")
    other.close()
    gallery.enroll("Ada", stored(1), BINDING)


def test_read_only_file(tmp_path: Path) -> None:
    path = tmp_path / "g.sigkd"
    with Gallery.create(path) as gallery:
        gallery.enroll("Ada", stored(1), BINDING)
    path.chmod(0o400)
    with Gallery(path) as gallery:
        assert gallery.read_only
        assert len(gallery.references("Ada")) == 3
        with pytest.raises(GalleryError, match="is read-only; nothing was changed"):
            gallery.enroll("Bob", stored(2), BINDING)
        assert not check(gallery).problems


def test_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "g.sigkd"
    Gallery.create(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(GalleryError, match=r"written by a newer sigkd .* upgrade"):
        Gallery(path)


def test_absent_foreign_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="no such gallery; 'sigkd enroll"):
        Gallery(tmp_path / "absent")
    with pytest.raises(GalleryError, match="is a folder"):
        Gallery(tmp_path)
    text = tmp_path / "text"
    text.write_text("no database")
    with pytest.raises(GalleryError, match="not a gallery"):
        Gallery(text)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    with pytest.raises(GalleryError, match="not a sigkd gallery"):
        Gallery(other)
    assert APPLICATION_ID != 0


@pytest.mark.parametrize("keep", [20, 100, 4096, 9000])
def test_truncated_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "g.sigkd"
    with Gallery.create(path) as gallery:
        for number in range(5):
            gallery.enroll(f"w{number}", stored(number, 5, 2048), BINDING)
    path.write_bytes(path.read_bytes()[:keep])
    with (
        pytest.raises(GalleryError, match=r"damaged or not a gallery|restore a backup|not a sigkd gallery"),
        Gallery(path) as gallery,
    ):
        for number in range(5):
            gallery.references(f"w{number}")


def test_check_finds_flipped_bytes(tmp_path: Path) -> None:
    path = tmp_path / "g.sigkd"
    with Gallery.create(path) as gallery:
        for number in range(20):
            gallery.enroll(f"w{number}", stored(number, 5, 2048), BINDING)
    content = bytearray(path.read_bytes())
    content[8 * 4096 : 9 * 4096] = os.urandom(4096)
    path.write_bytes(content)
    try:
        with Gallery(path) as gallery:
            assert check(gallery).problems
    except GalleryError as error:
        assert "restore a backup" in str(error)
