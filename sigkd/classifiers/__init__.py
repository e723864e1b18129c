"""From features of references and negatives to scores of queries: writer-dependent, by distance, by pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigkd.registry import Registry

if TYPE_CHECKING:
    from sigkd.classifiers.base import Classifier

CLASSIFIERS: Registry[type[Classifier]] = Registry("classifier", f"{__name__}.kinds")
AUTO = "auto"
"""The classifier that suits the number of references."""
COHORT, WRITERS = "cohort", "writers"
"""Kinds of negatives: people whom nobody asks about; the references of other writers."""
