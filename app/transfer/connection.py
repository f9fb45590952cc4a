"""One connection to an archive over HTTP: address, identity and trust, bounded answers, faults in our own words.

Shared by everything that speaks to an archive. What comes back is a stranger's: it may be long, slow, cut off, or
something else altogether.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx

from app.core.cancel import CancelToken
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.transfer.certificates import pinned
from app.transfer.http_errors import LINE_ERRORS, fault_of, translated
from app.transfer.http_pool import Answer, HttpPool, answer_of, in_full_dress, read
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
        try:
            # What browsers write behind an address, and a name and password before it, are no part of it.
            bare = httpx.URL(args.url).copy_with(fragment=None, query=None, userinfo=b"")
            url = httpx.URL(str(bare).rstrip("/") + "/")
        except httpx.InvalidURL as error:
            raise UserError("pacs.no_url", url=args.url) from error
        self._url = str(url)
        self._pool = HttpPool(
            url,
            self._verify,
            connections=args.connections + 2,
            idle_s=_IDLE_S,
            auth=(args.username, args.password) if args.username else None,
        )

    @property
    def url(self) -> str:
        """The server's address, with a slash at its end."""
        return self._url

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

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
        content: bytes | Iterable[bytes] = b"",
        asked: Any = None,
    ) -> Answer:
        """Ask and read the whole answer, which may neither be long nor take for ever to come.

        Parameters
        ----------
        path, headers, content, asked
            As for :meth:`HttpPool.send`.

        Raises
        ------
        TransientFault
            ``pacs.unreachable``, ``pacs.slow``, ``pacs.cut_off``.
        EnvironmentFault
            ``pacs.certificate``, ``pacs.not_an_archive``.
        """
        with translated(), closing(self._pool.send(method, path, timeout, headers or {}, content, asked)) as response:
            deadline = time.monotonic() + (timeout.read or 0.0)
            answer = bytearray()
            for block in read(response):
                answer += block
                if len(answer) > longest:
                    raise EnvironmentFault("pacs.not_an_archive")
                if time.monotonic() > deadline:
                    raise TransientFault("pacs.slow")
            return answer_of(response, bytes(answer))

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
        with translated(), in_full_dress(self._pool.send("GET", path, timeout, headers)) as response:
            require_well(response)
            with _ended_by(token, response):
                yield response


def require_well(response: Answer | httpx.Response) -> None:
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
    except (httpx.HTTPError, *LINE_ERRORS):
        # Woken: what the cut line looks like to httpx or httpcore is of no interest to anybody.
        token.check()
        raise
    finally:
        ended = True


def _trust(ca: str) -> ssl.SSLContext | bool:
    if not ca:
        return True
    try:
        trust = parse_trust(ca)
        return pinned(trust.pin) if trust.pin else trust.context()
    except UserError as error:
        raise UserError("pacs.bad_ca", path=ca) from error
