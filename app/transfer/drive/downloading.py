"""Fetches one file from Drive: goes on where an earlier attempt stopped, and is there only when it is the right one."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import BLOCK_BYTES, replace_durably, translate_os_error
from app.transfer.drive.errors import require_well
from app.transfer.drive.line import Line
from app.transfer.drive.remote import RemoteFile
from app.transfer.drive.uploading import ATTEMPTS, Delay, usual_delay_s

log = logging.getLogger(__name__)


@contextlib.contextmanager
def content(line: Line, file_id: str, ctx: JobContext, offset: int = 0) -> Iterator[httpx.Response]:
    """Give the answer whose body is a file's bytes from ``offset`` on; status 416 where there are none.

    Raises
    ------
    BitewingError
        As :meth:`Line.ask`, and for whatever else is no success.
    """
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    address = f"{line.endpoints.api}/files/{file_id}"
    with line.streamed("GET", address, params={"alt": "media"}, headers=headers, ctx=ctx) as answer:
        if not answer.is_success and answer.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            answer.read()
            require_well(answer)
        yield answer


class Download:
    """One download to ``target``; what is half there lies beside it as ``….part``."""

    def __init__(
        self,
        line: Line,
        remote: RemoteFile,
        target: Path,
        ctx: JobContext,
        on_bytes: Callable[[int], object],
        delay: Delay = usual_delay_s,
    ) -> None:
        self._line, self._remote, self._target, self._ctx = line, remote, target, ctx
        self._on_bytes, self._delay = on_bytes, delay
        self._part = target.with_name(f"{target.name}.part")

    def run(self, sha256: str, md5: str) -> None:
        """Fetch it and prove it; what lies at the target already is only proven.

        Raises
        ------
        TransientFault
            As :meth:`Line.ask`, and ``drive.busy``, after a few attempts in a row that brought nothing.
        EnvironmentFault
            ``drive.altered`` when what came is not what was sent, ``drive.not_there``; ``disk.*``.
        Cancelled
            What came stays beside the target, to go on from.
        """
        try:
            if self._target.is_file():
                if self._is_right(self._target, sha256, md5):
                    return
                self._target.unlink()
            self._fetch()
            if not self._is_right(self._part, sha256, md5):
                self._part.unlink(missing_ok=True)
                raise EnvironmentFault("drive.altered")
            replace_durably(self._part, self._target)
        except OSError as error:
            raise translate_os_error(error, path=str(self._target.parent)) from error

    def _fetch(self) -> None:
        tries = 0
        while (before := self._has()) < self._remote.size:
            try:
                self._take(before)
            except TransientFault as fault:
                tries = 1 if self._has() > before else tries + 1
                if tries >= ATTEMPTS:
                    raise
                log.info("download attempt %d of %d: %s", tries, ATTEMPTS, fault.code)
                self._ctx.wait(max(self._delay(tries), fault.retry_after_s if fault.code == "drive.busy" else 0.0))

    def _take(self, offset: int) -> None:
        with content(self._line, self._remote.id, self._ctx, offset) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._part.unlink(missing_ok=True)
                raise TransientFault("drive.cut_off")
            is_rest = offset and answer.status_code == httpx.codes.PARTIAL_CONTENT
            done = offset if is_rest else 0
            with self._part.open("ab" if is_rest else "wb") as out:
                for block in answer.iter_bytes(BLOCK_BYTES):
                    self._ctx.check()
                    done += len(block)
                    if done > self._remote.size:
                        raise EnvironmentFault("drive.altered")
                    out.write(block)
                    self._on_bytes(done)
                out.flush()
                os.fsync(out.fileno())
        if done < self._remote.size:
            raise TransientFault("drive.cut_off")

    def _has(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _is_right(self, path: Path, sha256: str, md5: str) -> bool:
        name, wanted = ("sha256", sha256) if sha256 else ("md5", md5)
        digest = hashlib.new(name, usedforsecurity=False)
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                self._ctx.check()
                digest.update(block)
        return path.stat().st_size == self._remote.size and bool(wanted) and digest.hexdigest() == wanted.lower()
