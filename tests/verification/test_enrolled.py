"""Templates belong to the references that they were fitted on, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sigkd import Choices, Verifier
from sigkd.gallery import Gallery, audit
from sigkd.gallery.maintenance import check
from sigkd.gallery.templates import load_template
from sigkd.verification import enrolled


@pytest.fixture
def make(tiny_model, tiny_cohort, tmp_path: Path) -> Iterator:
    made = []

    def verifier(**options: object) -> Verifier:
        made.append(
            Verifier(
                Choices(tiny_model, cohort=tiny_cohort, device="cpu", calibration="none"),
                gallery=tmp_path / "g.sigkd",
                **options,
            )
        )
        return made[-1]

    yield verifier
    for one in made:
        one.close()


def test_a_template_of_old_references_is_not_stored_over_new_ones(make, scans, monkeypatch) -> None:
    """Between reading the references and storing what was fitted on them, another process replaces them."""
    slow, other = make(), make()
    slow.enroll("Ada", scans["Bob"][:4])
    with slow.gallery.writing():
        slow.gallery.connection.execute("DELETE FROM template")
    fit = enrolled._fit

    def replace_meanwhile(*arguments):
        monkeypatch.setattr(enrolled, "_fit", fit)
        other.enroll("Ada", scans["Ada"][:4], mode="replace")
        return fit(*arguments)

    monkeypatch.setattr(enrolled, "_fit", replace_meanwhile)
    slow.verify("Ada", scans["Bob"][5])
    expected = other.verify_against(scans["Ada"][:4], scans["Ada"][5]).score
    for verifier in (slow, other, make()):
        assert verifier.verify("Ada", scans["Ada"][5]).score == pytest.approx(expected, abs=2e-3)
    assert not check(slow.gallery).problems


def test_changes_within_a_moment_are_noticed(make, scans, monkeypatch) -> None:
    """Nothing is keyed on the time, which stands still here."""
    monkeypatch.setattr(audit, "now", lambda: "2026-01-01T00:00:00.000+00:00")
    watching, changing = make(), make()
    changing.enroll("Ada", scans["Bob"][:4])
    before = watching.verify("Ada", scans["Ada"][5]).score
    changing.enroll("Ada", scans["Ada"][:4], mode="replace")
    after = watching.verify("Ada", scans["Ada"][5]).score
    assert after != pytest.approx(before)
    changing.gallery.remove("Ada")
    changing.enroll("Ada", scans["Bob"][:4])  # again the first row of the table
    assert watching.verify("Ada", scans["Ada"][5]).score == pytest.approx(before)


def test_templates_are_kept(make, scans) -> None:
    verifier = make()
    verifier.enroll("Ada", scans["Ada"][:4])
    negatives = f"cohort:{verifier.cohort.hash}"
    with Gallery(verifier.gallery.path) as gallery:
        kept = load_template(gallery, "Ada", "wd", negatives)
        assert kept is not None and np.asarray(kept["agreement"]).shape == (4,)
    verifier.enroll("Ada", scans["Ada"][4:5], mode="add")
    added = load_template(verifier.gallery, "Ada", "wd", negatives)  # fitted on all five, to see that they agree
    assert added is not None and np.asarray(added["agreement"]).shape == (5,)
    verifier.verify("Ada", scans["Ada"][5])
    assert load_template(verifier.gallery, "Ada", "wd", negatives) is not None
