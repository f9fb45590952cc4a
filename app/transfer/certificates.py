"""Certificates of servers: looked at without trusting anybody, and pinned, so that one alone is believed."""

from __future__ import annotations

import hmac
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography import x509

from app.core.errors import TransientFault
from app.transfer.tls import fingerprint, stranger_context

_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows: its SHA-256 as people compare it, and when it ends (UTC)."""

    fingerprint: str
    until: datetime


def look(host: str, port: int) -> Certificate:
    """Return the certificate that a TLS server shows; nothing is sent to it.

    Raises
    ------
    TransientFault
        ``pacs.unreachable`` when nothing with TLS answers there.
    """
    try:
        with (
            socket.create_connection((host, port), _LOOK_S) as plain,
            stranger_context().wrap_socket(plain, server_hostname=host) as connection,
        ):
            shown = connection.getpeercert(binary_form=True) or b""
        return Certificate(fingerprint(shown), x509.load_der_x509_certificate(shown).not_valid_after_utc)
    except (OSError, ValueError) as error:
        raise TransientFault("pacs.unreachable") from error


class PinnedContext(ssl.SSLContext):
    """Believes one certificate, whatever else it says: an administrator compared its fingerprint.

    The comparison comes right after the handshake, before a byte of ours is sent.
    """

    pin = ""

    def wrap_socket(self, *arguments: Any, **more: Any) -> ssl.SSLSocket:
        """Return the connection. Raises SSLCertVerificationError for another certificate."""
        connection = super().wrap_socket(*arguments, **more)
        shown = connection.getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(sha256(shown).hexdigest(), self.pin):
            connection.close()
            raise ssl.SSLCertVerificationError("another certificate than the one that is trusted")
        return connection

    def wrap_bio(self, *_arguments: Any, **_more: Any) -> ssl.SSLObject:
        """Refuse: over buffers, as through a proxy, nothing would be compared."""
        raise ssl.SSLCertVerificationError("a trusted certificate cannot be compared on this way")


def pinned(pin: str) -> PinnedContext:
    """Return a context that believes the certificate of this SHA-256 (hexadecimal) alone."""
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.pin = pin
    return context
