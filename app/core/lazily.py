"""Attributes that are imported and made when they are first read.

Importing is most of what opening a library costs, and nobody waits for what they do not use.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar, overload


class _Builder(Protocol):
    """Whoever has such attributes: they are made one at a time."""

    building: threading.RLock


Owner = TypeVar("Owner", bound=_Builder)
Built = TypeVar("Built")


class Lazy(Generic[Owner, Built]):
    """An attribute that is made when it is first read, once, whatever thread reads it.

    ``make`` gets the class, found by module and name only now, and its owner.
    """

    def __init__(self, module: str, name: str, make: Callable[[Any, Owner], Built]) -> None:
        self._module, self._class, self._make = module, name, make
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, _kind: type) -> Self: ...

    @overload
    def __get__(self, owner: Owner, _kind: type) -> Built: ...

    def __get__(self, owner: Owner | None, _kind: type) -> Self | Built:
        """Return what was made; from then on Python finds it on the owner itself."""
        if owner is None:
            return self
        # Outside the lock: importing takes a lock of its own, which another thread may hold while it waits for ours.
        kind = getattr(importlib.import_module(self._module), self._class)
        with owner.building:
            if self._name not in owner.__dict__:
                owner.__dict__[self._name] = self._make(kind, owner)
            built: Built = owner.__dict__[self._name]
            return built
