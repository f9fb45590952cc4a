"""Who looked at which image, written down in batches within a second (P2).

Looking must never wait for the database; what was looked at is still written before the library closes.
"""

from __future__ import annotations

import logging
import threading

from app.core.errors import BitewingError
from app.domain.changes import Entity
from app.domain.roles import Action, Actor
from app.services.door import Door

log = logging.getLogger(__name__)

FLUSH_AFTER_S = 0.8


class ViewLog:
    """Gathers views and writes them. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._lock = threading.Lock()
        self._waiting: dict[Actor, dict[str, None]] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    def add(self, actor: Actor, image_id: str) -> None:
        """Note that an image was looked at."""
        with self._lock:
            self._waiting.setdefault(actor, {})[image_id] = None
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(FLUSH_AFTER_S, self.flush)
                self._timer.daemon = True
                self._timer.name = "view-log"
                self._timer.start()

    def flush(self) -> None:
        """Write what waits, now."""
        with self._lock:
            waiting, self._waiting, self._timer = self._waiting, {}, None
        try:
            for actor, ids in waiting.items():
                self._write(actor, ids)
        finally:
            # This may be a timer's own thread, whose connection nobody else will close.
            if threading.current_thread().name == "view-log":
                self._door.store.close_thread()

    def close(self) -> None:
        """Write what waits and accept no more timers."""
        with self._lock:
            self._closed = True
            timer = self._timer
        if timer is not None:
            timer.cancel()
            if timer is not threading.current_thread():
                timer.join(timeout=5)
        self.flush()

    def _write(self, actor: Actor, ids: dict[str, None]) -> None:
        """Write one actor's views in a transaction of their own; what fails waits for the next time."""
        try:
            with self._door.writing(actor, Action.IMAGE_VIEW) as unit:
                for image_id in ids:
                    unit.audit(Entity.IMAGE, image_id)
        except BitewingError as error:
            log.warning("views not written yet: %s", error.code)
            with self._lock:
                self._waiting.setdefault(actor, {}).update(ids)
