"""What of a library is made late: services when they are first read, and what they hand work to when it comes.

Importing is most of what opening costs, and nobody waits for what they do not use.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from app.core.context import JobContext
from app.domain.image import ImageRecord
from app.domain.roles import Actor

if TYPE_CHECKING:
    from app.bootstrap.library import Library
    from app.services.answering import Answers
    from app.services.archiving.connector import OrthancConnector
    from app.services.archiving.dimse_connector import DimseConnector
    from app.services.merging import MergeReport
    from app.services.patient_import import CsvReport

Built = TypeVar("Built")


class Lazy(Generic[Built]):
    """An attribute of :class:`Library` that is made when it is first read, once, whatever thread reads it.

    ``make`` gets the class, found by module and name only now, and the library.
    """

    def __init__(self, where: str, name: str, make: Callable[[Any, Library], Built]) -> None:
        self._where, self._class, self._make = where, name, make
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, library: None, _owner: type) -> Self: ...

    @overload
    def __get__(self, library: Library, _owner: type) -> Built: ...

    def __get__(self, library: Library | None, _owner: type) -> Self | Built:
        """Return the service; from then on Python finds it on the library itself."""
        if library is None:
            return self
        # Outside the lock: importing takes a lock of its own, which another thread may hold while it waits for ours.
        kind = getattr(importlib.import_module(f"app.services.{self._where}"), self._class)
        with library.building:
            if self._name not in library.__dict__:
                library.__dict__[self._name] = self._make(kind, library)
            built: Built = library.__dict__[self._name]
            return built


class MergingLater:
    """Merging for the patients' service, imported when two patients are merged."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def merge(self, actor: Actor, keep_id: str, from_id: str) -> MergeReport:
        return self._library.merging.merge(actor, keep_id, from_id)


class FetcherLater:
    """Who fetches missing files for the locator, imported when one is missing: it brings the network with it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def fetch(self, record: ImageRecord, ctx: JobContext) -> bool:
        return self._library.fetcher.fetch(record, ctx)


class ObserversLater:
    """Who looks at destinations for the watchdog, imported when they look: they bring the network with them."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def get(self, kind: str) -> OrthancConnector | DimseConnector | None:
        if kind == "orthanc":
            return self._library.orthanc
        return self._library.dimse if kind == "dimse" else None


class AnsweringLater:
    """Who answers peers, imported when they may ask: that brings decoding with it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def begin(self, actor: Actor) -> Answers:
        return self._library.answering.begin(actor)


class ListImportLater:
    """The import of patient lists, imported when there is one to read."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def run(
        self, actor: Actor, path: Path, ctx: JobContext, *, dry_run: bool, encoding: str | None = None
    ) -> CsvReport:
        return self._library.patient_import.run(actor, path, ctx, dry_run=dry_run, encoding=encoding)
