"""One decoding child as the parent sees it: started, asked, watched, killed.

Serves one request at a time; the pool in ``client`` sees to that. Turns death, silence and too
much memory into error codes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import tempfile
import time
from typing import Any

from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.imaging.child import caps, job_object, launch
from app.imaging.child.channel import (
    ChannelClosed,
    ChannelTimeout,
    Message,
    PipeChannel,
    ProtocolError,
    SocketChannel,
)

log = logging.getLogger(__name__)

START_LIMIT_S = 60.0
_WATCH_INTERVAL_S = 0.1
# As a value: type checkers take sys.platform literally and would skip the other branch.
_WINDOWS = os.name == "nt"


class DecoderDied(EnvironmentFault):
    """The child ended while (or before) it worked on a request."""

    def __init__(self, before_request: bool = False, **facts: Any) -> None:
        super().__init__("decoder.died", **facts)
        self.before_request = before_request


class ChildProcess:
    """A running child and the line to it. One thread at a time, :meth:`kill` from any."""

    def __init__(self, memory_bytes: int, request_limit_s: float) -> None:
        self._memory_bytes = memory_bytes
        self._limit_s = request_limit_s
        self._watch_memory = not caps.can_limit_memory()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._job: Any = None
        self._killed = False
        started = time.monotonic()
        arguments = [str(os.getpid()), str(0 if self._watch_memory else memory_bytes)]
        if _WINDOWS:
            self._process = launch.start([*arguments, "pipe"], pipes=True, errors=self._errors)
            self._job = job_object.confine(int(self._process._handle), memory_bytes)  # type: ignore[attr-defined]
            self._watch_memory = self._job is None
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._channel: SocketChannel | PipeChannel = PipeChannel(
                self._process.stdout,  # type: ignore[arg-type]
                self._process.stdin,  # type: ignore[arg-type]
            )
        else:
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = launch.start(
                    [*arguments, str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    errors=self._errors,
                )
            self._channel = SocketChannel(ours)
        self.caps = self._await_ready()
        log.debug("decoding child %s ready after %.2f s", self.pid, time.monotonic() - started)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs and was not given up."""
        return not self._killed and self._process.poll() is None

    def request(self, header: dict[str, Any]) -> Message:
        """Ask and wait for the answer.

        Raises
        ------
        BitewingError
            What the child reports, or ``decoder.died``, ``decoder.timeout``, ``decoder.memory``.
        """
        try:
            self._channel.send(Message(header))
        except ChannelClosed as error:
            self.kill()
            raise DecoderDied(before_request=True) from error
        total = time.monotonic() + max(caps.TOTAL_LIMIT_S, self._limit_s)
        try:
            message = self._receive(min(time.monotonic() + self._limit_s, total))
            while message.header.get("type") == "alive":
                message = self._receive(min(time.monotonic() + self._limit_s, total))
        except ChannelTimeout as error:
            self.kill()
            raise EnvironmentFault("decoder.timeout", seconds=round(self._limit_s)) from error
        except (ChannelClosed, ProtocolError) as error:
            raise self._died(error) from error
        if message.header.get("type") == "result":
            return message
        if message.header.get("type") == "error":
            raise error_from(message.header)
        raise self._died(ProtocolError("unexpected message"))

    def kill(self) -> None:
        """End the child at once. Any thread."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def close(self) -> None:
        """Hang up, give the child a moment, then end it; release everything."""
        if isinstance(self._channel, SocketChannel):
            self._channel.shut_down()
        elif self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=0 if self._killed else 1.0)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._killed = True
        self._channel.close()
        self._errors.close()
        job_object.release(self._job)
        self._job = None

    def _await_ready(self) -> dict[str, Any]:
        try:
            message = self._channel.receive(time.monotonic() + START_LIMIT_S)
        except (ChannelTimeout, ChannelClosed, ProtocolError) as error:
            self.kill()
            fault = self._died(error)
            self.close()
            raise fault from error
        return dict(message.header.get("caps", {}))

    def _receive(self, deadline: float) -> Message:
        if not self._watch_memory:
            return self._channel.receive(deadline)
        while True:
            pause = min(deadline, time.monotonic() + _WATCH_INTERVAL_S)
            try:
                return self._channel.receive(pause)
            except ChannelTimeout:
                if time.monotonic() >= deadline:
                    raise
            if self._resident_bytes() > self._memory_bytes:
                self.kill()
                raise EnvironmentFault("decoder.memory")

    def _resident_bytes(self) -> int:
        import psutil  # only where the system cannot cap memory

        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _died(self, error: Exception) -> DecoderDied:
        """Collect how the child ended; its last words go to the log, never to the user."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        log.debug("decoding child %s: %s", self.pid, self._errors.read().decode(errors="replace"))
        log.info(
            "decoding child %s ended (%s, exit %s)",
            self.pid,
            type(error).__name__,
            self._process.returncode,
        )
        return DecoderDied(exit=self._process.returncode)


_KINDS: dict[str, type[BitewingError]] = {"UserError": UserError}


def error_from(header: dict[str, Any]) -> BitewingError:
    """Build the error that the child reported; unknown kinds become environment faults."""
    facts = header.get("facts")
    kind = _KINDS.get(str(header.get("kind")), EnvironmentFault)
    plain = {
        str(key): value
        for key, value in (facts.items() if isinstance(facts, dict) else ())
        if value is None or isinstance(value, (str, int, float, bool))
    }
    plain.pop("code", None)
    return kind(str(header.get("code", "file.undecodable")), **plain)
