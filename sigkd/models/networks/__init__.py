"""The networks, one file each, found by the names of their modules; none is imported before it is built.

One may need a library that the others do not: torchvision takes as long to import as torch, and ``sigkd verify`` starts
cold every time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sigkd.registry import Registry

if TYPE_CHECKING:
    from sigkd.models.registry import FeatureNetwork

NETWORKS: Registry[Callable[[int | None], FeatureNetwork]] = Registry("architecture", __name__)
"""Constructors by name; each takes the number of classes (None: no classification layer)."""
