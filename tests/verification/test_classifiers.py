"""The common interface of both classifiers."""

from __future__ import annotations

import numpy as np
import pytest

from sigkd.errors import UsageError
from sigkd.verification.classifiers import CLASSIFIERS, choose_classifier


def _data(seed: int = 0):
    generator = np.random.default_rng(seed)
    centre = generator.random(48)
    own = (centre + 0.05 * generator.normal(size=(6, 48))).astype(np.float32)
    others = generator.random((80, 48)).astype(np.float32)
    return own, others


@pytest.mark.parametrize("name", ["wd", "wi"])
class TestBoth:
    def test_ranks_the_writer_first(self, name: str) -> None:
        own, others = _data()
        template = CLASSIFIERS.get(name).fit(own[:3], others[:60])
        assert template.scores(own[3:]).min() > template.scores(others[60:]).max()

    def test_restored_from_its_arrays(self, name: str) -> None:
        own, others = _data()
        classifier = CLASSIFIERS.get(name)
        template = classifier.fit(own[:4], others)
        again = classifier.restore(template.arrays(), own[:4], others)
        assert np.abs(template.scores(own) - again.scores(own)).max() < 1e-9

    def test_agreement_finds_the_odd_reference(self, name: str) -> None:
        own, others = _data()
        mixed = np.concatenate([own[:4], others[:1]])
        assert int(np.argmin(CLASSIFIERS.get(name).agreement(mixed, others[1:]))) == 4

    def test_agreement_needs_three(self, name: str) -> None:
        own, others = _data()
        assert len(CLASSIFIERS.get(name).agreement(own[:2], others)) == 0

    def test_one_query_at_a_time_changes_nothing(self, name: str) -> None:
        own, others = _data()
        template = CLASSIFIERS.get(name).fit(own[:2], others)
        together = template.scores(own)
        assert np.allclose(together, [template.scores(row[None])[0] for row in own], atol=1e-9)

    def test_refuses_what_cannot_be_fitted(self, name: str) -> None:
        own, others = _data()
        with pytest.raises(UsageError, match="at least one reference"):
            CLASSIFIERS.get(name).fit(own[:0], others)
        with pytest.raises(UsageError, match="features"):
            CLASSIFIERS.get(name).fit(own[:, :5], others)


def test_auto() -> None:
    assert [choose_classifier("auto", count).name for count in (1, 2, 3, 9)] == ["wi", "wi", "wd", "wd"]
    with pytest.raises(UsageError, match="Did you mean 'wd'"):
        choose_classifier("wdd", 5)
