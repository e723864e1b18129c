"""A name -> object table filled by a decorator; an unknown name is answered with the nearest match and the list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from sigkd.errors import UsageError

T = TypeVar("T")


def nearest(name: str, names: list[str]) -> str:
    """Return `` Did you mean 'x'?`` for a near miss, else an empty string."""
    close = get_close_matches(name, names, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def check_name(name: str, names: Iterable[str], kind: str) -> None:
    """Raise UsageError if ``name`` is none of ``names``; the message has the nearest one and the whole list."""
    names = list(names)
    if name not in names:
        raise UsageError(f"unknown {kind} '{name}'.{nearest(name, names)} Known: {', '.join(names)}")


class Registry(Generic[T]):
    """The registered objects of one kind.

    Args:
        kind: what messages call them ("loss", "student", "dataset").
        package: a package in which each module registers one object under the module's own name (``-`` for ``_``);
            modules whose names begin with ``_`` are helpers. Their names are known, for help and messages, before any
            of them is imported; a module is imported when its object is asked for, with the libraries that it needs.
    """

    def __init__(self, kind: str, package: str | None = None) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return the decorator that stores an object under ``name``; a name can be taken only once."""

        def decorate(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            self._entries[name] = entry
            return entry

        return decorate

    def get(self, name: str) -> T:
        """Return the object registered under ``name``.

        Raises:
            UsageError: as :meth:`check`.
        """
        self.check(name)
        if name not in self._entries:
            importlib.import_module(self._modules()[name])
            if name not in self._entries:
                raise ValueError(f"{self._modules()[name]} registers no {self.kind} '{name}'")
        return self._entries[name]

    def check(self, name: str) -> None:
        """Raise UsageError if there is no such name; the message has the nearest one and the whole list."""
        if name not in self._entries:
            check_name(name, self.names(), self.kind)

    def names(self) -> list[str]:
        """Return the names: the package's modules by the alphabet, then what was registered elsewhere."""
        return list(dict.fromkeys([*self._modules(), *self._entries]))

    def _modules(self) -> dict[str, str]:
        """Return the package's modules by the names under which they register."""
        if self._package is None:
            return {}
        found = pkgutil.iter_modules(importlib.import_module(self._package).__path__, f"{self._package}.")
        modules = {info.name.rpartition(".")[2].replace("_", "-"): info.name for info in found}
        return {name: module for name, module in modules.items() if not name.startswith("-")}

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._modules()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())
