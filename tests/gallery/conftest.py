"""References to enrol, and a gallery to fill."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sigkd.errors import GalleryError
from sigkd.gallery import Gallery, StoredReference
from sigkd.gallery.maintenance import check
from sigkd.images.ink_measures import InkMeasures
from sigkd.models.binding import Binding

BINDING = Binding("ab" * 32, "1", (952, 1360), "tiny")
INK = InkMeasures(100, 300, 4.0, 120.0, 0, False, 200)


def stored(seed: int, count: int = 3, length: int = 64, image: bytes | None = None) -> list[StoredReference]:
    """References of one made-up writer: features around a centre of the writer's own."""
    generator = np.random.default_rng(seed)
    centre = generator.random(length)
    rows = np.maximum(centre + 0.1 * generator.normal(size=(count, length)), 0).astype(np.float32)
    return [
        StoredReference(row, f"{seed}-{place}.png", f"{seed:08x}{place:056x}", INK, image)
        for place, row in enumerate(rows)
    ]


def damage_is_found(path: Path, change: str, passphrase: str | None = None) -> None:
    """Change a gallery's file by SQL, behind the program's back, and see that it is refused or that a check tells."""
    connection = sqlite3.connect(path)
    connection.executescript(change)
    assert connection.total_changes
    connection.commit()
    connection.close()
    try:
        with Gallery(path, passphrase=passphrase) as gallery:
            assert check(gallery).problems
    except GalleryError as error:
        assert "restore a backup" in str(error)


@pytest.fixture
def gallery(tmp_path: Path):
    with Gallery.create(tmp_path / "gallery.sigkd", actor="tester") as made:
        yield made
