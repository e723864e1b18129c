"""The journal of an unfinished text set."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from sigkd.text.page import INDEX_DTYPE
from sigkd.text.store import PartialStore

RUN = {"options": {"a": 1}}


def page(crops):
    return SimpleNamespace(images=np.full((crops, 170, 242), 7, np.uint8), index=np.zeros(crops, INDEX_DTYPE))


@pytest.mark.parametrize("crops", [-1, 0, 2, 2**62, 2**70])
def test_a_wrong_number_of_crops_is_where_it_goes_on(tmp_path, crops):
    """Whatever the number: nothing of that size is read or made."""
    store = PartialStore(tmp_path / "text", RUN)
    for name, count in (("empty", 0), ("first", 3), ("second", 1)):
        store.append({"name": name}, page(count))
    store.close()
    journal = tmp_path / "text.partial" / "journal.jsonl"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([lines[0], json.dumps(json.loads(lines[1]) | {"crops": crops}), lines[2], ""]))
    again = PartialStore(tmp_path / "text", RUN)
    assert [entry["name"] for entry in again.finished] == ["empty"] and again.crops == 0
    again.close()
