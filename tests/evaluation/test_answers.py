"""What ``verify`` would answer: calibrated on other writers, decided as it decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sigkd.classifiers import COHORT
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import UsageError
from sigkd.evaluation.answers import FOLDS, Stated, answer, fit, pool
from sigkd.evaluation.calibrate import DevelopmentSet, calibrate
from sigkd.evaluation.evaluate import Settings, evaluate_features
from sigkd.evaluation.protocol import Protocol, Split, WriterSplit
from sigkd.evaluation.scoring import SplitScores
from sigkd.models.binding import Binding
from sigkd.progress import SilentProgress
from sigkd.verification.calibration import load_calibration
from sigkd.verification.calibrations import METHODS

from .conftest import made_up


def splits(seed=0, writers=10, each=30, count=2, skilled=True):
    """Normal scores around 2 (genuine), 0 (skilled), -2 (random)."""
    generator = np.random.default_rng(seed)
    none = np.zeros(0, np.int64)
    own = tuple(WriterSplit(writer, np.arange(3), none, none, none) for writer in range(writers))
    empty = [np.zeros(0)] * writers
    return [
        SplitScores(
            Split(3, number, own),
            list(generator.normal(2, 1, (writers, each))),
            list(generator.normal(0, 1, (writers, each))) if skilled else empty,
            empty,
            list(generator.normal(-2, 1, (writers, each))),
            np.zeros(writers, np.int64),
        )
        for number in range(count)
    ]


def test_rates_of_known_distributions():
    given = answer(splits(), "wd", "cohort", Stated(0.05, 0.05))
    assert given.far_skilled == pytest.approx(0.05, abs=0.02) and given.frr == pytest.approx(0.05, abs=0.02)
    assert given.far_random < 0.01 and 0 < given.inconclusive_genuine < 0.5
    assert given.min_cllr <= given.cllr < 1 and given.eer_skilled == pytest.approx(0.16, abs=0.03)
    assert (given.genuine, given.skilled, given.random, given.references, given.writers) == (600, 600, 600, 3, 10)


@pytest.mark.parametrize("method", ["logistic", "pav"])
@pytest.mark.parametrize("against", ["skilled", "random"])
@pytest.mark.parametrize("rates", [(0.04, 0.08), (None, None)])
def test_equal_the_same_done_by_hand(method, against, rates):
    """Five parts of the writers, each judged by the others' scores: by stated rates, or by likelihood ratios alone."""
    scores, (far, frr) = splits(seed=3), rates
    given = answer(scores, "wd", "cohort", Stated(far, frr, method, against), seed=5)
    genuine, skilled, random = (np.array([getattr(s, k) for s in scores]) for k in ("genuine", "skilled", "random"))
    forged = {"skilled": skilled, "random": random}
    order = np.random.default_rng(5).permutation(10)
    rejected, accepted, unsure = 0, 0, 0
    for part in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, part)
        high = np.sort(forged[against][:, rest].ravel())[::-1]
        low = np.sort(genuine[:, rest].ravel())
        curve = METHODS.get(method).fit(low, high)

        def accepts(values, high=high, curve=curve):
            ratios = 10 ** curve.log10_lr(values)
            return ratios >= 10 if far is None else (values > high[int(far * len(high))]) & (ratios >= 2)

        def rejects(values, low=low, curve=curve):
            ratios = 10 ** curve.log10_lr(values)
            return ratios <= 0.1 if frr is None else (values < low[int(frr * len(low))]) & (ratios <= 0.5)

        rejected += np.sum(rejects(genuine[:, part]))
        accepted += np.sum(accepts(skilled[:, part]))
        unsure += np.sum(~accepts(random[:, part]) & ~rejects(random[:, part]))
    assert (given.frr, given.far_skilled, given.inconclusive_random) == (rejected / 600, accepted / 600, unsure / 600)


def test_a_writer_is_judged_by_the_others():
    """Forgeries of a writer may score as genuine signatures do: the threshold that judges them stays."""
    scores = splits(seed=1)
    for split in scores:
        split.skilled[4] = split.skilled[4] + 3.5
    with_it = answer(scores, "wd", "cohort", Stated(0.05, 0.05))
    without = answer(splits(seed=1), "wd", "cohort", Stated(0.05, 0.05))
    assert with_it.far_skilled > without.far_skilled + 0.04


def test_without_skilled_forgeries_random_ones_are_the_alternative():
    given = answer(splits(skilled=False), "wd", "writers", Stated(0.05, 0.05))
    assert given.alternative == "random" and given.far_skilled is None and given.eer_skilled is None
    assert given.inconclusive == pytest.approx((given.inconclusive_genuine + given.inconclusive_random) / 2)


def test_what_is_asked_is_checked():
    with pytest.raises(UsageError, match="unknown calibration method 'logit'"):
        Stated(method="logit")
    with pytest.raises(UsageError, match="unknown alternative 'simple'"):
        Stated(against="simple")


def test_evaluate_reports_answers_of_the_scores_in_the_file():
    protocol = Protocol(genuine_test=4, skilled_test=5, classifier="auto")
    stated = Stated(0.1, 0.1)
    made = made_up(noise=0.4)
    document = evaluate_features(*made, [1, 3], 3, protocol=protocol, settings=Settings(bootstrap=0, answers=stated))
    for entry in document.results:  # what is calibrated needs no border: `auto` is wd with one reference too
        assert entry.classifier == entry.answers.classifier == "wd"
        assert entry.gamma == 1 / 32
        assert entry.answers == answer(entry.splits, "wd", "writers", stated, document.seed)


def test_answers_that_cannot_be_given_are_left_out(features):
    warnings = []

    class Loud(SilentProgress):
        def warn(self, message):
            warnings.append(message)

    settings = Settings(bootstrap=0, answers=Stated(far=0.0001))
    document = evaluate_features(*features, 3, 1, settings=settings, progress=Loud())
    assert document.results[0].answers is None
    assert len(warnings) == 1 and "cannot be stated" in warnings[0]


# -- calibrations

BINDING = Binding("ab" * 32, "1", (952, 1360), "tiny")


def development():
    features, y, forged = made_up(writers=12, genuine=8, skilled=6, noise=0.4)
    return DevelopmentSet(features, y, forged, {"name": "made-up"})


def strangers():
    return Negatives(made_up(writers=30, genuine=1, skilled=0, seed=9)[0], "strangers", COHORT)


def test_calibrations_are_fitted_to_the_protocols_scores(tmp_path):
    made, answers = calibrate(development(), BINDING, strangers(), [1, 3], stated=Stated(0.1, 0.1), splits=2)
    combinations = [("wd-centred", "cohort"), ("wd", "cohort"), ("wd", "writers"), ("wi", "cohort")]
    wanted = [(name, kind, count) for name, kind in combinations for count in (1, 3)]
    assert [(c.classifier, c.negatives, c.references) for c in made.calibrations] == wanted
    assert [(a.classifier, a.negatives, a.references) for a in answers] == wanted
    # all that is no reference is tested, in both splits; 20 random forgeries a writer
    assert [(a.genuine, a.skilled, a.random) for a in answers[:2]] == [
        (2 * 12 * 7, 2 * 12 * 6, 2 * 12 * 20),
        (2 * 12 * 5, 2 * 12 * 6, 2 * 12 * 20),
    ]
    made.save(tmp_path / "c.json")
    again = load_calibration(tmp_path / "c.json", BINDING, strangers().hash)
    assert again is not None and again.find("wd", "cohort", 2).references == 1


def test_a_calibration_is_what_evaluate_scores():
    known = development()
    made, _ = calibrate(known, BINDING, strangers(), [3], classifiers=["wi"], stated=Stated(0.1, 0.1), splits=2)
    protocol = Protocol(
        genuine_test=100, skilled_test=100, forgeries="random", random_test=20, classifier="wi", negatives=COHORT
    )
    document = evaluate_features(
        known.features, known.y, known.yforg, 3, 2, 0, protocol=protocol, settings=Settings(bootstrap=0),
        cohort=strangers(),
    )  # fmt: skip
    expected = fit(pool(document.results[0].splits), "wi", COHORT, 3, 12)
    np.testing.assert_array_equal(made.calibrations[0].genuine, expected.genuine)
    for kind in ("skilled", "random"):
        np.testing.assert_array_equal(
            made.calibrations[0].alternatives[kind].impostor, expected.alternatives[kind].impostor
        )


def test_writers_without_forgeries_count_as_genuine_too():
    known = development()
    few = np.flatnonzero((known.y >= 3) & (known.yforg == 1))
    known = replace(known, features=np.delete(known.features, few, axis=0), y=np.delete(known.y, few),
                    yforg=np.delete(known.yforg, few))  # fmt: skip
    _, (given,) = calibrate(
        known, BINDING, strangers(), [3], classifiers=["wi"], negatives=[COHORT], stated=Stated(0.2, 0.2), splits=2
    )
    assert (given.writers, given.genuine, given.skilled) == (12, 2 * 12 * 5, 2 * 3 * 6)


def test_what_cannot_be_calibrated_is_said():
    with pytest.raises(UsageError, match="at least 1"):
        calibrate(development(), BINDING, strangers(), [0])
    with pytest.raises(UsageError, match="unknown classifier 'wdd'"):
        calibrate(development(), BINDING, strangers(), [3], classifiers=["wdd"])
    with pytest.raises(UsageError, match="unknown negatives"):
        calibrate(development(), BINDING, strangers(), [3], negatives=["nobody"])
