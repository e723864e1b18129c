"""Every classifier under every protocol against both kinds of negatives: who is scored, against whom, and how."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.classifiers import AUTO, CLASSIFIERS, COHORT, WRITERS
from sigkd.classifiers.base import Classifier, choose_classifier
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import UsageError
from sigkd.evaluation import scoring
from sigkd.evaluation.evaluate import plan_splits
from sigkd.evaluation.protocol import PROTOCOLS, Protocol
from sigkd.evaluation.scoring import score_split

from .conftest import made_up

FEATURES, Y, FORGED = made_up()
STRANGERS, OWNERS, _ = made_up(writers=12, genuine=4, skilled=0, seed=9)
KINDS = (COHORT, WRITERS)


def cohort():
    return Negatives(STRANGERS, "strangers", COHORT, OWNERS)


def protocol_of(name="paper", **changes):
    return Protocol(name, genuine_test=4, skilled_test=5, **changes)


def split_of(protocol, nref=3, y=Y, forged=FORGED, **more):
    (split,), _ = plan_splits(y, forged, [nref], 1, 7, protocol, **more)
    return split


class Spy(Classifier):
    """Scores nothing, and remembers what it was shown."""

    name = "spy"

    def __init__(self):
        super().__init__()
        self.seen = []

    def fit(self, references, negatives):
        spy = self

        class Template:
            def scores(self, features):
                spy.seen.append((references, negatives, features))
                return features[:, 0].astype(float)

        return Template()

    def restore(self, arrays, references, negatives):
        raise NotImplementedError


def rows(features):
    return {row.tobytes() for row in features}


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_was_learnt_from_is_scored(monkeypatch, name, kind):
    """Neither references nor negatives; and a writer's negatives hold nothing of the writer."""
    spy = Spy()
    monkeypatch.setattr(scoring, "make_classifier", lambda *_: spy)
    protocol = protocol_of(name, negatives=kind)
    score_split(FEATURES, split_of(protocol), protocol, 0, cohort=cohort())
    assert len(spy.seen) >= 10
    writer_of = {row.tobytes(): writer for row, writer in zip(FEATURES, Y, strict=True)}
    for references, negatives, queries in spy.seen:
        assert not (rows(references) | rows(negatives.features)) & rows(queries)
        owners = {writer_of[row] for row in rows(references)}
        assert len(owners) == 1 and len(references) == 3
        if kind == COHORT:
            np.testing.assert_array_equal(negatives.features, STRANGERS)
        else:
            assert owners.isdisjoint(writer_of[row] for row in rows(negatives.features))


@pytest.mark.parametrize("classifier", [*CLASSIFIERS.names(), AUTO])
@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nref", [1, 3])
def test_every_combination_from_a_single_reference_on(classifier, name, kind, nref):
    protocol = protocol_of(name, classifier=classifier, negatives=kind)
    if (classifier, kind, nref) == ("dichotomy", WRITERS, 1) and name != "writer-independent":
        with pytest.raises(UsageError, match="one reference is no pair"):
            split_of(protocol, nref)
        return
    split = split_of(protocol, nref)
    scores = score_split(FEATURES, split, protocol, 0, cohort=cohort())
    assert [len(own) for own in scores.genuine] == [4] * 10 and [len(own) for own in scores.skilled] == [5] * 10
    assert (len(scores.thresholds) == 2) == (name == "dev-threshold")
    genuine, random = (scores.pooled(kind)[0] for kind in ("genuine", "random"))
    assert np.mean(genuine[:, None] > random) > 0.75
    again = score_split(FEATURES, split, protocol, 0, threads=2, cohort=cohort())
    for kind_of_scores in scoring.KINDS:
        np.testing.assert_array_equal(scores.pooled(kind_of_scores)[0], again.pooled(kind_of_scores)[0])


@pytest.mark.parametrize("classifier", CLASSIFIERS.names())
@pytest.mark.parametrize("nref", [1, 4])
def test_against_a_cohort_scores_are_those_that_verify_gives(classifier, nref):
    protocol = protocol_of(classifier=classifier, negatives=COHORT)
    split = split_of(protocol, nref)
    scores = score_split(FEATURES, split, protocol, 0, cohort=cohort())
    for own, found in zip(split.writers, scores.skilled, strict=True):
        template, _ = choose_classifier(classifier, nref).enroll(FEATURES[own.references], cohort())
        np.testing.assert_allclose(found, template.scores(FEATURES[own.skilled]), atol=1e-9)


@pytest.mark.parametrize("nref", [1, 3])
def test_distance_against_other_writers_equals_its_formula(nref):
    protocol = protocol_of(classifier="wi")
    split = split_of(protocol, nref)
    scores = score_split(FEATURES, split, protocol, 0)
    cohorts = score_split(FEATURES, split, protocol_of(classifier="wi", negatives=COHORT), 0, cohort=cohort())
    for position, own in enumerate(split.writers):
        others = np.concatenate([FEATURES[w.references] for w in split.writers if w is not own]).astype(np.float64)
        scale = others.std(axis=0)

        def near(rows, own=own, scale=scale):
            difference = (rows[:, None] - FEATURES[own.references][None].astype(np.float64)) / scale
            return np.linalg.norm(difference, axis=2).min(axis=1)

        around = np.sort(near(others))[:20]
        for row, score in zip(own.genuine, scores.genuine[position], strict=True):
            query = FEATURES[row].astype(np.float64)
            theirs = np.sort(np.linalg.norm((others - query) / scale, axis=1))[:20]
            distance = near(query[None])[0]
            sides = (around.mean() - distance) / around.std(), (theirs.mean() - distance) / theirs.std()
            assert score == pytest.approx(sum(sides) / 2, abs=1e-6)
    assert scores.negatives == 9 * nref and cohorts.negatives == len(STRANGERS)
    assert np.abs(scores.pooled("genuine")[0] - cohorts.pooled("genuine")[0]).max() > 0.01


def test_bystanders_are_random_forgeries_and_nothing_else():
    lacking = np.flatnonzero((Y >= 7) & (FORGED == 1))
    features, y, forged = (np.delete(own, lacking, axis=0) for own in (FEATURES, Y, FORGED))
    for classifier, random in (("wd", 36), ("wi", 36), ("dichotomy", 10)):
        protocol = protocol_of(classifier=classifier)
        split = split_of(protocol, y=y, forged=forged, skip_short=True)
        alone = split_of(protocol, y=y, forged=forged, writers="0:7")
        scores = score_split(features, split, protocol, 0)
        without = score_split(features, alone, protocol, 0)
        assert scores.writers == without.writers == list(range(7)) and scores.negatives == without.negatives == 18
        assert {len(own) for own in scores.random} == {random}
        for kind in ("genuine", "skilled"):
            np.testing.assert_array_equal(scores.pooled(kind)[0], without.pooled(kind)[0])
        if classifier != "dichotomy":
            for more, fewer in zip(scores.random, without.random, strict=True):
                np.testing.assert_allclose(more[:24], fewer, atol=1e-12)


def test_a_cohort_must_be_there():
    with pytest.raises(UsageError, match="need a cohort"):
        score_split(FEATURES, split_of(protocol_of()), protocol_of(negatives=COHORT), 0)
    anonymous = Negatives(STRANGERS)
    protocol = protocol_of("writer-independent", negatives=COHORT)
    with pytest.raises(UsageError, match="who made which"):
        score_split(FEATURES, split_of(protocol), protocol, 0, cohort=anonymous)
