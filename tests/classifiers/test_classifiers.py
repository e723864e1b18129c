"""The interface that all classifiers share, whichever are registered."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.classifiers import CLASSIFIERS, COHORT, WRITERS
from sigkd.classifiers.base import choose_classifier
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import UsageError

NAMES = CLASSIFIERS.names()


def _data(seed: int = 0, writers: int = 20, each: int = 4, width: int = 48):
    """References of one writer [6, 48], and genuine signatures of 20 others [80, 48] with their owners."""
    generator = np.random.default_rng(seed)
    centre = generator.random(width)
    own = (centre + 0.05 * generator.normal(size=(6, width))).astype(np.float32)
    centres = np.repeat(generator.random((writers, width)), each, axis=0)
    others = (centres + 0.05 * generator.normal(size=centres.shape)).astype(np.float32)
    return own, others, np.repeat(np.arange(writers), each)


def _negatives(kind: str = COHORT) -> tuple[np.ndarray, Negatives]:
    own, others, owners = _data()
    return own, Negatives(others, "made-up", kind, owners)


def test_those_that_ship_are_registered() -> None:
    assert NAMES == ["dichotomy", "wd", "wd-centred", "wi"]


@pytest.mark.parametrize("name", NAMES)
class TestEach:
    @pytest.mark.parametrize("references", [1, 2, 5])
    def test_ranks_the_writer_first(self, name: str, references: int) -> None:
        own, others, owners = _data()
        template = CLASSIFIERS.get(name)().fit(own[:references], Negatives(others[:60], owners=owners[:60]))
        assert template.scores(own[references:]).min() > template.scores(others[60:]).max()

    def test_restored_from_its_arrays(self, name: str) -> None:
        own, negatives = _negatives()
        classifier = CLASSIFIERS.get(name)()
        arrays = classifier.fit(own[:4], negatives).to_arrays()
        kept = {key: np.array(value) for key, value in arrays.items()}
        again = CLASSIFIERS.get(name)(gamma=0.5).restore(kept, own[:4], negatives)  # a template keeps its gamma
        assert np.abs(classifier.fit(own[:4], negatives).scores(own) - again.scores(own)).max() < 1e-9

    def test_agreement_finds_the_odd_reference(self, name: str) -> None:
        own, others, owners = _data()
        mixed = np.concatenate([own[:4], others[:1]])
        agreement = CLASSIFIERS.get(name)().agreement(mixed, Negatives(others[4:], owners=owners[4:]))
        assert len(agreement) == 5 and int(np.argmin(agreement)) == 4

    def test_agreement_needs_three(self, name: str) -> None:
        own, negatives = _negatives()
        assert len(CLASSIFIERS.get(name)().agreement(own[:2], negatives)) == 0

    def test_enrolling_is_fitting_and_agreement(self, name: str) -> None:
        own, negatives = _negatives()
        classifier = CLASSIFIERS.get(name)()
        template, agreement = classifier.enroll(own[:4], negatives)
        np.testing.assert_allclose(template.scores(own), classifier.fit(own[:4], negatives).scores(own), atol=1e-12)
        np.testing.assert_allclose(agreement, classifier.agreement(own[:4], negatives), atol=1e-12)

    def test_one_query_at_a_time_changes_nothing(self, name: str) -> None:
        own, negatives = _negatives()
        template = CLASSIFIERS.get(name)().fit(own[:2], negatives)
        assert np.allclose(template.scores(own), [template.scores(row[None])[0] for row in own], atol=1e-9)

    def test_refuses_what_cannot_be_fitted(self, name: str) -> None:
        own, negatives = _negatives()
        with pytest.raises(UsageError, match="at least one reference"):
            CLASSIFIERS.get(name)().fit(own[:0], negatives)
        with pytest.raises(UsageError, match="references have 5 features, negatives 48"):
            CLASSIFIERS.get(name)().fit(own[:, :5], negatives)

    def test_a_writers_own_signatures_are_left_out(self, name: str) -> None:
        """Against a pool that holds the writer, nothing of the writer but its part in the scale matters."""
        own, others, owners = _data()
        pool = Negatives(others, kind=WRITERS, owners=owners)
        template = CLASSIFIERS.get(name)().against(pool)(3, others[12:14])
        if name == "dichotomy":
            assert not (owners[template.to_arrays()["pairs"]] == 3).any()
            return
        changed = others.copy()
        if name == "wd":
            changed[12:16] = others[[15, 14, 13, 12]]
        else:
            changed[12:16] += 1.0
        again = CLASSIFIERS.get(name)().against(Negatives(changed, kind=WRITERS, owners=owners))(3, others[12:14])
        np.testing.assert_allclose(template.scores(own), again.scores(own), atol=1e-9)
        plain = CLASSIFIERS.get(name)().fit(others[12:14], pool.without(3))
        np.testing.assert_allclose(template.scores(own), plain.scores(own), atol=0.05)
        kept = CLASSIFIERS.get(name)().fit(others[12:14], pool)
        assert np.abs(template.scores(own) - kept.scores(own)).max() > 1e-3

    def test_a_cohorts_numbers_are_not_the_writers(self, name: str) -> None:
        own, negatives = _negatives(COHORT)
        classifier = CLASSIFIERS.get(name)()
        fitted = classifier.against(negatives)
        np.testing.assert_array_equal(fitted(3, own[:2]).scores(own), fitted(-7, own[:2]).scores(own))

    def test_gamma_follows_the_length_of_the_vector(self, name: str) -> None:
        classifier = CLASSIFIERS.get(name)()
        assert classifier.gamma_for(2048) == 2.0**-11 and classifier.gamma_for(512) == 1 / 512
        assert CLASSIFIERS.get(name)(gamma=0.1).gamma_for(512) == 0.1
        own, negatives = _negatives()
        template = classifier.fit(own[:2], negatives)
        assert template.gamma == (1 / 48 if classifier.kernel else None)
        if classifier.kernel:
            assert template.to_arrays()["intercept"][1] == 1 / 48


def test_negatives_without_a_writer() -> None:
    _, others, owners = _data()
    pool = Negatives(others, "them", WRITERS, owners)
    left = pool.without(4)
    assert len(left) == 76 and 4 not in left.owners and left.description == "them"
    np.testing.assert_array_equal(left.features, others[owners != 4])
    assert pool.without(99) is pool and Negatives(others, kind=COHORT, owners=owners).without(4).features is others


def test_dichotomy_needs_to_know_the_owners() -> None:
    own, others, _ = _data()
    dichotomy = CLASSIFIERS.get("dichotomy")()
    with pytest.raises(UsageError, match="who made which"):
        dichotomy.fit(own[:2], Negatives(others))
    with pytest.raises(UsageError, match="nobody has two"):
        dichotomy.fit(own[:2], Negatives(others[:10], owners=np.arange(10)))
    with pytest.raises(UsageError, match="at least two writers"):
        dichotomy.fit(own[:2], Negatives(others[:10], owners=np.zeros(10, int)))


def test_distance_equals_its_formula() -> None:
    """Adaptive S-norm written plainly."""
    own, others, _ = _data()
    scale = others.astype(np.float64).std(axis=0)
    for references in (1, 3):
        found = CLASSIFIERS.get("wi")().fit(own[:references], Negatives(others)).scores(own[3:])

        def to_references(rows, references=references):
            return np.linalg.norm((rows[:, None] - own[None, :references]) / scale, axis=2).min(axis=1)

        nearest = np.sort(to_references(others))[:20]
        for query, score in zip(own[3:], found, strict=True):
            distance = to_references(query[None])[0]
            around = np.sort(np.linalg.norm((others - query) / scale, axis=1))[:20]
            expected = (nearest.mean() - distance) / nearest.std() + (around.mean() - distance) / around.std()
            assert score == pytest.approx(expected / 2, abs=1e-6)


def test_auto() -> None:
    assert [choose_classifier("auto", count).name for count in (1, 2, 3, 9)] == ["wi", "wi", "wd", "wd"]
    assert choose_classifier("auto", 1, calibrated=("wd", "wi")).name == "wd"
    assert choose_classifier("auto", 5, calibrated=("wd", "wi", "wd-centred")).name == "wd-centred"
    with pytest.raises(UsageError, match="Did you mean 'wd'"):
        choose_classifier("wdd", 5)


@pytest.mark.parametrize("references", [2, 5])
def test_centred_scores_are_those_of_the_machine_less_half_the_left_out_scores(references: int) -> None:
    own, negatives = _negatives()
    plain, centred = CLASSIFIERS.get("wd")(), CLASSIFIERS.get("wd-centred")()
    left_out = [
        plain.fit(np.delete(own[:references], row, axis=0), negatives).scores(own[row : row + 1])[0]
        for row in range(references)
    ]
    expected = plain.fit(own[:references], negatives).scores(own) - np.mean(left_out) / 2
    template, agreement = centred.enroll(own[:references], negatives)
    np.testing.assert_allclose(template.scores(own), expected, atol=5e-3)  # the scale of features is of all rows here
    if references > 2:
        np.testing.assert_allclose(agreement, np.array(left_out) - np.mean(left_out) / 2, atol=5e-3)


def test_one_reference_centres_nothing() -> None:
    own, negatives = _negatives()
    plain, centred = (CLASSIFIERS.get(name)().fit(own[:1], negatives) for name in ("wd", "wd-centred"))
    assert np.array_equal(plain.scores(own), centred.scores(own))
