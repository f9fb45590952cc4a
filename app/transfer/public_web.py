"""What a stranger sees under a public address: asked without any credentials, in the very words of a browser.

Nothing is said to caches: what they would give a browser, they give here. A bounded answer, counted and not kept: all
that matters is its status and whose bytes they are. No other address is followed, and no body is read to an end that
does not come.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import httpx

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.transfer.http_errors import translated

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_LONGEST_S = 60.0
# Walls against robots, and caches that keep a copy for each kind of visitor, go by these.
_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept-Language": "en-US,en;q=0.5",
}
# Of a page that is not ours no more is read than shows that.
_SHOWN_BYTES = 256 << 10
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\xff\x0a", b"\0\0\0\x0cJXL ")


class Asking(Enum):
    """How somebody comes by a picture: shown within a page, or by its address alone."""

    PICTURE = "picture"
    PAGE = "page"


_HEADERS: Mapping[Asking, Mapping[str, str]] = {
    Asking.PICTURE: {
        **_BROWSER,
        "Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        # What is compared byte by byte comes as it is.
        "Accept-Encoding": "identity",
    },
    Asking.PAGE: {
        **_BROWSER,
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Encoding": "gzip, deflate",
    },
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer: its HTTP status, the length and SHA-256 of what came, and the beginning of it.

    ``size`` is more than was expected where the rest was not read. ``kind`` is the type that the server gives it,
    ``elsewhere`` the address that it sends to.
    """

    status: int
    size: int
    sha256: str
    start: bytes = b""
    kind: str = ""
    elsewhere: str = ""

    @property
    def is_success(self) -> bool:
        """Whether something was served."""
        return 200 <= self.status < 300

    @property
    def is_an_image(self) -> bool:
        """Whether what came is a picture, whatever it shows: by its bytes, or by the word of the server."""
        start = self.start
        by_bytes = (
            start.startswith(_BEGINNINGS)
            or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
            # HEIC and AVIF; DICOM.
            or start[4:8] == b"ftyp"
            or start[128:132] == b"DICM"
        )
        return by_bytes or (self.is_success and self.kind.lower().startswith(("image/", "application/dicom")))


def look_at(url: str, expected_bytes: int, ctx: JobContext, ca: str = "", asking: Asking = Asking.PICTURE) -> Seen:
    """Ask for a public address as anybody would, for a minute at most.

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
    Cancelled
        At once, whatever the server does.
    """
    trust = ssl.create_default_context()
    if ca:
        try:
            trust.load_verify_locations(ca)
        except (OSError, ssl.SSLError) as error:
            raise UserError("store.bad_trust", trust=ca) from error
    with _bounded(ctx) as line, translated("publish", "no_web"), _asked(url, trust, line, asking) as response:
        if response.status_code >= 500 or response.status_code in {408, 425, 429}:
            raise TransientFault("publish.busy", status=response.status_code)
        return _counted(response, max(expected_bytes, _SHOWN_BYTES))


@contextlib.contextmanager
def _asked(url: str, trust: ssl.SSLContext, line: _Line, asking: Asking) -> Iterator[httpx.Response]:
    # A proxy of the surroundings, or its cache, is not what patients and strangers go through. What an address sends
    # to may be anywhere, this computer's own network included: it is not asked.
    with (
        httpx.Client(verify=trust, timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url, headers=_HEADERS[asking], extensions={"trace": line.follow}) as response,
    ):
        yield response


def _counted(response: httpx.Response, most: int) -> Seen:
    digest, size, start = hashlib.sha256(), 0, bytearray()
    # As it comes: what unpacks to more than memory holds is never unpacked.
    for block in response.iter_raw():
        size += len(block)
        digest.update(block)
        start += block[: _SHOWN_BYTES - len(start)]
        if size > most:
            break
    headers = response.headers
    beginning = _unpacked(bytes(start)) if headers.get("Content-Encoding") else bytes(start)
    kind, elsewhere = headers.get("Content-Type", ""), headers.get("Location", "")
    return Seen(response.status_code, size, digest.hexdigest(), beginning, kind, elsewhere)


def _unpacked(start: bytes) -> bytes:
    """Return the beginning of what was packed for the way; as it came where it cannot be told."""
    try:
        # Both of gzip and zlib.
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(start, _SHOWN_BYTES)
    except zlib.error:
        return start


class _Line:
    """A connection that can be cut while somebody waits for its answer. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def follow(self, event: str, facts: Mapping[str, Any]) -> None:
        """Take note of the socket as soon as there is one (httpcore's trace)."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        with self._lock:
            self._socket = facts["return_value"].get_extra_info("socket")
            is_cut = self.is_cut
        if is_cut:
            self.cut()

    def cut(self) -> None:
        """End it: whoever reads from it wakes up."""
        with self._lock:
            self.is_cut = True
            if self._socket is not None:
                # Closed already, or not connected any more. Not the method of an encrypted one, which would say goodbye
                # and take away what another thread reads with.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@contextlib.contextmanager
def _bounded(ctx: JobContext) -> Iterator[_Line]:
    """Cut the line when the time is over or the work is stopped; a server that drips never comes to a timeout."""
    line = _Line()
    timer = threading.Timer(_LONGEST_S, line.cut)
    timer.daemon = True
    ctx.check()
    timer.start()
    try:
        with ctx.token.calling(line.cut):
            yield line
    except EnvironmentFault:
        _require_whole(line, ctx)
        raise
    finally:
        timer.cancel()
    # An answer that ends where the line was cut looks whole where the server did not say how long it is.
    _require_whole(line, ctx)


def _require_whole(line: _Line, ctx: JobContext) -> None:
    ctx.check()
    if line.is_cut:
        raise TransientFault("publish.slow")
