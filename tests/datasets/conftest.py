"""Made-up files, all empty, in the layout of every known dataset."""

from pathlib import Path
from types import SimpleNamespace

import pytest


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def cedar(root, writers=range(1, 56)):
    for writer in writers:
        touch(root, *(f"full_org/original_{writer}_{n}.png" for n in range(1, 25)))
        touch(root, *(f"full_forg/forgeries_{writer}_{n}.png" for n in range(1, 25)))


def mcyt75(root, writers=range(0, 225, 3)):
    for writer in writers:
        touch(
            root,
            *(f"{writer:04d}/{writer:04d}{'Vv'[writer % 2]}{n:02d}.{'BMP' if n % 2 else 'bmp'}" for n in range(15)),
        )
        touch(root, *(f"{writer:04d}/{writer:04d}f{n:02d}.bmp" for n in range(15)))


def gpds300(root, writers=(*range(1, 250), 260, 280, 290, 300)):
    for writer in writers:
        suffix = "png" if writer % 2 else "jpg"
        touch(root, *(f"{writer:03d}/c-{writer:03d}-{n:02d}.{suffix}" for n in range(1, 25)))
        touch(root, *(f"{writer:03d}/cf-{writer:03d}-{n:02d}.{suffix}" for n in range(1, 31)))


def brazilian(root, writers=range(1, 63)):
    for writer in writers:
        touch(root, *(f"a{writer:03d}_{n:02d}.jpg" for n in range(1, 61)))


def bhsig260(root, bengali=range(1, 101), hindi=range(1, 161)):
    for letter, folder, writers in (("B", "Bengali", bengali), ("H", "Hindi", hindi)):
        for writer in writers:
            home = f"{folder}/{writer:03d}/{letter}-S-{writer}"
            touch(root, *(f"{home}-G-{n:02d}.tif" for n in range(1, 25)))
            touch(root, *(f"{home}-F-{n:02d}.tif" for n in range(1, 31)))


def sigcomp2011(root, writers=(1, 2, 5)):
    for writer in writers:
        touch(root, *(f"{writer:03d}/{writer:03d}_{n:02d}.PNG" for n in range(1, 13)))
        touch(root, *(f"{writer:03d}_forg/0119{writer:03d}_{n:02d}.png" for n in range(1, 9)))


def utsig(root, writers=range(1, 116)):
    for writer in writers:
        touch(root, *(f"Genuine/{writer}/{n}.tif" for n in range(1, 28)))
        touch(root, *(f"Forgery/Skilled/{writer}/{n}.tif" for n in range(1, 7)))
        touch(root, *(f"Forgery/Simple/{writer}/{n}.tif" for n in range(1, 4)))
        touch(root, *(f"Forgery/Opposite Hand/{writer}/{n}.tif" for n in range(1, 4)))


@pytest.fixture(scope="session")
def made_up():
    """The functions above by name; each writes its dataset under the root that it is given."""
    functions = (touch, cedar, mcyt75, gpds300, brazilian, bhsig260, sigcomp2011, utsig)
    return SimpleNamespace(**{function.__name__: function for function in functions})
