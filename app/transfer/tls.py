"""Which certificates a connection trusts: the system's authorities, one's own, or one certificate alone.

There is no switch to trust everything. A pinned certificate is compared by its SHA-256 fingerprint and trusted
whatever else it says: an administrator compared it with whoever runs the server.
"""

from __future__ import annotations

import hmac
import re
import socket
import ssl
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.core.errors import EnvironmentFault, UserError

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Trust:
    """``ca``: a PEM file; ``pin``: a fingerprint in hexadecimal; neither: the system's authorities."""

    ca: str = ""
    pin: str = ""

    def context(self) -> ssl.SSLContext:
        """Return the client's context: TLS 1.2 or newer, verified unless one certificate is pinned.

        Raises
        ------
        UserError
            ``store.bad_trust``.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise UserError("store.bad_trust", trust=self.ca) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.pin:
            # Nothing is trusted by this: require_pinned() compares the certificate before a byte is sent.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def require_pinned(self, connection: socket.socket) -> None:
        """Refuse another certificate than the pinned one.

        Raises
        ------
        EnvironmentFault
            ``store.certificate``.
        """
        if not self.pin:
            return
        found = peer_certificate(connection)
        if not hmac.compare_digest(sha256(found).hexdigest(), self.pin):
            raise EnvironmentFault("store.certificate", fingerprint=fingerprint(found))


def parse_trust(text: str) -> Trust:
    """Read what an administrator entered: empty, a fingerprint, or the path of a PEM file.

    Raises
    ------
    UserError
        ``store.bad_trust``.
    """
    if not text:
        return Trust()
    plain = text.strip().lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if _HEX.fullmatch(plain):
        return Trust(pin=plain)
    if not Path(text).is_file():
        raise UserError("store.bad_trust", trust=text)
    return Trust(ca=text)


def peer_certificate(connection: socket.socket | None) -> bytes:
    """Return the certificate (DER) of the other side; nothing where there is no TLS."""
    return (connection.getpeercert(binary_form=True) or b"") if isinstance(connection, ssl.SSLSocket) else b""


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER) as people compare it: ``AB:CD:…``."""
    digits = sha256(certificate).hexdigest()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


def stranger_context() -> ssl.SSLContext:
    """Return a context that believes anybody: only to read a certificate and hang up, nothing is ever sent by it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
