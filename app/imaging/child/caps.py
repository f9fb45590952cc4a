"""Limits that the decoding child puts on itself, and what the parent does where it cannot.

Linux: address space, processor time, file size, no core dumps, no network, death with the parent.
macOS has no working address-space limit: there the parent watches the memory. Windows: the parent
puts the child into a Job Object (``job_object``). Nothing here decodes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024
"""Bad inputs, general rule: 1.5 GiB."""
REQUEST_LIMIT_S = 15.0
"""Wall clock for one request, or for one frame of a long one."""
TOTAL_LIMIT_S = 300.0
"""Wall clock for a request that reports frame after frame."""
CPU_LIMIT_S = 60
"""Processor time for one request (several threads): a guard for when the parent is stopped."""
PAYLOAD_LIMIT_BYTES = 2 * 1024 * 1024 * 1024

FILE_LIMIT_BYTES = 5 * 1024 * 1024 * 1024
"""The largest file that may be mapped: 4 GiB of decoded volume (B8) with room for its header."""
MAPPED_ABOVE_BYTES = 64 * 1024 * 1024
"""Smaller files are loaded and count as own memory."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def can_limit_memory() -> bool:
    """Whether this system lets a process cap its own memory."""
    return sys.platform.startswith("linux")


def apply_caps(memory_bytes: int, parent_pid: int) -> dict[str, Any]:
    """Put every limit this system knows on the present process; return what took hold.

    Must run before heavy imports: a new network namespace needs a single thread.
    """
    applied: dict[str, Any] = {"memory": False, "network": False}
    if sys.platform == "win32":
        return applied
    import resource  # POSIX only

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (PAYLOAD_LIMIT_BYTES, PAYLOAD_LIMIT_BYTES))
    if sys.platform.startswith("linux"):
        _linux_caps(parent_pid, applied)
        if memory_bytes:
            # Own memory is capped for good; address space also holds the file that is being read, see below.
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes + FILE_LIMIT_BYTES))
            applied["memory"] = True
    return applied


def _linux_caps(parent_pid: int, applied: dict[str, Any]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(3)  # the parent died before the signal was armed
    # An own, empty network namespace; unprivileged accounts need a user namespace around it.
    applied["network"] = libc.unshare(_CLONE_NEWNET) == 0 or (
        os.geteuid() != 0 and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    )


def allow_mapping(path: Path, memory_bytes: int) -> None:
    """Make room in the address space for a large file, which is mapped and not loaded."""
    if not memory_bytes or not sys.platform.startswith("linux"):
        return
    import resource

    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    mapped = size if size > MAPPED_ABOVE_BYTES else 0
    resource.setrlimit(resource.RLIMIT_AS, (min(memory_bytes + mapped, hard), hard))


def renew_cpu_limit() -> None:
    """Allow :data:`CPU_LIMIT_S` more processor seconds, for the request that begins."""
    if sys.platform == "win32":
        return
    import resource  # POSIX only

    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + CPU_LIMIT_S
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def exit_with_parent(descriptor: int) -> None:
    """End this process as soon as the other end of the socket ``descriptor`` is closed.

    Covers systems without a parent-death signal; a thread, so that it works while decoding.
    """
    import select  # POSIX only

    def watch() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # only hang-up and error are reported
        while True:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
                os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
