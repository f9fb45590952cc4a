"""Connections to one HTTP server, kept and shared, and what it answered.

Straight to httpcore, the part of httpx that speaks HTTP: what httpx puts around it (cookies, redirects, joining of
addresses, its own forms of requests and answers) takes longer than everything else about a small question.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h11
import httpcore
import httpx

_USUAL_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": "Bitewing",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the status, its headers by their names in small letters, its body unpacked."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as text; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace")


class HttpPool:
    """Asks one server. Any thread.

    Errors are httpcore's: see :func:`app.transfer.http_errors.translated`.
    """

    def __init__(
        self,
        url: httpx.URL,
        trust: ssl.SSLContext | bool,
        *,
        connections: int,
        idle_s: float,
        auth: tuple[str, str] | None = None,
    ) -> None:
        """Make ready; nothing is asked yet. ``url`` ends in a slash."""
        host = url.raw_host
        self._is_closed = False
        self._origin = (url.raw_scheme, host, url.port)
        self._root = url.raw_path
        self._headers = _named({"Host": url.netloc.decode("ascii"), **_USUAL_HEADERS})
        if auth is not None:
            signed = next(httpx.BasicAuth(*auth).auth_flow(httpx.Request("GET", url)))
            self._headers.update(_named({"Authorization": signed.headers["Authorization"]}))
        self._pool = httpcore.ConnectionPool(
            # Reading all the authorities of the system takes longer than a whole answer: only where there are any.
            ssl_context=_context(trust) if url.scheme == "https" else None,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=idle_s,
        )

    def close(self) -> None:
        """Close the connections; what is asked later is not answered."""
        self._is_closed = True
        self._pool.close()

    def send(
        self,
        method: str,
        path: str,
        timeout: httpx.Timeout,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] = b"",
        asked: Any = None,
    ) -> httpcore.Response:
        """Send a question and return the head of its answer; whoever asks reads the body and closes it.

        Parameters
        ----------
        path
            Below the server's address, with its question, in the spelling that goes over the line.
        content
            What is sent; of blocks the ``headers`` must have the length.
        asked
            What is sent as JSON instead.
        """
        together = self._headers | _named(headers)
        if asked is not None:
            content = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
            together |= _named({"Content-Type": "application/json"})
        if isinstance(content, bytes) and (content or method not in {"GET", "DELETE"}):
            together |= _named({"Content-Length": str(len(content))})
        scheme, host, port = self._origin
        address = httpcore.URL(scheme=scheme, host=host, port=port, target=self._root + path.encode("ascii"))
        extensions = {"timeout": timeout.as_dict()}
        request = httpcore.Request(
            method, address, headers=list(together.values()), content=content, extensions=extensions
        )
        if self._is_closed:
            raise httpcore.ConnectError("closed")
        try:
            return self._pool.handle_request(request)
        except h11.LocalProtocolError as error:
            # A file that grew or shrank while it was sent; httpcore turns into its own what h11 says of heads alone.
            raise httpcore.LocalProtocolError(str(error)) from error


@contextmanager
def in_full_dress(response: httpcore.Response) -> Iterator[httpx.Response]:
    """Give an answer as httpx has it, which knows how to unpack it; it is closed after."""
    dressed = httpx.Response(
        response.status, headers=response.headers, stream=_Stream(response), extensions=dict(response.extensions)
    )
    try:
        yield dressed
    finally:
        dressed.close()


def read(response: httpcore.Response) -> Iterator[bytes]:
    """Yield the body as it comes, unpacked."""
    if not any(name.lower() == b"content-encoding" for name, _value in response.headers):
        # Unpacking what is not packed takes longer than most answers.
        yield from response.iter_stream()
        return
    with in_full_dress(response) as dressed:
        yield from dressed.iter_bytes()


def answer_of(response: httpcore.Response, content: bytes) -> Answer:
    """Return an answer whose body has been read."""
    headers = {name.decode("ascii", "replace").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, headers, content)


def _named(headers: Mapping[str, str]) -> dict[bytes, tuple[bytes, bytes]]:
    """Return headers by their names in small letters, so that one takes the place of another."""
    lines = ((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())
    return {name.lower(): (name, value) for name, value in lines}


def _context(trust: ssl.SSLContext | bool) -> ssl.SSLContext:
    return trust if isinstance(trust, ssl.SSLContext) else httpx.create_ssl_context(verify=trust, trust_env=False)


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
