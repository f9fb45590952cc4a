"""An SSH connection to a server whose host key is known: checked before anything secret is said to it.

There is no "accept whatever comes": an unknown key is refused with its fingerprint, a changed one for good (SEC-18).
"""

from __future__ import annotations

import hmac
import logging
import re
import socket
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.errors import EnvironmentFault, UserError
from app.transfer.stores.sftp_errors import connecting

if TYPE_CHECKING:
    import paramiko

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
# Fastest first, all of them authenticated; whatever else the library knows comes after.
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
_WINDOW_BYTES, _KEEP_ALIVE_S = 8 << 20, 30
# SHA-1 signatures.
_WEAK = {"keys": ["ssh-rsa", "ssh-dss"], "pubkeys": ["ssh-rsa", "ssh-dss"]}


@dataclass(frozen=True, slots=True)
class SftpArgs:
    """Where an SFTP server is and who we are there.

    ``trust``: SHA-256 fingerprints of its host key as OpenSSH writes them (``SHA256:…``), one or more. Signing in: by
    ``key_file`` (``password`` is its pass phrase), else by ``password``, else by the keys of a running agent.
    ``path``: the base folder; relative: from where the user starts. One in ``reread_every`` files is read back.
    """

    host: str
    username: str
    password: str = field(default="", repr=False)
    key_file: str = ""
    port: int = 22
    path: str = ""
    trust: str = ""
    reread_every: int = 20
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0


def connect(args: SftpArgs) -> paramiko.Transport:
    """Return a connection that is signed in.

    Raises
    ------
    TransientFault
        ``store.unreachable``, ``store.cut_off``.
    EnvironmentFault
        ``store.host_key_unknown``, ``store.host_key_changed`` (facts ``fingerprint``, ``expected``),
        ``store.unauthorized``.
    UserError
        ``store.bad_trust``, ``store.bad_key``.
    """
    import paramiko

    # What it logs as errors, with traces, it also raises.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    expected = parse_fingerprints(args.trust)
    key = _private_key(args)
    with connecting():
        line = socket.create_connection((args.host, args.port), timeout=args.connect_timeout_s)
    # Many small packets, and nobody wants to wait for the next one to fill them up.
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        # The library waits for ever to get rid of a packet; the system does not (RFC 5482).
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(args.timeout_s * 1000))
    transport = None
    try:
        with connecting():
            transport = paramiko.Transport(
                line, default_window_size=_WINDOW_BYTES, disabled_algorithms={name: list(_WEAK[name]) for name in _WEAK}
            )
            options = transport.get_security_options()
            options.ciphers = [name for name in _CIPHERS if name in options.ciphers]
            transport.banner_timeout = transport.auth_timeout = args.connect_timeout_s
            transport.start_client(timeout=args.connect_timeout_s)
            _require_known(transport.get_remote_server_key(), expected)
            _sign_in(transport, args, key)
            transport.set_keepalive(_KEEP_ALIVE_S)
    except BaseException:
        if transport is not None:
            transport.close()
        line.close()
        raise
    return transport


def parse_fingerprints(trust: str) -> tuple[str, ...]:
    """Read the fingerprints that an administrator compared.

    Raises
    ------
    UserError
        ``store.bad_trust``.
    """
    found = tuple(part.rstrip("=") for part in re.split(r"[\s,;]+", trust) if part)
    for part in found:
        if not _FINGERPRINT.fullmatch(part):
            raise UserError("store.bad_trust", trust=part)
    return found


def host_key_fingerprint(key: bytes) -> str:
    """Return a host key's fingerprint as ``ssh-keygen -l`` writes it."""
    return "SHA256:" + b64encode(sha256(key).digest()).decode("ascii").rstrip("=")


def _require_known(key: paramiko.PKey, expected: tuple[str, ...]) -> None:
    found = host_key_fingerprint(key.asbytes())
    if not expected:
        raise EnvironmentFault("store.host_key_unknown", fingerprint=found)
    if not any(hmac.compare_digest(found, one) for one in expected):
        raise EnvironmentFault("store.host_key_changed", fingerprint=found, expected=" ".join(expected))


def _private_key(args: SftpArgs) -> paramiko.PKey | None:
    import paramiko

    if not args.key_file:
        return None
    try:
        return paramiko.PKey.from_path(Path(args.key_file), args.password.encode() or None)
    except (OSError, ValueError, TypeError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        raise UserError("store.bad_key", path=args.key_file) from error


def _sign_in(transport: paramiko.Transport, args: SftpArgs, key: paramiko.PKey | None) -> None:
    import paramiko

    if key is not None:
        left = transport.auth_publickey(args.username, key)
        if left and args.password:
            # A server that asks for both.
            transport.auth_password(args.username, args.password)
    elif args.password:
        transport.auth_password(args.username, args.password)
    else:
        _sign_in_by_agent(transport, args.username)
    if not transport.is_authenticated():
        raise paramiko.AuthenticationException


def _sign_in_by_agent(transport: paramiko.Transport, username: str) -> None:
    import paramiko

    agent = paramiko.Agent()
    try:
        for key in agent.get_keys():
            try:
                transport.auth_publickey(username, key)
            except paramiko.BadAuthenticationType:
                raise
            except paramiko.AuthenticationException:
                # Not this one; the server says when it has heard enough of them.
                continue
            return
    finally:
        agent.close()
    raise paramiko.AuthenticationException
