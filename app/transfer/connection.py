"""One connection to an archive over HTTP: address, identity and trust, bounded answers, faults in our own words.

Shared by everything that speaks to an archive. What comes back is a stranger's: it may be long, slow, cut off, or
something else altogether.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from app.core.cancel import CancelToken
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.transfer.certificates import pinned
from app.transfer.http_errors import fault_of, translated
from app.transfer.tls import parse_trust

USUAL = httpx.Timeout(60.0, connect=5.0)
# For what a person waits for.
QUICK = httpx.Timeout(15.0, connect=5.0)
PROBE = httpx.Timeout(5.0)
# Orthanc hangs up after a second of silence (KeepAliveTimeout): a question that meets that would be lost.
_IDLE_S = 0.8
# Most answers are some kilobytes long.
LONGEST_ANSWER = 4 << 20


@dataclass(frozen=True, slots=True)
class OrthancArgs:
    """Where an Orthanc is and who we are there.

    ``ca``: what is trusted instead of the system's authorities, a PEM file or a certificate's SHA-256 fingerprint.
    """

    url: str
    username: str = ""
    password: str = ""
    ca: str = ""
    connections: int = 4


def is_private(url: str) -> bool:
    """Whether nobody can read along on the way: it is encrypted, or it does not leave this computer."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme == "https" or parsed.host in {"127.0.0.1", "localhost", "::1"}


class Connection:
    """Asks one server. Any thread; connections are kept and shared."""

    def __init__(self, args: OrthancArgs) -> None:
        """Make ready; nothing is asked yet.

        Raises
        ------
        UserError
            ``pacs.no_url``, ``pacs.bad_ca``.
        """
        if not args.url.startswith(("http://", "https://")):
            raise UserError("pacs.no_url", url=args.url)
        self._verify = _trust(args.ca)
        self._transport = httpx.HTTPTransport(
            verify=self._verify,
            limits=httpx.Limits(
                max_connections=args.connections + 2,
                max_keepalive_connections=args.connections + 2,
                keepalive_expiry=_IDLE_S,
            ),
            # A proxy of the surroundings would hear the password of a connection that is not encrypted.
            trust_env=False,
        )
        self._client = httpx.Client(
            base_url=args.url.rstrip("/") + "/",
            auth=httpx.BasicAuth(args.username, args.password) if args.username else None,
            transport=self._transport,
            timeout=USUAL,
            follow_redirects=False,
            trust_env=False,
        )
        self._url = str(self._client.base_url)
        # In the spelling that callers use, so that theirs take the place of these.
        self._headers = {name.title(): value for name, value in self._client.headers.items()}
        if args.username:
            signed = next(httpx.BasicAuth(args.username, args.password).auth_flow(httpx.Request("GET", self._url)))
            self._headers["Authorization"] = signed.headers["Authorization"]

    @property
    def url(self) -> str:
        """The server's address, with a slash at its end."""
        return self._url

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def lets_in(self, path: str, auth: tuple[str, str] | None) -> bool:
        """Whether somebody else gets in, with this name and password or with none."""
        with translated(), httpx.Client(verify=self._verify, timeout=PROBE, trust_env=False) as stranger:
            return stranger.get(f"{self.url}{path}", auth=auth).is_success

    def json(self, method: str, path: str, *, longest: int = LONGEST_ANSWER, **more: Any) -> Any:
        """Ask and read an answer in JSON. Raises as :meth:`ask`, and for whatever is no success."""
        response = self.ask(method, path, longest=longest, **more)
        require_well(response)
        try:
            return json.loads(response.content or b"[]")
        except (ValueError, RecursionError) as error:
            # A login page, a router, something else that listens there.
            raise EnvironmentFault("pacs.not_an_archive") from error

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout: httpx.Timeout = USUAL,
        longest: int = LONGEST_ANSWER,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """Ask and read the whole answer, which may neither be long nor take for ever to come.

        Parameters
        ----------
        body
            What is sent, as :class:`httpx.Request` takes it: ``content`` or ``json``.

        Raises
        ------
        TransientFault
            ``pacs.unreachable``, ``pacs.slow``, ``pacs.cut_off``.
        EnvironmentFault
            ``pacs.certificate``, ``pacs.not_an_archive``.
        """
        # Past the client, whose cookies, redirects and joining of addresses are not wanted here and take longer than
        # everything else about a small question.
        with translated(), closing(self._asked(method, path, timeout, headers or {}, body)) as response:
            deadline = time.monotonic() + (timeout.read or 0.0)
            answer = bytearray()
            # Unpacking what is not packed takes longer than most answers.
            blocks = response.iter_bytes() if "content-encoding" in response.headers else response.iter_raw()
            for block in blocks:
                answer += block
                if len(answer) > longest:
                    raise EnvironmentFault("pacs.not_an_archive")
                if time.monotonic() > deadline:
                    raise TransientFault("pacs.slow")
            return httpx.Response(response.status_code, headers=_plain(response.headers), content=bytes(answer))

    def _asked(
        self, method: str, path: str, timeout: httpx.Timeout, headers: Mapping[str, str], body: dict[str, Any]
    ) -> httpx.Response:
        together = {**self._headers, **headers}
        extensions = {"timeout": timeout.as_dict()}
        request = httpx.Request(method, _address(f"{self._url}{path}"), headers=together, extensions=extensions, **body)
        return self._transport.handle_request(request)

    @contextlib.contextmanager
    def streamed(self, path: str, accept: str, token: CancelToken, timeout: httpx.Timeout) -> Iterator[httpx.Response]:
        """Give an answer whose body is read by the caller, unpacked nowhere; cancelling ends the waiting for it.

        Raises
        ------
        BitewingError
            As :meth:`ask`, and for whatever is no success.
        """
        # Packed images would be unpacked here for nothing: they are hardly smaller, and it takes Orthanc ten times
        # as long to send them.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        with translated(), self._client.stream("GET", path, headers=headers, timeout=timeout) as response:
            require_well(response)
            with _ended_by(token, response):
                yield response


@functools.lru_cache(maxsize=64)
def _address(text: str) -> httpx.URL:
    """Return an address taken apart, which takes longer than sending a question to it; most are asked for often."""
    return httpx.URL(text)


def require_well(response: httpx.Response) -> None:
    """Raise what a response means that is no success."""
    fault = fault_of(response)
    if fault is not None:
        raise fault


def mapping(answer: Any) -> dict[str, Any]:
    """Return an answer that must be an object. Raises ``pacs.not_an_archive``."""
    if not isinstance(answer, dict):
        raise EnvironmentFault("pacs.not_an_archive")
    return answer


@contextlib.contextmanager
def _ended_by(token: CancelToken, response: httpx.Response) -> Iterator[None]:
    """Let ``token`` wake whoever waits for the server's next bytes, for as long as the block runs."""
    network = response.extensions.get("network_stream")
    peer = network.get_extra_info("socket") if network is not None else None
    ended = False

    def wake() -> None:
        if peer is not None and not ended:
            # The other side may have gone just now.
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    token.on_cancel(wake)
    try:
        yield
    except httpx.HTTPError:
        # Woken: what the cut line looks like to httpx is of no interest to anybody.
        token.check()
        raise
    finally:
        ended = True


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers of an answer that has been unpacked already."""
    packed = {"content-encoding", "content-length", "transfer-encoding"}
    return {name: value for name, value in headers.items() if name.lower() not in packed}


def _trust(ca: str) -> ssl.SSLContext | bool:
    if not ca:
        return True
    try:
        trust = parse_trust(ca)
        return pinned(trust.pin) if trust.pin else trust.context()
    except UserError as error:
        raise UserError("pacs.bad_ca", path=ca) from error
