"""Archives of arrays: read whole, each with its checksum."""

import io
import struct
import zipfile

import numpy as np
import pytest

from sigkd.files import numpy_archive


def archive(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def repacked(path, change):
    """Write the archive again with a member's bytes changed, under good checksums."""
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, change(content))
    return path


def test_arrays_come_back_as_numpy_reads_them(tmp_path):
    arrays = {
        "numbers": np.arange(12.0).reshape(3, 4),
        "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "texts": np.array(["a", "李"]),
        "one": np.array("text"),
        "none": np.zeros((0, 5), np.uint8),
    }
    path = archive(tmp_path / "a.npz", **arrays)
    with numpy_archive(path) as found:
        assert found.files == list(arrays)
        for name, own in arrays.items():
            np.testing.assert_array_equal(found[name], own)
            assert found[name].dtype == own.dtype and found[name].shape == own.shape
        with pytest.raises(KeyError):
            found["absent"]


@pytest.mark.parametrize(
    ("old", "new"), [(b"(3, 4)", b"(3, 2)"), (b"(3, 4)", b"(9, 4)"), (b"(3, 4), ", b"(99999999, 99999999), ")]
)
def test_an_array_that_is_longer_than_it_says(tmp_path, old, new):
    """NumPy stops where the header says, and compares no checksum; or takes memory for what is not there."""
    path = archive(tmp_path / "a.npz", numbers=np.arange(12.0).reshape(3, 4))

    def change(content):
        changed = content.replace(old, new)
        return (
            changed[: changed.index(b"}") + 1] + content[content.index(b"}") + 1 :] if len(old) == len(new) else changed
        )

    repacked(path, change)
    with numpy_archive(path) as found, pytest.raises(ValueError, match=r"not as long as it says|array"):
        found["numbers"]


def test_pickles_are_refused(tmp_path):
    path = archive(tmp_path / "a.npz", objects=np.array([{}, 1], object))
    with numpy_archive(path) as found, pytest.raises(ValueError, match="pickled"):
        found["objects"]


def test_a_wrong_checksum_is_noticed(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, numbers=np.arange(1000.0))
    content = bytearray(path.read_bytes())
    content[3000] ^= 1
    path.write_bytes(content)
    with numpy_archive(path) as found, pytest.raises(zipfile.BadZipFile):
        found["numbers"]


def test_a_lost_entry_of_the_directory(tmp_path):
    """One wrong bit, and zipfile takes the entries after it for a comment."""
    path = archive(tmp_path / "a.npz", features=np.ones(3), y=np.ones(3))
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    (entry,) = struct.unpack_from("<H", content, place + 32)
    assert entry == 0
    content[place + 33] = 0x80
    path.write_bytes(content)
    with zipfile.ZipFile(io.BytesIO(content)) as fooled:
        assert fooled.namelist() == ["features.npy"]
    with pytest.raises(ValueError, match="parts of it are missing"), numpy_archive(path):
        pass


def test_another_name_in_the_directory(tmp_path):
    """A part that is not opened would be lost without a word."""
    path = archive(tmp_path / "a.npz", features=np.ones(3), metadata=np.array("x"))
    content = path.read_bytes()
    place = content.rindex(b"metadata.npy")
    path.write_bytes(content[:place] + b"metadata.jpy" + content[place + 12 :])
    with pytest.raises(zipfile.BadZipFile), numpy_archive(path):
        pass
