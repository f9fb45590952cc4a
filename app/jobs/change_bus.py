"""One place where every view hears what changed, whoever changed it.

Services publish from any thread; other processes are heard by polling the change log. Bursts are put
together, so that importing a thousand files does not redraw the window a thousand times.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.core.errors import BitewingError
from app.domain.changes import ChangeSet
from app.jobs.calls import Calls

POLL_INTERVAL_MS = 500
GATHER_MS = 60


class ChangeBus(QObject):
    """Delivers :class:`ChangeSet` in the window's thread through ``changed``."""

    changed = Signal(object)
    _published = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pending: list[ChangeSet] = []
        self._seq: int | None = None
        self._poll: Callable[[int | None], ChangeSet] | None = None
        self._calls: Calls | None = None
        self._gather = QTimer(self)
        self._gather.setSingleShot(True)
        self._gather.setInterval(GATHER_MS)
        self._gather.timeout.connect(self._on_gather_timeout)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._published.connect(self._on_published, Qt.ConnectionType.QueuedConnection)

    def publish(self, changes: ChangeSet) -> None:
        """Tell every view. Any thread."""
        self._published.emit(changes)

    def watch(self, calls: Calls, poll: Callable[[int | None], ChangeSet], seq: int | None = None) -> None:
        """Ask ``poll(last seq)`` twice a second, on a thread of ``calls``, for what others changed."""
        self._calls, self._poll, self._seq = calls, poll, seq
        self._timer.start()

    def stop(self) -> None:
        """Stop polling and drop what is pending."""
        self._timer.stop()
        self._gather.stop()
        self._pending.clear()

    @Slot(object)
    def _on_published(self, changes: ChangeSet) -> None:
        if not changes.changes:
            return
        self._pending.append(changes)
        if not self._gather.isActive():
            self._gather.start()

    @Slot()
    def _on_gather_timeout(self) -> None:
        pending, self._pending = self._pending, []
        merged = ChangeSet.merged(pending)
        if merged.changes:
            self.changed.emit(merged)

    @Slot()
    def _on_timer_timeout(self) -> None:
        if self._calls is None or self._poll is None or self._calls.busy(self):
            return
        poll, seq = self._poll, self._seq
        self._calls.ask(self, lambda: poll(seq), self._on_polled, self._on_poll_failed)

    def _on_polled(self, changes: ChangeSet) -> None:
        if changes.seq is not None:
            self._seq = changes.seq
        self._on_published(changes)

    def _on_poll_failed(self, _error: BitewingError) -> None:
        # The next poll asks again; a catalogue that stays away shows in the status bar.
        return
