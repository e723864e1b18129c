"""The writer-dependent machine with scores centred between the writer's own signatures and other people's.

How high a machine scores its writer's genuine signatures differs from writer to writer: who signs alike each time gets
higher scores, forgeries of them too. One threshold for all then rejects those who vary and lets through forgeries of
those who do not. The references themselves tell: let l_i be the score of reference i when it is left out. Then

    s'(x) = s(x) - mean_i(l_i) / 2

so that the machine's border, s = 0, moves halfway towards where the writer's genuine signatures are expected. That is
target-centric score normalisation with the leave-one-out estimate (J. Fierrez-Aguilar, J. Ortega-Garcia and J.
Gonzalez-Rodriguez, Target dependent score normalization techniques and their application to signature verification,
IEEE Transactions on Systems, Man, and Cybernetics C 35(3), 2005), by half: forgeries rise and fall with the writer's
own signatures, but less (decision 0087).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import CLASSIFIERS, COHORT
from sigkd.classifiers.base import LEAST_FOR_AGREEMENT, Classifier, Fitter
from sigkd.classifiers.kinds.wd import WriterDependent, WriterDependentTemplate
from sigkd.classifiers.negatives import Negatives

SHARE = 0.5
"""Of the leave-one-out scores' mean that is taken off."""


@CLASSIFIERS.register("wd-centred")
class CentredWriterDependent(WriterDependent):
    """``wd`` with centred scores; of a single reference there is nothing to leave out, and both are the same."""

    name = "wd-centred"
    answers_against = (COHORT,)
    title = "writer-dependent support vector machine, scores centred by the references"
    border_meaning = "midway between the references' own scores and the support vector machine's border"

    def fit(self, references: NDArray[Any], negatives: Negatives) -> WriterDependentTemplate:
        """Fit the machine and move its intercept."""
        return self.enroll(references, negatives)[0]

    def enroll(
        self, references: NDArray[Any], negatives: Negatives
    ) -> tuple[WriterDependentTemplate, NDArray[np.float64]]:
        """Return template and agreement, centred alike, from one Gram matrix."""
        rows = self._rows(references, negatives)
        machine, support = rows.fit(self.cost)
        left_out = self._left_out(rows) if len(references) > 1 else np.empty(0)
        offset = SHARE * float(left_out.mean()) if len(left_out) else 0.0
        template = WriterDependentTemplate(replace(machine, intercept=machine.intercept - offset), support)
        return template, left_out - offset if len(references) >= LEAST_FOR_AGREEMENT else np.empty(0)

    def agreement(self, references: NDArray[Any], negatives: Negatives) -> NDArray[np.float64]:
        """Return the references' centred scores against the others."""
        return self.enroll(references, negatives)[1]

    def against(self, negatives: Negatives) -> Fitter:
        """Return what fits each writer alone: what is left out needs a machine of its own."""
        return Classifier.against(self, negatives)
