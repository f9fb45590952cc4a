"""Makes the client of an S3-compatible server: where it is, who we are there, whom to trust.

Only what every such server knows is used (MD5 of each request, no trailing checksums): DigitalOcean Spaces, Supabase
and older MinIO refuse newer ways.
"""

from __future__ import annotations

import functools
import socket
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.transfer.tls import fingerprint, parse_trust, peer_certificate, stranger_context

# boto3 makes clients in one thread at a time; they themselves are used by any.
_MAKING = threading.Lock()
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class S3Args:
    """Where a bucket is and who we are there.

    ``endpoint``: empty for Amazon's own. ``prefix``: the base folder. ``encryption``: ``AES256`` or ``aws:kms`` to
    ask the server for encryption at rest, with ``kms_key``. ``trust``: empty or a PEM file. An endpoint without TLS
    needs ``allow_plain`` unless it is on this computer.
    """

    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    endpoint: str = ""
    region: str = ""
    prefix: str = ""
    path_style: bool = False
    encryption: str = ""
    kms_key: str = ""
    trust: str = ""
    allow_plain: bool = False
    connections: int = 8
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0

    @property
    def is_encrypted(self) -> bool:
        """Whether the way there is."""
        return not self.endpoint or self.endpoint.startswith("https://")

    @property
    def is_private(self) -> bool:
        """Whether nobody can read along on the way: it is encrypted, or it does not leave this computer."""
        return self.is_encrypted or urlsplit(self.endpoint).hostname in _LOOPBACK


def make_client(args: S3Args, *, signs: bool = True) -> Any:
    """Return a client; nothing is asked yet. Any thread. ``signs``: false for a stranger, who says no name.

    Raises
    ------
    UserError
        ``store.no_address``, ``store.bad_trust``, ``store.pin_refused``.
    EnvironmentFault
        ``store.plain_refused``.
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    _require_address(args)
    trust = parse_trust(args.trust)
    if trust.pin:
        # boto3 verifies by authority and host name alone.
        raise UserError("store.pin_refused")
    if trust.ca:
        trust.context()
    config = Config(
        signature_version="s3v4" if signs else UNSIGNED,
        connect_timeout=args.connect_timeout_s,
        read_timeout=args.timeout_s,
        # Retrying is ours: in one place, with one back-off, and cancellable.
        retries={"total_max_attempts": 1},
        max_pool_connections=args.connections,
        s3={"addressing_style": "path" if args.path_style else "virtual" if not args.endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Not what the environment says: an account's proxy or profile is no setting of the library.
        ignore_configured_endpoint_urls=True,
    )
    with _MAKING:
        return _session().client(
            "s3",
            endpoint_url=args.endpoint or None,
            verify=trust.ca or True,
            region_name=args.region or "us-east-1",
            aws_access_key_id=args.access_key,
            aws_secret_access_key=args.secret_key,
            config=config,
        )


@functools.cache
def _session() -> Any:
    """Return the one session of this process; it holds nobody's keys. One thread at a time.

    It keeps what boto3 reads of its own descriptions: 12 MB and 50 ms, which each client would read for itself.
    """
    import boto3

    return boto3.session.Session()


def _require_address(args: S3Args) -> None:
    if not args.bucket or not args.access_key:
        raise UserError("store.no_address")
    if not args.endpoint:
        return
    parts = urlsplit(args.endpoint)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UserError("store.no_address", address=args.endpoint)
    if not (args.is_private or args.allow_plain):
        raise EnvironmentFault("store.plain_refused", host=parts.hostname)


def certificate_of(args: S3Args) -> str:
    """Return the fingerprint of the certificate that answers, for people to compare; nothing is sent.

    Raises
    ------
    TransientFault
        ``store.unreachable``.
    """
    parts = urlsplit(args.endpoint or f"https://s3.{args.region or 'us-east-1'}.amazonaws.com")
    host = parts.hostname or ""
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout=args.connect_timeout_s) as line,
            stranger_context().wrap_socket(line, server_hostname=host) as stranger,
        ):
            return fingerprint(peer_certificate(stranger))
    except OSError as error:
        raise TransientFault("store.unreachable") from error
