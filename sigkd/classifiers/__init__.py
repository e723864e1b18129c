"""From features of references and negatives to scores of queries: writer-dependent, by distance, by pairs."""

from sigkd.classifiers import dichotomy, wd, wi  # noqa: F401 - each registers itself
from sigkd.classifiers.base import AUTO, CLASSIFIERS, Arrays, Classifier, Template, choose_classifier
from sigkd.classifiers.negatives import COHORT, WRITERS, Negatives

__all__ = [
    "AUTO",
    "CLASSIFIERS",
    "COHORT",
    "WRITERS",
    "Arrays",
    "Classifier",
    "Negatives",
    "Template",
    "choose_classifier",
]
