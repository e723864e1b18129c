"""Which ink the score hangs on: the score's change when a patch of the query is taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sigkd.classifiers.base import Template

if TYPE_CHECKING:
    from sigkd.verification.verifier import Verifier

PATCH, STRIDE = 20, 10
"""Side and step of the patch, in pixels of the normalised image."""
LEAST_INK = 12
"""Pixels of ink that a patch must hold to be worth taking away."""


@dataclass(frozen=True)
class Occlusion:
    """The map and how it was made."""

    change: NDArray[np.float64]
    """[170, 242]: mean fall of the score over the patches that cover a pixel; 0 where none was taken away."""
    score: float
    patches: int


def occlude(verifier: Verifier, template: Template, image: NDArray[np.uint8]) -> Occlusion:
    """Measure the score's fall for each patch of ink that is replaced by paper.

    Args:
        verifier: extracts the features.
        template: gives the scores.
        image: the normalised query, uint8 [170, 242].

    Returns:
        Positive where taking the ink away lowers the score (it resembles the references), negative where it raises it.
    """
    corners = [
        (row, column)
        for row in range(0, image.shape[0] - PATCH + 1, STRIDE)
        for column in range(0, image.shape[1] - PATCH + 1, STRIDE)
        if np.count_nonzero(image[row : row + PATCH, column : column + PATCH]) >= LEAST_INK
    ]
    variants = np.repeat(image[None], len(corners) + 1, axis=0)
    for variant, (row, column) in zip(variants[1:], corners, strict=True):
        variant[row : row + PATCH, column : column + PATCH] = 0
    scores = template.scores(verifier.features(list(variants)))
    total, covered = np.zeros(image.shape), np.zeros(image.shape)
    for fall, (row, column) in zip(scores[0] - scores[1:], corners, strict=True):
        total[row : row + PATCH, column : column + PATCH] += fall
        covered[row : row + PATCH, column : column + PATCH] += 1
    return Occlusion(total / np.maximum(covered, 1), float(scores[0]), len(corners))
