"""Bringing a large file to the disk while it is still being written, so that the last fsync finds little to do."""

from __future__ import annotations

import os
import threading

_EVERY_BYTES = 64 << 20


class Flusher:
    """Flushes a growing file on a thread of its own, which ends after :meth:`ended`."""

    def __init__(self, descriptor: int) -> None:
        # Its own, so that the writer may close the file before this has ended.
        self._descriptor = os.dup(descriptor)
        self._grown = threading.Event()
        self._ended = False
        self._bytes = 0
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="backup-flush")
        self._thread.start()

    def wrote(self, size: int) -> None:
        """Hear that the file has grown."""
        self._bytes += size
        if self._bytes >= _EVERY_BYTES:
            self._bytes = 0
            self._grown.set()

    def ended(self) -> None:
        """Hear that nothing more will be written; the last flush begins."""
        self._ended = True
        self._grown.set()

    def end(self) -> None:
        """End the thread, whatever the file is like."""
        self.ended()
        self._thread.join()

    def wait(self) -> None:
        """Wait until everything is on the disk. Raises OSError, also for a flush long past."""
        self.end()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            last = False
            while not last:
                self._grown.wait()
                self._grown.clear()
                # Read before flushing: only a flush that begins after the end covers everything.
                last = self._ended
                os.fsync(self._descriptor)
        except OSError as error:
            # An error is reported once by the system; it must not be lost before somebody waits.
            self._error = error
        finally:
            os.close(self._descriptor)
