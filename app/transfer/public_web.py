"""What a stranger sees under a public address: asked without any credentials, past caches where they let us.

A bounded answer, counted and not kept: all that matters is its status and whose bytes they are.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from dataclasses import dataclass

import httpx

from app.core.errors import TransientFault, UserError
from app.transfer.http_errors import translated

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_LONGEST_S = 60.0
_NO_CACHE = {"Cache-Control": "no-cache", "Pragma": "no-cache", "Accept-Encoding": "identity"}
# Of a page that is not ours no more is read than shows that.
_SHOWN_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer: its HTTP status, the length and SHA-256 of what came, and the beginning of it.

    ``size`` is more than was expected where the rest was not read. ``kind`` is the type that the server gives it.
    """

    status: int
    size: int
    sha256: str
    start: bytes = b""
    kind: str = ""

    @property
    def is_success(self) -> bool:
        """Whether something was served."""
        return 200 <= self.status < 300

    @property
    def is_an_image(self) -> bool:
        """Whether what was served is a picture, whatever it shows, by the word of the server."""
        return self.is_success and self.kind.lower().startswith(("image/", "application/dicom"))


def look_at(url: str, expected_bytes: int, ca: str = "") -> Seen:
    """Ask for a public address as anybody would.

    Parameters
    ----------
    expected_bytes
        What is longer is not ours, and is not read to its end.
    ca
        A PEM file that is trusted beside the system's authorities.

    Raises
    ------
    TransientFault
        ``publish.unreachable``, ``publish.slow``, ``publish.cut_off``; ``publish.busy`` for an answer that says nothing
        of what is there (500 and up, 408, 425, 429).
    EnvironmentFault
        ``publish.certificate``, ``publish.no_web``.
    UserError
        ``store.bad_trust``.
    """
    trust = ssl.create_default_context()
    if ca:
        try:
            trust.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise UserError("store.bad_trust", trust=ca) from error
    # A proxy of the surroundings, or its cache, is not what patients and strangers go through.
    with (
        translated("publish", "no_web"),
        httpx.Client(verify=trust, timeout=_TIMEOUT, follow_redirects=True, trust_env=False) as client,
        client.stream("GET", url, headers=_NO_CACHE) as response,
    ):
        if response.status_code >= 500 or response.status_code in {408, 425, 429}:
            raise TransientFault("publish.busy", status=response.status_code)
        return _counted(response, max(expected_bytes, _SHOWN_BYTES))


def _counted(response: httpx.Response, most: int) -> Seen:
    digest, size, start = hashlib.sha256(), 0, bytearray()
    deadline = time.monotonic() + _LONGEST_S
    for block in response.iter_bytes():
        size += len(block)
        digest.update(block)
        start += block[: _SHOWN_BYTES - len(start)]
        if size > most:
            break
        if time.monotonic() > deadline:
            raise TransientFault("publish.slow")
    return Seen(response.status_code, size, digest.hexdigest(), bytes(start), response.headers.get("Content-Type", ""))
