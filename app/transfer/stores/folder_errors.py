"""Turns what the operating system says about a folder store into the program's own errors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

_BLOCKING = {
    errno.ENOSPC: "store.full",
    errno.EFBIG: "store.full",
    getattr(errno, "EDQUOT", -1): "store.full",
    errno.EACCES: "store.forbidden",
    errno.EPERM: "store.forbidden",
    errno.EROFS: "store.forbidden",
    errno.ENAMETOOLONG: "store.bad_name",
    errno.EINVAL: "store.bad_name",
    errno.EILSEQ: "store.bad_name",
    errno.EISDIR: "store.bad_name",
    errno.ENOTDIR: "store.bad_name",
    errno.EEXIST: "store.bad_name",
}
# A drive or a share that went away, in the words of Linux, macOS and (winerror) Windows.
_AWAY = {
    getattr(errno, name, -1)
    for name in ("EIO", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT", "EREMOTEIO")
}
_WINDOWS_AWAY = {21, 53, 55, 59, 64, 67, 121, 1167, 1231}
_WINDOWS_FULL = {39, 112}
_WINDOWS_BAD_NAME = {123, 206}


@contextmanager
def translated(base: Path, name: str = "") -> Iterator[None]:
    """Raise what the operating system raises inside as the program's own errors."""
    try:
        yield
    except OSError as error:
        raise _fault(error, base, name) from error
    except ValueError as error:
        # A name that this system cannot even write down.
        raise EnvironmentFault("store.bad_name", name=name) from error


def _fault(error: OSError, base: Path, name: str) -> BitewingError:
    windows = getattr(error, "winerror", None)
    if windows in _WINDOWS_AWAY or error.errno in _AWAY or not base.is_dir():
        return TransientFault("store.unreachable", name=str(base))
    if windows in _WINDOWS_FULL:
        return EnvironmentFault("store.full")
    if windows in _WINDOWS_BAD_NAME:
        return EnvironmentFault("store.bad_name", name=name)
    if error.errno == errno.ENOENT:
        return EnvironmentFault("store.not_there", name=name)
    code = _BLOCKING.get(error.errno or 0, "store.failed")
    return EnvironmentFault(code, name=name, detail=error.strerror or "")
