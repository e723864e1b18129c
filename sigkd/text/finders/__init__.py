"""The line finders, one file each, found by the names of their modules: ink pages become their lines of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sigkd.registry import Registry

if TYPE_CHECKING:
    from sigkd.text.ink import InkPage
    from sigkd.text.lines import FoundLines

LINE_FINDERS: Registry[Callable[[InkPage], FoundLines]] = Registry("line finder", __name__)
