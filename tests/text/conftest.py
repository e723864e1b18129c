"""A small collection of drawn pages."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper modules beside this file

from written_pages import write_page


@pytest.fixture(scope="session")
def pages_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder layout: writer a with three pages, b with one of five lines, c with one of one line. Read only."""
    root = tmp_path_factory.mktemp("pages")
    for writer, page, lines in (("a", 1, 3), ("a", 2, 3), ("a", 3, 2), ("b", 1, 5), ("c", 1, 1)):
        (root / writer).mkdir(exist_ok=True)
        image = write_page(lines, seed=ord(writer) * 10 + page, width=1000, binary=page == 2)
        cv2.imwrite(str(root / writer / f"{page}.png"), image)
    return root
