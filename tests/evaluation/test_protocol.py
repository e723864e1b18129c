"""The choice of references and tests, and its file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sigkd.errors import InputError, UsageError
from sigkd.evaluation import manifest
from sigkd.evaluation.evaluate import plan_splits
from sigkd.evaluation.protocol import Protocol, choose_split, default_protocol, pick_writers, select_writers

from .conftest import made_up

Y = np.repeat(np.arange(5), 12)
FORGED = np.tile([0] * 8 + [1] * 4, 5)
PROTOCOL = Protocol(genuine_test=3, skilled_test=2)


def split(nref=4, number=0, seed=1, writers=range(5), protocol=PROTOCOL):
    return choose_split(Y, FORGED, list(writers), nref, number, seed, protocol)


def test_references_and_tests_are_disjoint_and_the_writers_own():
    for number in range(4):
        for own in split(number=number).writers:
            assert len(own.references) == 4 and len(own.genuine) == 3 and len(own.skilled) == 2
            assert not np.intersect1d(own.references, own.genuine).size
            for rows, kind in ((own.references, 0), (own.genuine, 0), (own.skilled, 1)):
                assert (Y[rows] == own.writer).all() and (FORGED[rows] == kind).all()


def test_splits_depend_on_seed_and_number_only():
    again = [split(), split(writers=[1, 3]), split(number=1), split(seed=2)]
    np.testing.assert_array_equal(again[0].writers[3].references, again[1].writers[1].references)
    assert not np.array_equal(again[0].writers[3].references, again[2].writers[3].references)
    assert not np.array_equal(again[0].writers[3].references, again[3].writers[3].references)


def test_more_references_contain_fewer_and_the_tests_stay():
    for few, many in zip(split(nref=2).writers, split(nref=5).writers, strict=True):
        np.testing.assert_array_equal(few.references, many.references[:2])
        np.testing.assert_array_equal(few.genuine, many.genuine)
        np.testing.assert_array_equal(few.skilled, many.skilled)
    assert [len(own.genuine) for own in split(nref=7).writers] == [1] * 5


def test_every_signature_becomes_a_reference_sometimes():
    seen = np.concatenate([split(number=n).writers[0].references for n in range(60)])
    assert set(seen) == set(range(8)) and np.bincount(seen).min() > 15


def test_table_3():
    for name, counts in (("gpds300", (10, 10)), ("mcyt75", (5, 15)), ("cedar", (10, 10))):
        protocol = default_protocol(name)
        assert (protocol.genuine_test, protocol.skilled_test) == counts
    stated = {"references": 3, "test_genuine": 7, "test_skilled": 6}
    assert default_protocol("other", stated=stated).genuine_test == 7
    assert default_protocol("cedar", stated=stated).genuine_test == 10
    assert default_protocol("cedar", "paper", None, genuine_test=4, skilled_test=None).skilled_test == 10


def test_short_writers_are_named():
    y, forged = Y.copy(), FORGED.copy()
    forged[:3] = 1
    with pytest.raises(InputError, match=r"1 of 5 writers have fewer: anna \(5\).*`skip_short_writers=True`"):
        select_writers(y, forged, [3, 5], PROTOCOL, names=["anna", "b", "c", "d", "e"])
    found = select_writers(y, forged, [3, 5], PROTOCOL, skip_short=True, names=["anna", "b", "c", "d", "e"])
    assert (found.tested, found.short, found.without_forgeries) == ((1, 2, 3, 4), (0,), ())
    assert found.in_words == "1 writers with too few genuine signatures are left out: anna (5)"


def test_missing_classes_are_named():
    genuine_only = np.zeros_like(FORGED)
    with pytest.raises(InputError, match="`forgeries='random'`"):
        select_writers(Y, genuine_only, [3], PROTOCOL)
    assert select_writers(Y, genuine_only, [3], Protocol(forgeries="random")).tested == (0, 1, 2, 3, 4)
    with pytest.raises(InputError, match="no simple forgeries"):
        select_writers(Y, FORGED, [3], Protocol(simple_forgeries=True))
    some = np.where(Y == 2, 0, FORGED)
    with pytest.raises(InputError, match="1 writers have no skilled forgeries: 2"):
        select_writers(Y, some, [3], PROTOCOL)
    with pytest.raises(InputError, match="y = -1"):
        select_writers(np.where(Y == 1, -1, Y), FORGED, [3], PROTOCOL)
    with pytest.raises(InputError, match="yforg holds"):
        select_writers(Y, FORGED * 4, [3], PROTOCOL)
    with pytest.raises(InputError, match="needs at least 2"):
        select_writers(Y, FORGED, [3], PROTOCOL, writers="0:1")
    with pytest.raises(InputError, match="'dev-threshold' needs at least 4"):
        select_writers(Y, FORGED, [3], Protocol("dev-threshold"), writers="0:3")


NAMES = ["anna", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [0, 1, 2, 3, 4]),
        ("1:3", [1, 2]),
        (":3", [0, 1, 2]),
        ("4:", [4]),
        ("-2:", [3, 4]),
        ("1:99", [1, 2, 3, 4]),
        ("d, anna", [0, 3]),
        ("c", [2]),
    ],
)
def test_writers_are_positions_or_names(text, expected):
    assert pick_writers(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9", "no writer '9' among anna ... e"),
        ("ana", "Did you mean 'anna'"),
        ("b,,c", "no writer ''"),
        ("5:2", "nobody in this range of 5 writers"),
        ("7:", "nobody"),
        ("a:b", "two positions"),
        ("1:2:3", "two positions"),
    ],
)
def test_writers_that_there_are_not(text, message):
    with pytest.raises(UsageError, match=message):
        pick_writers(text, NAMES)


def test_writers_without_forgeries_are_random_forgeries_only():
    lacking = np.where(Y == 2, 0, FORGED)
    found = select_writers(Y, lacking, [3], PROTOCOL, skip_short=True, names=NAMES)
    assert (found.tested, found.without_forgeries, found.short) == ((0, 1, 3, 4), (2,), ())
    assert found.in_words == "1 writers without forgeries serve as random forgeries only: c"
    chosen, _ = plan_splits(Y, lacking, [3], 2, 7, PROTOCOL, skip_short=True)
    assert [own.writer for own in chosen[0].bystanders] == [2] and len(chosen[0].bystanders[0].genuine) == 3
    elsewhere, _ = plan_splits(Y, lacking, [3], 2, 7, PROTOCOL, skip_short=True, writers="0,1,3")
    assert elsewhere[0].bystanders == ()


def test_bystanders_are_kept_in_the_manifest(tmp_path):
    lacking = np.where(Y == 2, 0, FORGED)
    chosen, _ = plan_splits(Y, lacking, [3], 2, 7, PROTOCOL, skip_short=True)
    manifest.save_splits(tmp_path / "s.json", chosen, Y, lacking)
    again = manifest.load_splits(tmp_path / "s.json", [3], 2, Y, lacking)
    assert manifest.split_hash(again) == manifest.split_hash(chosen)
    np.testing.assert_array_equal(again[1].bystanders[0].genuine, chosen[1].bystanders[0].genuine)


def test_each_protocol_has_its_own_classifier():
    assert [Protocol(name).classifier for name in ("paper", "dev-threshold", "writer-independent")] == [
        "wd",
        "wd",
        "dichotomy",
    ]
    assert Protocol("writer-independent", classifier="wi").classifier == "wi"
    with pytest.raises(UsageError, match="unknown classifier 'wdd'"):
        Protocol(classifier="wdd")
    with pytest.raises(UsageError, match="unknown negatives 'others'"):
        Protocol(negatives="others")
    with pytest.raises(UsageError, match="one reference is no pair"):
        plan_splits(Y, FORGED, [1, 3], 1, 0, Protocol(classifier="dichotomy"))
    plan_splits(Y, FORGED, [1, 3], 1, 0, Protocol("writer-independent", 3, 2))


def test_unknown_names_get_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'dev-threshold'"):
        Protocol("dev-treshold")
    with pytest.raises(UsageError, match="Known: skilled, random, both"):
        Protocol(forgeries="all")


def saved(tmp_path, filenames=()):
    chosen, _ = plan_splits(Y, FORGED, [2, 4], 3, 7, PROTOCOL)
    path = tmp_path / "splits.json"
    manifest.save_splits(path, chosen, Y, FORGED, filenames)
    return path, chosen


def test_manifest_round_trip(tmp_path, fits_schema):
    path, chosen = saved(tmp_path)
    fits_schema(path)
    again = manifest.load_splits(path, [2, 4], 3, Y, FORGED)
    assert manifest.split_hash(again) == manifest.split_hash(chosen)
    assert json.loads(path.read_text())["rows"] == 60


def test_manifest_finds_rows_by_name(tmp_path):
    names = [f"{i}.png" for i in range(60)]
    path, chosen = saved(tmp_path, names)
    order = np.random.default_rng(0).permutation(60)
    again = manifest.load_splits(path, [4], 2, Y[order], FORGED[order], [names[i] for i in order])
    own, was = again[0].writers[2], chosen[3].writers[2]
    assert [order[row] for row in own.references] == was.references.tolist()


def test_bad_manifests(tmp_path):
    path, _ = saved(tmp_path)
    with pytest.raises(InputError, match="has no split 0 with 3 references"):
        manifest.load_splits(path, [3], 3, Y, FORGED)
    with pytest.raises(InputError, match="belong to other data"):
        manifest.load_splits(path, [2], 3, Y[:-1], FORGED[:-1])
    good = json.loads(path.read_text())
    for change, message in (
        (lambda d: d.update(version=9), "of version 9, this sigkd reads 1"),
        (lambda d: d["splits"][0]["writers"][0].update(references=[0, 99999]), "damaged"),
        (
            lambda d: d["splits"][0]["writers"][0].update(genuine=d["splits"][0]["writers"][0]["references"]),
            "also a test",
        ),
        (lambda d: d["splits"][0]["writers"][0].update(skilled=[0]), "another writer or kind"),
    ):
        document = json.loads(json.dumps(good))
        change(document)
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=message):
            manifest.load_splits(path, [2], 3, Y, FORGED)
    path.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        manifest.load_splits(path, [2], 3, Y, FORGED)


def test_made_up_features_are_what_the_other_tests_expect():
    features, y, forged = made_up()
    assert features.shape == (140, 32) and np.bincount(y).tolist() == [14] * 10 and forged.sum() == 50
