"""Sends one file by Drive's resumable protocol, in chunks of 8 MiB; a new process goes on where the server stands.

The address of the session is handed out before the first byte, and whoever keeps it can go on for about a week.
What the server has confirmed is asked for, never remembered. (Drive API, "Perform a resumable upload".)
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.domain.backoff import delay_s
from app.transfer.drive.errors import fault_of, mapping
from app.transfer.drive.line import Line
from app.transfer.drive.remote import FIELDS

log = logging.getLogger(__name__)

CHUNK_BYTES = 8 << 20
ATTEMPTS = 6
_BLOCK_BYTES = 64 << 10
_CHUNK_S = 600.0
_INCOMPLETE = 308
_GONE = frozenset({404, 410})
_SESSIONS = 3
_RANGE = re.compile(r"bytes=0-(\d{1,18})")

Delay = Callable[[int], float]


def usual_delay_s(tries: int) -> float:
    """Return the seconds to wait after so many failures."""
    return delay_s(tries - 1, random.random())


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent: a file that does not change, and what Drive is told of it."""

    path: Path
    size: int
    metadata: Mapping[str, Any]
    kind: str = "application/zip"


class SessionGone(Exception):
    """The session has ended: what was sent in it is lost, unless the file was complete."""


class Upload:
    """One upload. ``on_session`` hears of each new session's address; ``on_bytes`` how much is confirmed or sent.

    ``attempts``: so many in a row may bring nothing; one where somebody else tries again.
    """

    def __init__(
        self,
        line: Line,
        outgoing: Outgoing,
        ctx: JobContext,
        on_session: Callable[[str], object],
        on_bytes: Callable[[int], object],
        delay: Delay = usual_delay_s,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._line, self._outgoing, self._ctx = line, outgoing, ctx
        self._on_session, self._on_bytes, self._delay = on_session, on_bytes, delay
        self._attempts = attempts

    def run(self, session: str, find: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
        """Send what is missing and return the file as Drive describes it.

        Parameters
        ----------
        session
            The address of a session that was begun earlier, or empty.
        find
            Looks for the file itself when a session is gone: its last answer may have been lost.

        Raises
        ------
        TransientFault
            As :meth:`Line.ask`, and ``drive.busy``, after a few attempts in a row that brought nothing.
        EnvironmentFault
            ``drive.full``, ``drive.forbidden``, ``drive.not_drive``, ``drive.failed``; ``file.unreadable``.
        """
        for _number in range(_SESSIONS):
            try:
                return self._through(session)
            except SessionGone:
                log.info("upload session is gone")
                session = ""
                if (found := find()) is not None:
                    return found
        raise EnvironmentFault("drive.failed", status=404)

    def _through(self, session: str) -> dict[str, Any]:
        offset: int | None = None
        tries, furthest = 0, -1
        while True:
            try:
                if not session:
                    session, offset = self._begin(), 0
                    self._on_session(session)
                elif offset is None:
                    offset = self._confirmed(session)
                done = offset if isinstance(offset, dict) else self._send(session, offset)
            except TransientFault as fault:
                tries += 1
                if tries >= self._attempts:
                    raise
                log.info("upload attempt %d of %d: %s", tries, self._attempts, fault.code)
                self._ctx.wait(max(self._delay(tries), fault.retry_after_s if fault.code == "drive.busy" else 0.0))
                offset = None
                continue
            if isinstance(done, dict):
                return done
            if done > furthest:
                tries, furthest = 0, done
            else:
                # A server that never moves on would be sent the same chunk for ever.
                tries += 1
                if tries >= self._attempts:
                    raise TransientFault("drive.cut_off")
            offset = done

    def _begin(self) -> str:
        headers = {
            "X-Upload-Content-Type": self._outgoing.kind,
            "X-Upload-Content-Length": str(self._outgoing.size),
        }
        address = f"{self._line.endpoints.upload}/files"
        wanted = {"uploadType": "resumable", "fields": FIELDS}
        answer = self._line.ask(
            "POST", address, params=wanted, headers=headers, json=dict(self._outgoing.metadata), ctx=self._ctx
        )
        if (fault := fault_of(answer)) is not None:
            raise fault
        return self._ours(answer.headers.get("Location", ""))

    def _ours(self, address: str) -> str:
        """Return a session's address if it lies where uploads go: a token is sent along."""
        try:
            there, upload = httpx.URL(address), httpx.URL(self._line.endpoints.upload)
        except httpx.InvalidURL as error:
            raise EnvironmentFault("drive.not_drive") from error
        if (there.scheme, there.host, there.port) != (upload.scheme, upload.host, upload.port):
            raise EnvironmentFault("drive.not_drive")
        return address

    def _confirmed(self, session: str) -> Any:
        """Return how many bytes the server has for sure, or the file when it has them all."""
        headers = {"Content-Range": f"bytes */{self._outgoing.size}", "Content-Length": "0"}
        return self._meaning(self._line.ask("PUT", self._ours(session), headers=headers, ctx=self._ctx))

    def _send(self, session: str, offset: int) -> Any:
        """Send the chunk from ``offset`` on; return as :meth:`_confirmed`."""
        self._ctx.check()
        size = self._outgoing.size
        if offset >= size > 0:
            # All is there and the server has not made the file of it yet: it is asked again.
            raise TransientFault("drive.busy")
        end = min(offset + CHUNK_BYTES, size)
        headers = {"Content-Length": str(end - offset)}
        if size:
            # No range of bytes says that there are none.
            headers["Content-Range"] = f"bytes {offset}-{end - 1}/{size}"
        # The body can be read once: a token that was refused costs an attempt, not a second body.
        answer = self._line.ask(
            "PUT", session, headers=headers, content=self._blocks(offset, end), again=False, ctx=self._ctx
        )
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._line.forget_access()
            raise TransientFault("drive.cut_off")
        return self._meaning(answer)

    def _meaning(self, answer: httpx.Response) -> Any:
        if answer.status_code == _INCOMPLETE:
            found = _RANGE.fullmatch(answer.headers.get("Range", ""))
            confirmed = int(found[1]) + 1 if found else 0
            if confirmed > self._outgoing.size:
                raise EnvironmentFault("drive.not_drive")
            self._on_bytes(confirmed)
            return confirmed
        if answer.status_code in _GONE:
            raise SessionGone
        if (fault := fault_of(answer)) is not None:
            raise fault
        self._on_bytes(self._outgoing.size)
        return mapping(answer)

    def _blocks(self, offset: int, end: int) -> Iterator[bytes]:
        deadline = time.monotonic() + _CHUNK_S
        with self._outgoing.path.open("rb") as stream:
            stream.seek(offset)
            while offset < end:
                self._ctx.check()
                if time.monotonic() > deadline:
                    raise TransientFault("drive.slow")
                block = stream.read(min(_BLOCK_BYTES, end - offset))
                if not block:
                    raise EnvironmentFault("file.truncated")
                yield block
                offset += len(block)
                self._on_bytes(offset)
