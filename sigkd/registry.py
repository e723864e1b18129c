"""A name -> object table filled by a decorator; an unknown name is answered with the nearest match and the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from sigkd.errors import UsageError

T = TypeVar("T")


def nearest(name: str, known: list[str]) -> str:
    """Return `` Did you mean 'x'?`` for a near miss, else an empty string."""
    close = get_close_matches(name, known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


class Registry(Generic[T]):
    """The registered objects of one kind (``kind`` is what messages call them: "loss", "student", "dataset")."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
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
            UsageError: if there is none; the message has the nearest name and the whole list.
        """
        if name not in self._entries:
            names = self.names()
            raise UsageError(f"unknown {self.kind} '{name}'.{nearest(name, names)} Known: {', '.join(names)}")
        return self._entries[name]

    def names(self) -> list[str]:
        """Return the registered names in order of registration."""
        return list(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)
