"""A tiny network in the place of a real one, and made-up scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


def _tiny_network():
    import torch
    from torch import nn

    from sigkd.models.registry import FeatureNetwork, Taps

    class Tiny(FeatureNetwork):
        """64 random projections of the image's coarse shape: fast, and enough to tell made-up writers apart."""

        architecture = "tiny"

        def __init__(self) -> None:
            super().__init__()
            self.head = None
            self.pool = nn.AdaptiveAvgPool2d((8, 12))
            self.project = nn.Linear(96, 64)

        def forward_taps(self, images):
            return Taps((), torch.relu(self.project(10 * self.pool(images).flatten(1))), None)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Tiny()


@pytest.fixture(scope="session")
def tiny_model():
    """A model of 6,000 weights."""
    from sigkd.models.io import LoadedModel

    return LoadedModel(_tiny_network().eval(), "tiny", "cd" * 32, "1", (952, 1360))


@pytest.fixture(scope="session")
def tiny_cohort(tiny_model):
    from sigkd.classifiers.cohort import build_cohort

    return build_cohort(["made-up"], tiny_model, data=Path(), count=24, seed=7)


@pytest.fixture
def scans() -> dict[str, list[np.ndarray]]:
    """Grey scans of two made-up writers."""
    return SCANS()


@pytest.fixture
def bank(tiny_model, tiny_cohort, scans, tmp_path: Path):
    """A verifier and the folder of its files: Ada, whose images are kept, and Bob, whose are not."""
    from sigkd import Choices, Verifier

    choices = Choices(model=tiny_model, cohort=tiny_cohort, device="cpu")
    with Verifier(choices, gallery=tmp_path / "g.sigkd") as verifier:
        for name, images in scans.items():
            (tmp_path / name).mkdir()
            files = [tmp_path / name / f"{number}.png" for number in range(len(images))]
            for file, image in zip(files, images, strict=True):
                write_scan(file, image, (300, 300))
            verifier.enroll(name, files[:3], keep_images=name == "Ada")
        yield verifier, tmp_path


def SCANS() -> dict[str, list[np.ndarray]]:  # noqa: N802
    from sigkd.synthesis import signature_image

    if not _scans:
        for writer, name in enumerate(("Ada", "Bob")):
            _scans[name] = [signature_image(writer, index) for index in range(6)]
    return _scans


_scans: dict[str, list[np.ndarray]] = {}


def write_scan(path, image, dpi=(400, 400), **how):
    """Write a scan with its resolution; None: without."""
    from PIL import Image

    Image.fromarray(image).save(path, **({"dpi": dpi} if dpi else {}), **how)
    return path


@pytest.fixture(scope="session")
def signatures(tmp_path_factory) -> list[Path]:
    """Five scans of one made-up writer at 400 dpi."""
    from sigkd.synthesis import signature_image

    folder = tmp_path_factory.mktemp("scans")
    return [write_scan(folder / f"{index}.png", signature_image(3, index)) for index in range(5)]
