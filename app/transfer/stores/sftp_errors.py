"""Turns what SSH and SFTP (draft-ietf-secsh-filexfer-02 section 7) say into the program's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

END_OF_FILE, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 1, 2, 3, 4
_LINE_LOST = {6, 7}


class SftpStatus(Exception):
    """A server's answer that something did not go: its number and its words."""

    def __init__(self, number: int, text: str = "") -> None:
        super().__init__(text)
        self.number, self.text = number, text


@contextmanager
def translated(name: str = "") -> Iterator[None]:
    """Raise what happens on an open connection as the program's own errors."""
    import paramiko

    try:
        yield
    except SftpStatus as error:
        raise fault_of(error, name) from error
    except TimeoutError as error:
        raise TransientFault("store.slow") from error
    except (EOFError, OSError, paramiko.SSHException) as error:
        raise TransientFault("store.cut_off") from error


@contextmanager
def connecting() -> Iterator[None]:
    """Raise what happens before a connection stands as the program's own errors."""
    import paramiko

    try:
        yield
    except paramiko.AuthenticationException as error:
        raise EnvironmentFault("store.unauthorized") from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise EnvironmentFault("store.no_encryption", detail=str(error)) from error
    except (paramiko.SSHException, EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise TransientFault("store.cut_off") from error
    except (OSError, UnicodeError) as error:
        raise TransientFault("store.unreachable") from error


def fault_of(error: SftpStatus, name: str = "") -> BitewingError:
    """Return what a status means where nothing else is known about the request."""
    if error.number in _LINE_LOST:
        return TransientFault("store.cut_off")
    codes = {NO_SUCH_FILE: "store.not_there", PERMISSION_DENIED: "store.forbidden"}
    return EnvironmentFault(codes.get(error.number, "store.failed"), name=name, detail=error.text)
