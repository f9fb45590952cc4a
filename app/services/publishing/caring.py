"""What a public place gets beside its copies: looked over before the first of them and every day, trial files swept.

Where the names can be listed, or more is shown than the public folder, nothing is published until that is mended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.domain.publication import FOLDER, public_destination
from app.services.mirroring.care import UNFINISHED
from app.services.publishing.proving import is_control
from app.services.publishing.trying import OBSTACLES, look_over
from app.services.workroom import private_folder
from app.storage.catalogue import Catalogue
from app.transfer.stores.store import Store

log = logging.getLogger(__name__)

_DAY_MS = 24 * 60 * 60 * 1000
# How often it is tried again to look a place over that did not answer.
_HOUR_MS = 60 * 60 * 1000
# Of what stands against a hundred copies that wait it is enough to hear once.
_SAME_S = 60.0


class PublicCare:
    """Looks after one public place. Any thread. ``warn`` says a code aloud."""

    def __init__(
        self, store: Catalogue, mirror: MirrorSettings, place: Store, ctx: JobContext, warn: Callable[[str], None]
    ) -> None:
        self._store = store
        self._mirror = mirror
        self._place = place
        self._ctx = ctx
        self._warn = warn
        self._destination = public_destination(mirror.name)
        self._lock = threading.Lock()
        # What was found last to stand against publishing, and when by the clock of this process.
        self._found: tuple[list[str], float] | None = None

    def require_closed(self) -> None:
        """Return when neither names nor other files are told to strangers, as of today.

        Raises
        ------
        EnvironmentFault
            ``publish.listed``, ``publish.all_public``.
        BitewingError
            As every call of a store, and as :func:`look_at`: without an answer nothing is known.
        """
        with self._lock:
            if self._is_known_to_be_closed():
                return
            if self._found is None or time.monotonic() - self._found[1] > _SAME_S:
                self._found = (self._look_over(), time.monotonic())
            for code in self._found[0]:
                raise EnvironmentFault(code)

    def after_round(self) -> None:
        """Do what is due. Raises Cancelled."""
        if self._store.database.read_only:
            return
        with self._store.read():
            has_any = self._store.publications.open_at(self._destination) > 0
        try:
            if has_any and not self._is_known_to_be_closed() and self._is_due("asked", _HOUR_MS):
                self._note("asked", epoch_ms(utc_now()))
                found = self._look_over()
                if found and self._is_due("warned", _DAY_MS):
                    self._warn(found[0])
                    self._note("warned", epoch_ms(utc_now()))
            if self._is_due("swept", _DAY_MS):
                self._sweep()
                self._note("swept", epoch_ms(utc_now()))
        except Cancelled:
            raise
        except BitewingError as fault:
            # A later round asks again; a place that is away is told of by its queue.
            log.info("public place not looked after: %s", fault.code)

    def _look_over(self) -> list[str]:
        """Try the place out and note it where all is well; return what stands against publishing there."""
        if not (self._mirror.public_url and self._mirror.publish):
            return []
        with private_folder(self._store) as work:
            found = look_over(self._mirror, self._place, work, self._ctx)
        if not found:
            self._note("closed", {"at": epoch_ms(utc_now()), "where": self._where()})
        return [code for code in OBSTACLES if code in found]

    def _is_known_to_be_closed(self) -> bool:
        known = self._known("closed")
        if not isinstance(known, dict) or known.get("where") != self._where():
            return False
        at = known.get("at")
        return isinstance(at, int) and 0 <= epoch_ms(utc_now()) - at < _DAY_MS

    def _where(self) -> list[str]:
        mirror = self._mirror
        return [mirror.public_url, mirror.kind, mirror.host, mirror.endpoint, mirror.bucket, mirror.path]

    def _sweep(self) -> None:
        """Remove what a broken line or a killed process left: uploads that nobody finished, and trial files."""
        # The rounds of a mirror that is in use walk through all of it, which may take long; taking back is not to wait.
        swept = 0 if self._mirror.enabled else self._place.sweep(UNFINISHED)
        oldest = utc_now() - UNFINISHED
        for folder in (FOLDER, ""):
            for entry in self._place.list(folder):
                if is_control(entry.name) and entry.modified is not None and entry.modified <= oldest:
                    swept += self._place.delete(entry.name)
        if swept:
            log.info("trial files and unfinished uploads removed at a public place: %d", swept)

    def _is_due(self, what: str, every_ms: int) -> bool:
        last = self._known(what)
        return not isinstance(last, int) or not 0 <= epoch_ms(utc_now()) - last < every_ms

    def _known(self, what: str) -> Any:
        with self._store.read():
            return self._store.state.get(f"{self._destination}.{what}")

    def _note(self, what: str, value: Any) -> None:
        self._store.state.set(f"{self._destination}.{what}", value)
