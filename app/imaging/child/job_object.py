"""A Windows Job Object: caps the child's memory and ends it with the parent.

Does nothing on other systems. Only ctypes, so that no extra package is needed.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_KILL_ON_JOB_CLOSE = 0x2000
_PROCESS_MEMORY = 0x0100
_ACTIVE_PROCESS = 0x0008
_DIE_ON_UNHANDLED_EXCEPTION = 0x0400
_EXTENDED_LIMIT_INFORMATION = 9


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", ctypes.c_uint32),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", ctypes.c_uint32),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", ctypes.c_uint32),
        ("SchedulingClass", ctypes.c_uint32),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


def limits(memory_bytes: int) -> _ExtendedLimits:
    """Return the structure that asks for the memory cap and for kill-on-close."""
    wanted = _ExtendedLimits()
    wanted.BasicLimitInformation.LimitFlags = (
        _KILL_ON_JOB_CLOSE | _PROCESS_MEMORY | _ACTIVE_PROCESS | _DIE_ON_UNHANDLED_EXCEPTION
    )
    wanted.BasicLimitInformation.ActiveProcessLimit = 2  # a frozen program starts itself once more
    wanted.ProcessMemoryLimit = memory_bytes
    return wanted


def confine(process_handle: int, memory_bytes: int) -> Any:
    """Put the process into a new job; keep the returned handle as long as it shall live.

    Returns None on other systems and when Windows refuses (the parent then watches the memory).
    """
    if os.name != "nt":
        return None
    kernel = _kernel()
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    job = kernel.CreateJobObjectW(None, None)
    if not job:
        return None
    wanted = limits(memory_bytes)
    if not kernel.SetInformationJobObject(
        ctypes.c_void_p(job),
        _EXTENDED_LIMIT_INFORMATION,
        ctypes.byref(wanted),
        ctypes.sizeof(wanted),
    ) or not kernel.AssignProcessToJobObject(ctypes.c_void_p(job), ctypes.c_void_p(process_handle)):
        kernel.CloseHandle(ctypes.c_void_p(job))
        return None
    return job


def release(job: Any) -> None:
    """Close the job handle, which ends whatever still runs in it."""
    if job is not None:
        _kernel().CloseHandle(ctypes.c_void_p(job))


def _kernel() -> Any:
    return ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
