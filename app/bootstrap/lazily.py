"""What of a library is made late: services when they are first read, and what they hand work to when it comes.

Importing is most of what opening costs, and nobody waits for what they do not use.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.core import lazily
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


class Lazy(lazily.Lazy["Library", Built]):
    """A service of :class:`Library`, by its module in ``app.services``."""

    def __init__(self, where: str, name: str, make: Callable[[Any, Library], Built]) -> None:
        super().__init__(f"app.services.{where}", name, make)


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
