"""A DICOM peer: where it is, under which names we speak, how long we wait, and what its TLS is trusted for.

TLS follows the profiles of PS3.15 annex B: TLS 1.2 or later, the certificate verified against authorities and the
host's name, or pinned by its fingerprint. There is no switch to look away.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import UserError

# PS3.5 table 6.2-1, value representation AE: printable ASCII without the backslash, not spaces alone.
_AE_TITLE = re.compile(r"(?! *$)[\x20-\x5b\x5d-\x7e]{1,16}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait: for the connection, for the association, for an answer, for one block to be taken."""

    connect_s: float = 5.0
    associate_s: float = 10.0
    answer_s: float = 60.0
    stalled_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Tls:
    """How a peer's certificate is verified.

    ``ca``: a PEM file to trust instead of the system's authorities. ``pin``: the SHA-256 of the one certificate that
    is trusted, instead of any authority. ``own``: a PEM file with our own certificate and key, where a peer asks.
    """

    ca: str = ""
    pin: str = ""
    own: str = ""


@dataclass(frozen=True, slots=True)
class Peer:
    """One application entity."""

    host: str
    port: int
    called_aet: str
    calling_aet: str = "BITEWING"
    tls: Tls | None = None
    timeouts: Timeouts = field(default=Timeouts())

    def require_usable(self) -> None:
        """Refuse what cannot be a peer.

        Raises
        ------
        UserError
            ``dimse.no_host``, ``dimse.bad_port``, ``dimse.bad_aet`` (fact ``aet``), ``dimse.bad_pin``.
        """
        if not self.host.strip():
            raise UserError("dimse.no_host")
        if not 1 <= self.port <= 65535:
            raise UserError("dimse.bad_port", port=self.port)
        for title in (self.called_aet, self.calling_aet):
            if not _AE_TITLE.fullmatch(title):
                raise UserError("dimse.bad_aet", aet=title)
        if self.tls is not None and self.tls.pin and not _FINGERPRINT.fullmatch(plain_fingerprint(self.tls.pin)):
            raise UserError("dimse.bad_pin")


def plain_fingerprint(text: str) -> str:
    """Return a fingerprint as it is compared: small letters, no colons or spaces."""
    return re.sub(r"[\s:]", "", text).lower()


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in DER."""
    return hashlib.sha256(certificate).hexdigest()


class Trust:
    """The TLS of one connection to come, and afterwards why it failed: pynetdicom keeps that to itself."""

    def __init__(self, tls: Tls) -> None:
        """Make ready.

        Raises
        ------
        UserError
            ``dimse.bad_ca`` (fact ``path``) for a file that holds no certificates.
        """
        self.failure: Exception | None = None
        pin = plain_fingerprint(tls.pin)
        self.context = _context(tls, is_pinned=bool(pin))
        trust = self

        class Watched(ssl.SSLSocket):
            """Checks the pin before a byte of ours is sent, and remembers what went wrong."""

            def do_handshake(self, block: bool = False) -> None:
                try:
                    super().do_handshake(block)
                    if pin and fingerprint(self.getpeercert(binary_form=True) or b"") != pin:
                        raise ssl.SSLCertVerificationError("another certificate than the pinned one")
                except OSError as error:
                    trust.failure = error
                    raise

        self.context.sslsocket_class = Watched

    @property
    def is_refused(self) -> bool:
        """Whether it failed over the certificate."""
        return isinstance(self.failure, ssl.SSLCertVerificationError)


def _context(tls: Tls, *, is_pinned: bool) -> ssl.SSLContext:
    path: Any = tls.ca
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
        path = tls.own
        if tls.own:
            context.load_cert_chain(tls.own)
    except (OSError, ssl.SSLError) as error:
        raise UserError("dimse.bad_ca", path=str(path)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if is_pinned:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
