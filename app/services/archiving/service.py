"""The archives as a use case: pushing what is queued, testing the connection."""

from __future__ import annotations

import contextlib

from app.core.context import JobContext
from app.core.destinations import DIMSE, DimseSettings
from app.core.errors import EnvironmentFault, UserError
from app.domain.roles import Action, Actor
from app.services.archiving.connector import OrthancConnector
from app.services.archiving.dimse_connector import DimseConnector, DimseSystem
from app.services.door import Door
from app.services.sending.service import ARCHIVES, SendingService, SendReport
from app.transfer.orthanc import System


class ArchiveService:
    """The archives of one library. Any thread."""

    def __init__(self, door: Door, sending: SendingService, orthanc: OrthancConnector, dimse: DimseConnector) -> None:
        self._door = door
        self._sending = sending
        self._orthanc = orthanc
        self._dimse = dimse

    def push(self, actor: Actor, ctx: JobContext, trigger: str = "user") -> SendReport:
        """Send what is queued for the archives, once; what was parked or blocked is tried again.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``pacs.not_set_up`` where there is no archive; as :meth:`SendingService.send`.
        """
        self._door.require(actor, Action.ARCHIVE_PUSH)
        archives = self._sending.enabled(ARCHIVES)
        if not archives:
            raise UserError("pacs.not_set_up")
        return self._sending.send(actor, ctx, archives, trigger)

    def test(self, actor: Actor) -> System:
        """Try the connection to the Orthanc; what is unsafe there is among its warnings.

        Raises
        ------
        BitewingError
            As :meth:`Orthanc.system`, and ``pacs.not_set_up``.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        try:
            with contextlib.closing(self._orthanc.open()) as orthanc:
                return orthanc.system()
        except EnvironmentFault as fault:
            if fault.code != "pacs.certificate":
                raise
            # What is not trusted is shown, so that an administrator can compare it and trust it.
            raise EnvironmentFault(fault.code, fingerprint=self._orthanc.certificate().fingerprint) from fault

    def test_dimse(self, actor: Actor, name: str) -> DimseSystem:
        """Try the connection to an archive that speaks only DIMSE: a sign of life, and what it lets us do.

        Raises
        ------
        BitewingError
            As :meth:`DimseConnector.look_at`, and ``settings.no_connection``.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        return self._dimse.look_at(self._dimse.archive(f"{DIMSE}.{name}"))

    def try_out(self, actor: Actor, archive: DimseSettings) -> DimseSystem:
        """Try settings that are not stored yet. Raises as :meth:`test_dimse`."""
        self._door.require(actor, Action.SETTINGS_CHANGE)
        return self._dimse.look_at(archive)
