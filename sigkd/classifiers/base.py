"""What a classifier is: features of references and negatives in, a template out that scores queries.

In all of them a score is higher for a signature that looks more like the references. Templates hold plain arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers import AUTO, CLASSIFIERS, COHORT, WRITERS
from sigkd.classifiers.negatives import Negatives
from sigkd.errors import UsageError

Arrays: TypeAlias = dict[str, NDArray[np.generic]]
COST = 1.0
"""C of the paper's Section 4.2.2."""
LEAST_FOR_AGREEMENT = 3
"""With fewer references, leaving one out leaves too little to compare it with."""


class Template(Protocol):
    """One writer's fitted classifier."""

    @property
    def gamma(self) -> float | None:
        """Of the kernel; None: it has none."""

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the scores [n] of queries' features [n, D]."""

    def to_arrays(self) -> Arrays:
        """Return what, beside references and negatives, is needed to restore the template: small plain arrays."""


class Scorer(Protocol):
    """What scores queries; a template that is not kept."""

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the scores [n] of queries' features [n, D]."""


Fitter: TypeAlias = Callable[[int, NDArray[Any]], Scorer]
"""From a writer's number (as in ``Negatives.owners``) and references [r, D] to what scores queries; thread-safe."""


class Classifier(ABC):
    """How templates are made. A new classifier is one file with a subclass registered in :data:`CLASSIFIERS`."""

    name: ClassVar[str]
    title: ClassVar[str]
    """For reports."""
    border: ClassVar[float] = 0.0
    """The score from which a query is accepted where no calibration says better."""
    border_meaning: ClassVar[str]
    """That border in words."""
    needs_pairs: ClassVar[bool] = False
    """Whether it learns from pairs of one writer's signatures, and so must know whose the negatives are."""
    kernel: ClassVar[bool] = True
    """Whether there is a gamma."""
    answers_against: ClassVar[tuple[str, ...]] = (COHORT, WRITERS)
    """Kinds of negatives against which it is calibrated and answers; the cohort serves for another one."""

    def __init__(
        self, *, cost: float = COST, gamma: float | None = None, generator: np.random.Generator | None = None
    ) -> None:
        """Set what the kernel machines have; classifiers without a kernel or a random choice ignore it.

        Args:
            cost: C of the soft margin.
            gamma: of the RBF kernel ``exp(-gamma * |a - b|^2)``; None: see :meth:`gamma_for`.
            generator: of random choices; None: the same ones in every fit.
        """
        self.cost, self._gamma, self._generator = cost, gamma, generator

    def gamma_for(self, length: int) -> float:
        """Return the gamma for vectors of ``length`` D.

        By default 1 / D: of D elements with unit variance the squared distance grows with D. For the field's 2048
        elements that is the 2^-11 of the paper's Section 4.2.2.
        """
        # Not scikit-learn's gamma='scale', which divides by the variance of all elements too: the field's does not.
        return 1.0 / length if self._gamma is None else self._gamma

    @abstractmethod
    def fit(self, references: NDArray[Any], negatives: Negatives) -> Template:
        """Fit a template on a writer's references [r, D], r >= 1.

        Raises:
            UsageError: no references, fewer than two negatives, other widths, or negatives that do not serve.
        """

    @abstractmethod
    def restore(
        self, arrays: Mapping[str, NDArray[np.generic]], references: NDArray[Any], negatives: Negatives
    ) -> Template:
        """Return the template whose :meth:`Template.to_arrays` were kept, given what it was fitted on."""

    def agreement(self, references: NDArray[Any], negatives: Negatives) -> NDArray[np.float64]:
        """Return each reference's score against the others [r] (leave one out); empty for fewer than three."""
        check(references, negatives)
        if len(references) < LEAST_FOR_AGREEMENT:
            return np.empty(0)
        left_out = (
            # Without the reference that is scored, which would else be compared with itself.
            self.fit(np.delete(references, row, axis=0), negatives).scores(references[row : row + 1])[0]
            for row in range(len(references))
        )
        return np.fromiter(left_out, np.float64, len(references))

    def enroll(self, references: NDArray[Any], negatives: Negatives) -> tuple[Template, NDArray[np.float64]]:
        """Return :meth:`fit` and :meth:`agreement` together, at little more than the price of one."""
        return self.fit(references, negatives), self.agreement(references, negatives)

    def against(self, negatives: Negatives) -> Fitter:
        """Return what fits many writers, each against the negatives that are not the writer's own."""
        return lambda writer, references: self.fit(references, negatives.without(writer))


CALIBRATED = ("wd-centred", "wd", "wi")
"""What is calibrated unless others are asked for."""
PREFERRED = ("wd-centred", "wd")
"""What ``auto`` takes where it is calibrated, the best first (decision 0087)."""
FEW = 3
"""With fewer references and no calibration ``auto`` takes the distance (decision 0061)."""


def check(references: NDArray[Any], negatives: Negatives) -> None:
    """Refuse what no classifier can be fitted on.

    Raises:
        UsageError: no references, fewer than two negatives, or features of different lengths.
    """
    if references.ndim != 2 or negatives.features.ndim != 2 or not len(references) or len(negatives) < 2:
        raise UsageError("a template needs at least one reference and two negatives")
    if references.shape[1] != negatives.features.shape[1]:
        raise UsageError(f"references have {references.shape[1]} features, negatives {negatives.features.shape[1]}")


def check_classifier(name: str) -> str:
    """Return ``name`` if it is ``auto`` or registered.

    Raises:
        UsageError: it is neither.
    """
    if name != AUTO:
        CLASSIFIERS.get(name)
    return name


def choose_classifier(
    name: str,
    references: int,
    *,
    calibrated: Container[str] = (),
    cost: float = COST,
    gamma: float | None = None,
    generator: np.random.Generator | None = None,
) -> Classifier:
    """Return the classifier of this name.

    ``auto`` is the first of :data:`PREFERRED` that a calibration gives a threshold for so few references; without one
    ``wd`` from three references on, else ``wi``.

    Args:
        name: of the classifier.
        references: how many there are.
        calibrated: the names for which such a calibration is there.
        cost: as for :class:`Classifier`.
        gamma: as for :class:`Classifier`.
        generator: as for :class:`Classifier`.

    Raises:
        UsageError: unknown name.
    """
    if name == AUTO:
        # The border of a machine that saw one or two signatures lies anywhere; a distance is steadier there.
        otherwise = "wi" if references < FEW else "wd"
        name = next((one for one in PREFERRED if one in calibrated), otherwise)
    return CLASSIFIERS.get(name)(cost=cost, gamma=gamma, generator=generator)
