"""One way to Google: access tokens fetched when needed, bounded answers, faults in our own words.

An access token lives in memory alone, for an hour at most; only the refresh token is kept, by somebody else.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.drive.endpoints import Endpoints
from app.transfer.drive.errors import mapping, require_well, token_fault, translated
from app.transfer.stores.interrupting import interruptible, shut
from app.transfer.tls import Trust

# They write down addresses, and the address of an upload session lets anybody go on with it.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

USUAL = httpx.Timeout(60.0, connect=10.0)
QUICK = httpx.Timeout(15.0, connect=5.0)
LONGEST_ANSWER = 4 << 20
_EARLY_S = 60.0
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Client:
    """How the clinic's own Google Cloud project names this program. ``repr`` shows no secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        """Return the name of the class alone."""
        return "Client(…)"


def http_client(trusted: ssl.SSLContext | None = None) -> httpx.Client:
    """Return a client with verified TLS 1.2 or newer that follows no redirects."""
    return httpx.Client(verify=trusted or Trust().context(), timeout=USUAL, follow_redirects=False)


class _Wire:
    """A client that one thread at a time uses, so that it is known which connection another thread has to end."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        self.http = http_client(trusted)
        self._sockets: list[socket.socket] = []

    def hang_up(self) -> None:
        """Wake whoever waits for an answer. Any thread."""
        for one in tuple(self._sockets):
            shut(one)

    def note(self, event: str, facts: Mapping[str, Any]) -> None:
        """Hear of a connection that was made, and made again as an encrypted one (httpx's trace extension)."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            # More than one: tokens come from another host.
            open_still = [one for one in self._sockets if one.fileno() >= 0]
            self._sockets = [*open_still, facts["return_value"].get_extra_info("socket")]


class Line:
    """Asks the Drive API for one account. Any thread; connections are kept. Closed, it opens again when asked.

    Every question may bring a ``ctx``, whose cancelling ends it at once.
    """

    def __init__(
        self, endpoints: Endpoints, client: Client, refresh_token: str, timeout: httpx.Timeout = USUAL
    ) -> None:
        self.endpoints = endpoints
        self._client, self._refresh_token, self._timeout = client, refresh_token, timeout
        self._trusted = Trust().context()
        self._idle: list[_Wire] = []
        self._lock = threading.Lock()
        self._access, self._until = "", 0.0

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().http.close()

    def json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """Ask and return the object that comes back. Raises as :meth:`ask`, and for whatever is no success."""
        response = self.ask(method, url, **more)
        require_well(response)
        return mapping(response)

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Ask and read the whole answer, whatever its status; an access token that was refused is renewed once.

        Raises
        ------
        TransientFault
            ``drive.unreachable``, ``drive.slow``, ``drive.cut_off``; ``drive.busy`` of the token endpoint.
        EnvironmentFault
            ``drive.revoked``, ``drive.certificate``, ``drive.not_drive``.
        UserError
            ``drive.bad_client``.
        Cancelled
            Where a ``ctx`` came along.
        """
        with self.streamed(method, url, **more) as response:
            return _read(response)

    @contextlib.contextmanager
    def streamed(self, method: str, url: str, **more: Any) -> Iterator[httpx.Response]:
        """Give an answer whose body is still to come. Raises as :meth:`ask`."""
        headers = {"Accept-Encoding": "identity", **more.pop("headers", {})}
        again, more = more.pop("again", True), {"timeout": self._timeout, **more}
        with self._wire(more.pop("ctx", None)) as wire:
            token = ""
            for attempt in (0, 1):
                token = self._token(wire, token)
                authorized = {**headers, "Authorization": f"Bearer {token}"}
                traced = {"trace": wire.note}
                with (
                    translated(),
                    wire.http.stream(method, url, headers=authorized, extensions=traced, **more) as response,
                ):
                    if response.status_code == _UNAUTHORIZED and again and attempt == 0:
                        continue
                    yield response
                    return

    def forget_access(self) -> None:
        """Fetch a new access token for what is asked next: the present one was refused."""
        with self._lock:
            self._until = 0.0

    @contextlib.contextmanager
    def _wire(self, ctx: JobContext | None) -> Iterator[_Wire]:
        try:
            wire = self._idle.pop()
        except IndexError:
            wire = _Wire(self._trusted)
        try:
            with interruptible(ctx, wire.hang_up) if ctx is not None else contextlib.nullcontext():
                yield wire
        finally:
            self._idle.append(wire)

    def _token(self, wire: _Wire, refused: str) -> str:
        with self._lock:
            # One that was refused may have been renewed by another thread meanwhile.
            if self._access == refused or time.monotonic() > self._until:
                told = self._fetch(wire)
                access, lasts = told.get("access_token"), told.get("expires_in", 0)
                if not isinstance(access, str) or not access or not isinstance(lasts, int | float):
                    raise EnvironmentFault("drive.not_drive")
                self._access, self._until = access, time.monotonic() + max(lasts - _EARLY_S, 0.0)
            return self._access

    def _fetch(self, wire: _Wire) -> dict[str, Any]:
        form = {
            "client_id": self._client.id,
            "client_secret": self._client.secret,
            "refresh_token": self._refresh_token,
            "grant_type": "refresh_token",
        }
        return post_form(wire.http, self.endpoints.token, form, {"trace": wire.note})


def post_form(
    http: httpx.Client, url: str, form: dict[str, str], extensions: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Ask the token endpoint and return what it grants. Raises as :meth:`Line.ask`."""
    with translated(), http.stream("POST", url, data=form, timeout=QUICK, extensions=extensions) as response:
        told = _read(response)
    if not told.is_success:
        raise token_fault(told)
    return mapping(told)


def _read(response: httpx.Response) -> httpx.Response:
    deadline = time.monotonic() + (USUAL.read or 0.0)
    answer = bytearray()
    for block in response.iter_bytes():
        answer += block
        if len(answer) > LONGEST_ANSWER:
            raise EnvironmentFault("drive.not_drive")
        if time.monotonic() > deadline:
            raise TransientFault("drive.slow")
    packed = {"content-encoding", "content-length", "transfer-encoding"}
    headers = {name: value for name, value in response.headers.items() if name.lower() not in packed}
    return httpx.Response(response.status_code, headers=headers, content=bytes(answer))
