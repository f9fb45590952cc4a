"""Orthanc as a destination of the queues: connected by the clinic's settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from app.core.context import JobContext
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
from app.services.watchdog import Observation
from app.sync.outbox import IDLE_S
from app.transfer.certificates import Certificate, look
from app.transfer.http_errors import BLOCKING
from app.transfer.orthanc import Orthanc

HTTPS = 443


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
    def connect(self, destination: str, ctx: JobContext) -> Iterator[Connection]:
        """Make ready to send.

        Raises
        ------
        UserError
            ``pacs.not_set_up``, ``pacs.plain_refused``, ``pacs.no_url``, ``pacs.bad_ca``.
        """
        del destination, ctx
        clinic = self._settings.clinic()
        if not clinic.orthanc_enabled:
            raise UserError("pacs.not_set_up")
        with contextlib.closing(self.open()) as orthanc:
            store = self._door.store
            renditions = Renditions(store, self._paths, self._locator, self._decoders.importing(), clinic)
            yield Connection(
                OrthancSender(store, orthanc, renditions, by_web=clinic.orthanc_method == "stow"),
                BLOCKING,
                CONNECTIONS,
                IDLE_S,
            )

    def certificate(self) -> Certificate:
        """Return the certificate that the Orthanc shows. Raises as :func:`archive_args`, and ``pacs.unreachable``."""
        parts = urlsplit(archive_args(self._settings).url)
        return look(parts.hostname or "", parts.port or HTTPS)

    def observe(self, destination: str) -> Observation:
        """Return its clock and the end of its certificate. Raises BitewingError."""
        del destination
        with contextlib.closing(self.open()) as orthanc:
            clock_s = orthanc.clock_s()
        is_encrypted = urlsplit(archive_args(self._settings).url).scheme == "https"
        return Observation(clock_s, self.certificate().until if is_encrypted else None)

    def open(self) -> Orthanc:
        """Return the Orthanc of the settings, not asked yet. Raises as :func:`archive_args`."""
        return Orthanc(archive_args(self._settings))
