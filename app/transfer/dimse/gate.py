"""The door of the listener: strangers wait here, without a thread each, until their request is whole and in order.

pynetdicom gives every connection two threads and believes what it says about lengths. So connections are only
passed on once they have asked for an association with us in a PDU of a sensible length (PS3.8 section 9.3.2). Who is
slow, says something else or is too many is let go; the newest are kept, because a proper peer asks at once.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

log = logging.getLogger(__name__)

# Connections that have not asked yet; all descriptors together must stay below what select() can watch, 1024.
MOST_PENDING = 200
MOST_ASSOCIATIONS = 25
# One computer gone wild leaves places for the others.
MOST_OF_ONE = 20
_ASK_WITHIN_S = 5.0
_TURN_S = 0.2
_PAUSE_S = 0.02
_BACKLOG = 128
_AT_ONCE = 64
# 128 contexts with every transfer syntax there is are some 200 kB.
_LONGEST_REQUEST = 512 * 1024
_SHORTEST_REQUEST = 68
_HEADER, _TITLES = 6, slice(10, 26)
_ASSOCIATE_RQ = 0x01
# PS3.8 section 9.3.4: permanently, called AE title not recognised; for now, local limit exceeded. 9.3.8: abort.
_NOT_US = bytes((3, 0, 0, 0, 0, 4, 0, 1, 1, 7))
_TOO_MANY = bytes((3, 0, 0, 0, 0, 4, 0, 2, 3, 2))
ABORT = bytes((7, 0, 0, 0, 0, 4, 0, 0, 0, 0))
# Who holds a place and has sent less than this of late gives way when somebody else needs it.
_QUIET_BYTES, _QUIET_S = 4096, 5.0
_TELL_S = 60.0


class Place(Protocol):
    """An association that was let in."""

    address: str

    @property
    def received(self) -> int:
        """How many bytes have come."""

    def has_ended(self) -> bool:
        """Whether nothing of it runs any more; tidies up after it."""

    def shut(self) -> None:
        """Tell the peer that it ends, and end the connection."""


@dataclass(slots=True)
class _Caller:
    """A connection that has not asked yet."""

    connection: socket.socket
    address: str
    since: float
    heard: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Held:
    """A place that is taken, and how much came of late."""

    place: Place
    since: float
    mark: int = 0
    recent: int = 0


class Gate:
    """Listens, and lets in. One thread of its own; ``let_in`` runs in it and must be quick."""

    def __init__(
        self, ae_title: str, let_in: Callable[[socket.socket, str, bytes], Place], every_turn: Callable[[], None]
    ) -> None:
        self._ae_title = ae_title.strip()
        self._let_in = let_in
        self._every_turn = every_turn
        self._selector = selectors.DefaultSelector()
        self._callers: dict[socket.socket, _Caller] = {}
        self._held: list[_Held] = []
        self._turned_away: collections.Counter[str] = collections.Counter()
        self._told = self._looked = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dicom-gate", daemon=True)
        self._door: socket.socket | None = None

    def open(self, host: str, port: int) -> None:
        """Begin to listen. Raises OSError."""
        self._door = socket.create_server((host, port), family=socket.AF_INET, backlog=_BACKLOG)
        self._door.setblocking(False)
        self._selector.register(self._door, selectors.EVENT_READ)
        self._thread.start()

    def close(self, wait_s: float = 5.0) -> None:
        """Stop listening; associations that go on are aborted."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for caller in list(self._callers.values()):
            self._drop(caller)
        if self._door is not None:
            self._door.close()
        self._selector.close()
        for held in self._held:
            held.place.shut()
        deadline = time.monotonic() + wait_s
        while self._held and time.monotonic() < deadline:
            self._held = [held for held in self._held if not held.place.has_ended()]
            time.sleep(_PAUSE_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            for key, _events in self._selector.select(_TURN_S):
                if key.fileobj is self._door:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._callers:
                    self._hear(self._callers[key.fileobj])
            self._tidy(time.monotonic())

    def _accept(self) -> None:
        """Take what waits at the door, some at a time."""
        assert self._door is not None
        for _number in range(_AT_ONCE):
            try:
                connection, address = self._door.accept()
            except BlockingIOError:
                return
            except OSError as error:
                # No descriptor is left: half of those who have not asked must do.
                log.warning("a connection cannot be accepted: %s", type(error).__name__)
                for caller in list(self._callers.values())[: len(self._callers) // 2]:
                    self._turn_away(caller, "no descriptor")
                self._stop.wait(0.05)
                return
            connection.setblocking(False)
            if len(self._callers) >= MOST_PENDING:
                self._make_room()
            self._callers[connection] = _Caller(connection, str(address[0]), time.monotonic())
            self._selector.register(connection, selectors.EVENT_READ)

    def _make_room(self) -> None:
        """Let the one go that has waited longest, of the computer with most of them."""
        counts = collections.Counter(caller.address for caller in self._callers.values())
        [(address, _count)] = counts.most_common(1)
        oldest = next(caller for caller in self._callers.values() if caller.address == address)
        self._turn_away(oldest, "too many")

    def _hear(self, caller: _Caller) -> None:
        try:
            data = caller.connection.recv(64 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(caller)
            return
        caller.heard += data
        if len(caller.heard) < _HEADER:
            return
        length = int.from_bytes(caller.heard[2:_HEADER], "big")
        if caller.heard[0] != _ASSOCIATE_RQ or not _SHORTEST_REQUEST <= length <= _LONGEST_REQUEST:
            self._turn_away(caller, "no request", ABORT)
        elif len(caller.heard) >= _HEADER + length:
            self._asked(caller)

    def _asked(self, caller: _Caller) -> None:
        """Let a caller in, or refuse it in words that it understands."""
        called = bytes(caller.heard[_TITLES]).decode("ascii", "replace").strip()
        if called != self._ae_title:
            self._turn_away(caller, "not our name", _NOT_US)
            return
        of_one = sum(held.place.address == caller.address for held in self._held)
        if of_one >= MOST_OF_ONE or len(self._held) >= MOST_ASSOCIATIONS:
            self._evict(caller.address if of_one >= MOST_OF_ONE else None)
            self._turn_away(caller, "no place", _TOO_MANY)
            return
        self._selector.unregister(caller.connection)
        del self._callers[caller.connection]
        self._held.append(_Held(self._let_in(caller.connection, caller.address, bytes(caller.heard)), time.monotonic()))

    def _evict(self, address: str | None) -> None:
        """End the association that does least with its place, so that whoever asks again finds one."""
        before = time.monotonic() - _QUIET_S
        quiet = [
            held
            for held in self._held
            if held.since < before and held.recent < _QUIET_BYTES and address in {None, held.place.address}
        ]
        if quiet:
            min(quiet, key=lambda held: held.recent).place.shut()
            self._turned_away["quiet"] += 1

    def _turn_away(self, caller: _Caller, why: str, answer: bytes = b"") -> None:
        self._turned_away[why] += 1
        if answer:
            # Its buffer is empty, so that this fits; where it does not, the peer is gone.
            with contextlib.suppress(OSError):
                caller.connection.send(answer)
        self._drop(caller)

    def _drop(self, caller: _Caller) -> None:
        self._selector.unregister(caller.connection)
        del self._callers[caller.connection]
        caller.connection.close()

    def _tidy(self, now: float) -> None:
        for caller in list(self._callers.values()):
            if now - caller.since < _ASK_WITHIN_S:
                break
            self._turn_away(caller, "too slow")
        self._held = [held for held in self._held if not held.place.has_ended()]
        if now - self._looked > _QUIET_S:
            self._looked = now
            for held in self._held:
                held.recent, held.mark = held.place.received - held.mark, held.place.received
        if self._turned_away and now - self._told > _TELL_S:
            # However many they are, they fill no log.
            log.warning("connections turned away: %s", dict(self._turned_away))
            self._turned_away.clear()
            self._told = now
        self._every_turn()
