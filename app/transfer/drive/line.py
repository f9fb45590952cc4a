"""One way to Google: access tokens fetched when needed, bounded answers, faults in our own words.

An access token lives in memory alone, for an hour at most; only the refresh token is kept, by somebody else.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.drive.endpoints import Endpoints
from app.transfer.drive.errors import mapping, require_well, token_fault, translated
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


def http_client() -> httpx.Client:
    """Return a client with verified TLS 1.2 or newer that follows no redirects."""
    return httpx.Client(verify=Trust().context(), timeout=USUAL, follow_redirects=False)


class Line:
    """Asks the Drive API for one account. Any thread; connections are kept and shared."""

    def __init__(self, endpoints: Endpoints, client: Client, refresh_token: str) -> None:
        self.endpoints = endpoints
        self._client, self._refresh_token = client, refresh_token
        self._http = http_client()
        self._lock = threading.Lock()
        self._access, self._until = "", 0.0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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
        """
        with self.streamed(method, url, **more) as response:
            return _read(response)

    @contextlib.contextmanager
    def streamed(self, method: str, url: str, **more: Any) -> Iterator[httpx.Response]:
        """Give an answer whose body is still to come. Raises as :meth:`ask`."""
        headers = {"Accept-Encoding": "identity", **more.pop("headers", {})}
        again = more.pop("again", True)
        for attempt in (0, 1):
            authorized = {**headers, "Authorization": f"Bearer {self._token(renewed=attempt > 0)}"}
            with translated(), self._http.stream(method, url, headers=authorized, **more) as response:
                if response.status_code == _UNAUTHORIZED and again and attempt == 0:
                    continue
                yield response
                return

    def forget_access(self) -> None:
        """Fetch a new access token for what is asked next: the present one was refused."""
        with self._lock:
            self._until = 0.0

    def _token(self, *, renewed: bool) -> str:
        with self._lock:
            if renewed or time.monotonic() > self._until:
                told = self._fetch()
                access, lasts = told.get("access_token"), told.get("expires_in", 0)
                if not isinstance(access, str) or not access or not isinstance(lasts, int | float):
                    raise EnvironmentFault("drive.not_drive")
                self._access, self._until = access, time.monotonic() + max(lasts - _EARLY_S, 0.0)
            return self._access

    def _fetch(self) -> dict[str, Any]:
        form = {
            "client_id": self._client.id,
            "client_secret": self._client.secret,
            "refresh_token": self._refresh_token,
            "grant_type": "refresh_token",
        }
        return post_form(self._http, self.endpoints.token, form)


def post_form(http: httpx.Client, url: str, form: dict[str, str]) -> dict[str, Any]:
    """Ask the token endpoint and return what it grants. Raises as :meth:`Line.ask`."""
    with translated(), http.stream("POST", url, data=form, timeout=QUICK) as response:
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
