"""Orthanc as a destination of the queues: connected by the clinic's settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from app.core.errors import UserError
from app.core.paths import LibraryPaths
from app.services.archiving.access import CONNECTIONS, archive_args
from app.services.archiving.renditions import Renditions
from app.services.archiving.sending import OrthancSender
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.locating import Locator
from app.services.sending.connector import Connection
from app.services.settings import SettingsService
from app.sync.outbox import IDLE_S
from app.transfer.http_errors import BLOCKING
from app.transfer.orthanc import Orthanc


class OrthancConnector:
    """Connects to the clinic's Orthanc. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, locator: Locator, decoders: Decoders
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._locator = locator
        self._decoders = decoders

    @contextlib.contextmanager
    def connect(self, destination: str) -> Iterator[Connection]:
        """Make ready to send.

        Raises
        ------
        UserError
            ``pacs.not_set_up``, ``pacs.plain_refused``, ``pacs.no_url``, ``pacs.bad_ca``.
        """
        del destination
        clinic = self._settings.clinic()
        if not clinic.orthanc_enabled:
            raise UserError("pacs.not_set_up")
        with contextlib.closing(self.open()) as orthanc:
            store = self._door.store
            renditions = Renditions(store, self._paths, self._locator, self._decoders.importing(), clinic)
            yield Connection(OrthancSender(store, orthanc, renditions), BLOCKING, CONNECTIONS, IDLE_S)

    def open(self) -> Orthanc:
        """Return the Orthanc of the settings, not asked yet. Raises as :func:`archive_args`."""
        return Orthanc(archive_args(self._settings))
