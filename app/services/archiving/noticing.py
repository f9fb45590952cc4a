"""Notices studies that came to the archive from elsewhere, through Orthanc's ``/changes``; a number, never a copy.

Looks every half minute. The first look only remembers where the list of changes stands, so that an archive of ten years
does not count as news. What the library holds by now, its own images above all, is no news either.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.archiving.access import archive_args
from app.services.door import Door
from app.services.settings import SettingsService
from app.transfer.orthanc import Orthanc

log = logging.getLogger(__name__)

EVERY_S = 30.0
OnArrived = Callable[[Sequence[str]], object]
# After a longer absence there may be many changes; the rest is read the next time.
_ROUNDS = 100
MOST = 500
_STATE = "archive_changes"


class ArchiveNews:
    """What is new in the archive of one library. Any thread."""

    def __init__(self, door: Door, settings: SettingsService) -> None:
        self._door = door
        self._settings = settings
        self._arrived: list[str] = []

    def run(self, actor: Actor, ctx: JobContext, on_arrived: OnArrived | None = None) -> None:
        """Look for ever; an archive that is away is looked at again later. Raises Cancelled, UserError.

        Parameters
        ----------
        on_arrived
            Called after each look with the studies that came or settled since the one before, ours too.
        """
        was_away = False
        while True:
            try:
                self.look(actor)
                if on_arrived is not None:
                    arrived, self._arrived = self._arrived, []
                    on_arrived(arrived)
                was_away = False
            except EnvironmentFault as error:
                if not was_away:
                    log.info("nothing heard of the archive: %s", error.code)
                was_away = True
            ctx.wait(EVERY_S)

    def look(self, actor: Actor) -> int:
        """Take note of what came since the last look, and return how many studies are new.

        Raises
        ------
        BitewingError
            As :meth:`Orthanc.changes` and :func:`archive_args`.
        """
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        args = archive_args(self._settings)
        with contextlib.closing(Orthanc(args)) as orthanc:
            known = self._known(args.url)
            if known is None or (newest := orthanc.last_change()) < known["last"]:
                # Another archive, or one that was made anew and counts from the beginning.
                self._keep(args.url, orthanc.last_change(), [])
                return 0
            if newest == known["last"]:
                return self.count(actor)
            return self._take_note(actor, orthanc, args.url, known)

    def count(self, actor: Actor) -> int:
        """Return how many studies came since somebody last looked and are not in the library."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            known = self._known(self._settings.clinic().orthanc_url)
            studies = known["new"] if known is not None else []
            return len(frozenset(studies) - store.studies.held(studies).keys())

    def seen(self, actor: Actor) -> None:
        """Take note that somebody looked into the archive: nothing is new any more."""
        self._door.require(actor, Action.ARCHIVE_BROWSE)
        url = self._settings.clinic().orthanc_url
        known = self._known(url)
        if known is not None and known["new"]:
            self._keep(url, known["last"], [])
            self._say()

    def _take_note(self, actor: Actor, orthanc: Orthanc, url: str, known: dict[str, Any]) -> int:
        last, arrived = known["last"], dict.fromkeys(known["new"])
        for _round in range(_ROUNDS):
            changes = orthanc.changes(last)
            last = max(last, changes.last)
            for study in changes.studies:
                uid = orthanc.study_uid(study)
                if uid is not None:
                    arrived[uid] = None
            if changes.is_all:
                break
        self._arrived += arrived
        with self._door.store.read():
            held = self._door.store.studies.held(arrived)
        new = [uid for uid in arrived if uid not in held][-MOST:]
        if (now := self._known(url)) is not None and now["new"] != known["new"]:
            # Somebody looked meanwhile.
            new = [uid for uid in new if uid not in known["new"]]
        self._keep(url, last, new)
        if new != known["new"]:
            self._say()
        return self.count(actor)

    def _known(self, url: str) -> dict[str, Any] | None:
        known = self._door.store.state.get(_STATE)
        is_sound = isinstance(known, dict) and known.get("url") == url and isinstance(known.get("last"), int)
        return {**known, "new": list(known.get("new", []))} if is_sound else None

    def _keep(self, url: str, last: int, new: list[str]) -> None:
        self._door.store.state.set(_STATE, {"url": url, "last": last, "new": new})

    def _say(self) -> None:
        self._door.publish(ChangeSet((Change(Entity.STUDY, ChangeKind.ADDED, ""),)))
