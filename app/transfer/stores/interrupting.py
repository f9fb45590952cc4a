"""Cancelling a transfer that waits for the other side: its sockets are shut, and what that raises is no fault."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from app.core.context import JobContext
from app.core.errors import TransientFault


@contextmanager
def interruptible(ctx: JobContext, hang_up: Callable[[], None], grace_s: float = 0.0) -> Iterator[None]:
    """Call ``hang_up`` (from another thread) when the run is cancelled inside. Raises Cancelled.

    ``grace_s``: how long the block may still take to stop by itself and tidy up.
    """
    timer = threading.Timer(grace_s, hang_up) if grace_s else None
    if timer is not None:
        timer.daemon = True
    with ctx.token.calling(timer.start if timer else hang_up):
        try:
            yield
        except TransientFault:
            ctx.check()
            raise
        finally:
            if timer is not None:
                timer.cancel()


def shut(connection: socket.socket | None) -> None:
    """Wake whoever waits for this connection, from any thread."""
    if connection is not None:
        with suppress(OSError):
            # Not an SSLSocket's own shutdown, which takes its TLS away under the thread that uses it.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
