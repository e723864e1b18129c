"""Several development sets as one, and disturbed sets of their files."""

import numpy as np
import pytest

from sigkd.datasets.layouts import scan_dataset
from sigkd.datasets.prepare import prepare_signatures
from sigkd.errors import UsageError
from sigkd.evaluation.calibrate import development_sets
from sigkd.evaluation.disturb_files import DisturbedFiles
from sigkd.images.placing import Placing
from sigkd.models.io import load_model
from sigkd.synthesis import write_signature_dataset
from sigkd.synthesis.disturbances import parse_chain

VIEWS = ("60.5mm", "38.1mm", "fitted")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Sets of one and of two writers, the second also with half of its ink."""
    root = tmp_path_factory.mktemp("data")
    (root / "datasets").mkdir()
    for name, seed, writers in (("one", 3, 1), ("two", 4, 2)):
        write_signature_dataset(root / name, writers=writers, genuine=2, skilled=1, seed=seed)
        found = scan_dataset("folder", root / name)
        placing = Placing(views=VIEWS, dpi=400.0)
        prepare_signatures(found, name, placing)[0].save(root / "datasets" / f"{name}.npz")
    pale, facts = prepare_signatures(found, "pale", placing, disturb=DisturbedFiles(parse_chain("ink=0.5")))
    assert facts.disturbance == "ink"
    pale.save(root / "datasets" / "pale.npz")
    return root


def test_writers_of_several_sets_are_different_people(prepared):
    joined = development_sets(["one", "two[1:2]"], load_model(), data=prepared)
    assert joined.description["writers"] == ["one 001", "two[1:2] 002"]
    assert len(np.unique(joined.y)) == 2
    assert len(joined.measures) == len(joined.features) == 6
    assert (joined.description["genuine"], joined.description["skilled"]) == (4, 2)


def test_disturbed_scans_belong_to_the_writers_of_their_files(prepared):
    joined = development_sets(["one", "two"], load_model(), data=prepared, disturbed=["pale"])
    (pale,) = joined.disturbed
    assert pale.y.tolist() == [1, 1, 2, 2]
    usual = [np.mean([one.density for one, y in zip(joined.measures, joined.y, strict=True) if y == w]) for w in (1, 2)]
    assert np.mean([one.density for one in pale.measures]) < 0.7 * np.mean(usual)
    assert len(joined.part(np.flatnonzero(joined.y == 2)).disturbed[0].measures) == 2


def test_disturbed_scans_belong_to_all_parts_of_their_set(prepared):
    joined = development_sets(["two[0:1]", "one", "two[1:2]"], load_model(), data=prepared, disturbed=["pale"])
    assert [one.y.tolist() for one in joined.disturbed] == [[0, 0], [2, 2]]
    first, other, last = joined.description["sets"]
    assert first["scans"] == last["scans"] != other["scans"]
    assert [one.get("disturbed", []) for one in (first, other, last)] == [["pale"], [], ["pale"]]


def test_what_cannot_be_joined(prepared):
    with pytest.raises(UsageError, match=r"`writers` chooses from one dataset; of several, write NAME\[A:B\]"):
        development_sets(["one", "two"], load_model(), data=prepared, writers="0:1")
    with pytest.raises(UsageError, match=r"writer 002 is in two and in two\[1:2\], and would be two people"):
        development_sets(["two", "two[1:2]"], load_model(), data=prepared)
    with pytest.raises(UsageError, match="'pale' is not of the scans of one: it must be a disturbed version"):
        development_sets(["one"], load_model(), data=prepared, disturbed=["pale"])
