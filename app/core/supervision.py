"""What a service manager is told of this process: systemd's notification protocol, a datagram to a socket it names.

Without such a manager nothing is sent, and nothing here can fail the work: who is not heard is restarted.
"""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
WATCHDOG_PID_VARIABLE = "WATCHDOG_PID"

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"


def tell(*lines: str) -> bool:
    """Tell the manager; ``False`` where there is none or it does not listen."""
    address = os.environ.get(SOCKET_VARIABLE)
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            # A manager that is stuck must not stick us.
            wire.setblocking(False)
            wire.sendto("\n".join(lines).encode("utf-8"), address)
    except OSError as error:
        log.debug("the service manager was not told: %s", type(error).__name__)
        return False
    return True


def watchdog_s() -> float | None:
    """Return after how many seconds of silence the manager ends this process; ``None``: never."""
    pid = os.environ.get(WATCHDOG_PID_VARIABLE)
    if pid is not None and pid != str(os.getpid()):
        return None
    try:
        allowed_s = int(os.environ.get(WATCHDOG_VARIABLE, "")) / 1e6
    except ValueError:
        return None
    return allowed_s if allowed_s > 0 else None
