"""Receiving from sensors and modalities: what the DICOM listener took is imported like any other file.

Objects lie in the spool folder from the moment their sender was told "success"; they leave it once the library has
them, so that a crash in between loses nothing.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Protocol

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.core.files import claim_some_name, free_bytes, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.imports import ImportsService
from app.services.receive_report import ReceiveReport
from app.services.settings import SettingsService
from app.storage.events import Level
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.transfer.dimse.answering import Answerer
from app.transfer.dimse.commitment import Commitments
from app.transfer.listener import Listener, ListenerArgs

log = logging.getLogger(__name__)

TOPIC = "receive"
BATCH = 50
_LOOK_S = 0.3
_AGAIN_S = 30.0


class AnswersSomebody(Protocol):
    """Makes ready to answer peers that ask for what is here."""

    def begin(self, actor: Actor) -> Answerer:
        """Give who answers. Raises ``role.refused``."""


class ReceivingService:
    """The listener of this workstation. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        imports: ImportsService,
        events: EventLog,
        commitments: Commitments,
        answering: AnswersSomebody,
    ) -> None:
        """``commitments`` hears what archives report of what this process asked them to commit to.

        ``answering`` gives who answers known peers, where the workstation's settings want that.
        """
        self._door = door
        self._paths = paths
        self._settings = settings
        self._imports = imports
        self._events = events
        self._commitments = commitments
        self._answering = answering
        self._again: dict[Path, float] = {}
        self._reserve_bytes = 0

    def run(
        self, actor: Actor, ctx: JobContext, report: ReceiveReport, port: int | None = None, ae_title: str = ""
    ) -> None:
        """Listen and import until stopped; ``port`` and ``ae_title`` win over the settings.

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``receive.port_taken``, ``receive.port_refused``.
        Cancelled
            When stopped.
        """
        self._door.require(actor, Action.MONITOR_RUN)
        local = self._settings.workstation()
        args = ListenerArgs(port or local.receive_port, ae_title or local.receive_aet, self._paths.received)
        self._reserve_bytes = self._settings.clinic().reserve_bytes
        answerer = self._answering.begin(actor) if local.receive_answer else None
        listener = Listener(args, self._has_room, self._commitments, answerer)
        listener.start()
        try:
            while True:
                # Looked up here: the listener asks from threads of its own, every few megabytes.
                self._reserve_bytes = self._settings.clinic().reserve_bytes
                if not self._take(actor, ctx, report):
                    ctx.wait(_LOOK_S)
        finally:
            listener.stop()

    def _has_room(self) -> bool:
        return free_bytes(self._paths.root) > self._reserve_bytes

    def _take(self, actor: Actor, ctx: JobContext, report: ReceiveReport) -> bool:
        """Import what lies in the spool; whether there was anything."""
        now = time.monotonic()
        found = sorted(self._paths.received.glob("*.dcm"))
        waiting = [path for path in found if self._again.get(path, now) <= now][:BATCH]
        if not waiting:
            return False
        settled: list[Path] = []

        def done(item: ImportItem) -> None:
            report.counts[item.status.value] += 1
            if item.status is ItemStatus.SKIPPED:
                # Its sender was told that it is safe: it is no image, but it is kept.
                self._set_aside(actor, Path(item.path))
            elif item.status is not ItemStatus.FAILED:
                settled.append(Path(item.path))

        try:
            self._imports.run_as(actor, Action.MONITOR_RUN, ImportArgs(tuple(waiting), trigger=TOPIC), ctx, done, TOPIC)
        except BitewingError as error:
            if error.code == "cancelled":
                raise
            # A full disk, say: it all lies in the spool and is tried again.
            self._events.say(actor, Level.ERROR, TOPIC, "receive.not_imported", cause=error.code, files=len(waiting))
            ctx.wait(_AGAIN_S)
        finally:
            # Whatever is still there is tried again later, not in a circle.
            self._again = {path: again for path, again in self._again.items() if path in found and again > now}
            for path in settled:
                try:
                    path.unlink()
                except OSError as error:
                    log.warning("imported, and cannot be removed from the spool: %s", type(error).__name__)
            self._again.update((path, now + _AGAIN_S) for path in waiting if path.exists())
        return True

    def _set_aside(self, actor: Actor, path: Path) -> None:
        aside = self._paths.received / "aside"
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            claim_some_name(path, aside / path.name)
        except OSError as error:
            raise translate_os_error(error) from error
        self._events.say(actor, Level.WARNING, TOPIC, "receive.set_aside")
