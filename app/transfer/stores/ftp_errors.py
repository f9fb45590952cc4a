"""Turns what ftplib, TLS and the replies of FTP servers (RFC 959 section 4.2) say into the program's own errors."""

from __future__ import annotations

import ftplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

# Servers say "full" under several numbers; the words are surer. vsftpd has only "451 Failure writing to local file".
_FULL = re.compile(r"no space|quota|disk full|not enough space|insufficient|exceed|to local file", re.IGNORECASE)
_CODES: dict[str, tuple[type[BitewingError], str]] = {
    "421": (TransientFault, "store.busy"),
    "425": (TransientFault, "store.cut_off"),
    "426": (TransientFault, "store.cut_off"),
    "450": (TransientFault, "store.busy"),
    "451": (TransientFault, "store.busy"),
    "430": (EnvironmentFault, "store.unauthorized"),
    "530": (EnvironmentFault, "store.unauthorized"),
    "532": (EnvironmentFault, "store.unauthorized"),
    "452": (EnvironmentFault, "store.full"),
    "552": (EnvironmentFault, "store.full"),
    "550": (EnvironmentFault, "store.forbidden"),
    "553": (EnvironmentFault, "store.forbidden"),
}


@contextmanager
def translated(name: str = "") -> Iterator[None]:
    """Raise what happens on an open connection as the program's own errors."""
    try:
        yield
    except ftplib.Error as error:
        raise fault_of(error, name) from error
    except ssl.SSLCertVerificationError as error:
        raise EnvironmentFault("store.certificate", reason=error.verify_message) from error
    except TimeoutError as error:
        raise TransientFault("store.slow") from error
    except (EOFError, OSError) as error:
        raise TransientFault("store.cut_off") from error


@contextmanager
def connecting() -> Iterator[None]:
    """Raise what happens before a connection stands as the program's own errors."""
    try:
        yield
    except ftplib.Error as error:
        raise fault_of(error) from error
    except ssl.SSLCertVerificationError as error:
        raise EnvironmentFault("store.certificate", reason=error.verify_message) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise TransientFault("store.cut_off") from error
    except ssl.SSLError as error:
        # Too old a protocol, or no TLS at all behind "AUTH TLS".
        raise EnvironmentFault("store.no_encryption", detail=error.reason or "") from error
    except (OSError, UnicodeError) as error:
        raise TransientFault("store.unreachable") from error


def fault_of(error: ftplib.Error, name: str = "") -> BitewingError:
    """Return what a reply means where nothing else is known about the command."""
    reply = str(error)
    if isinstance(error, ftplib.error_reply | ftplib.error_proto):
        return TransientFault("store.cut_off")
    kind, code = _CODES.get(reply[:3], (EnvironmentFault, "store.failed"))
    if _FULL.search(reply) and reply[:1] in "45":
        kind, code = EnvironmentFault, "store.full"
    if kind is TransientFault:
        return TransientFault(code)
    return EnvironmentFault(code, name=name, detail=reply)


def is_refused(error: ftplib.Error) -> bool:
    """Whether a reply speaks of the file or folder named: missing, not allowed, taken."""
    return str(error)[:3] in {"521", "550", "553", "501"} and not _FULL.search(str(error))
