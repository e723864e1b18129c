"""The formats of feature files, one file each; the module's name is the suffix.

What each of them looks like is in ``docs/reference/features.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sigkd.registry import Registry

if TYPE_CHECKING:
    from sigkd.models.features import FeatureSet


@dataclass(frozen=True)
class FeatureFormat:
    """How features are kept in files of one suffix. Nothing is ever pickled."""

    write: Callable[[FeatureSet, Path], None]
    read: Callable[[Path], FeatureSet]
    """May raise anything over a file that is not right; :meth:`FeatureSet.load` makes one line of it."""
    require: Callable[[], object] = lambda: None
    """Raises UsageError if a library that the format needs is absent."""


FEATURE_FORMATS: Registry[FeatureFormat] = Registry("features format", __name__)
"""The formats by suffix, without its dot."""


def feature_suffixes() -> list[str]:
    """Return the suffixes that features can be written to, the native one first."""
    return [".npz", *(f".{name}" for name in FEATURE_FORMATS if name != "npz")]
