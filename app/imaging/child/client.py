"""The decoder that the program uses: files go to a child process, results come back.

Thread-safe. Starts children when first needed and anew after a death. Importing this module loads
nothing heavy: result types are resolved by name when the first answer arrives.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import logging
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from weakref import WeakKeyDictionary

from app.core.cancel import CancelToken
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.facts import FileFacts
from app.imaging.child import caps
from app.imaging.child.process import ChildProcess, DecoderDied

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from app.imaging.child.channel import Message
    from app.imaging.examined import Examined
    from app.imaging.frame import DisplayFrame
    from app.imaging.header import HeaderFacts
    from app.imaging.render_args import RenderArgs

log = logging.getLogger(__name__)


class Decoder:
    """Up to ``children`` decoding children behind one door. Any thread.

    Use one instance for the viewer and another for imports, so that neither waits for the other.
    Every method raises :class:`BitewingError` with the codes of ``probe``, ``examine`` or
    ``decoder.died``, ``decoder.timeout``, ``decoder.memory``, ``decoder.closed``.
    """

    def __init__(
        self,
        children: int = 1,
        *,
        memory_bytes: int = caps.MEMORY_LIMIT_BYTES,
        request_limit_s: float = caps.REQUEST_LIMIT_S,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._limit_s = request_limit_s
        self._changed = threading.Condition()
        self._idle: list[ChildProcess] = []
        self._all: list[ChildProcess] = []
        self._free_places = children
        self._closed = False
        self._served: WeakKeyDictionary[CancelToken, set[ChildProcess]] = WeakKeyDictionary()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Start a child now, so that the first picture does not pay for it."""
        self._release(self._acquire())

    def probe(self, path: Path, *, token: CancelToken | None = None) -> FileFacts:
        """Say what the file is, without its pixels."""
        return cast("FileFacts", self._ask(FileFacts, "probe", path, token))

    def examine(self, path: Path, *, token: CancelToken | None = None) -> Examined:
        """Decode everything once: facts with hashes, and a thumbnail."""
        return cast("Examined", self._ask("examined:Examined", "examine", path, token))

    def frame(
        self,
        path: Path,
        index: int = 0,
        *,
        max_pixels: tuple[int, int] | None = None,
        token: CancelToken | None = None,
    ) -> DisplayFrame:
        """Return frame ``index``; with ``max_pixels`` (width, height of the view) a coarse one where that is cheaper.

        Such a preview has a third of the view's resolution or more, and ``label`` says ``reduced_resolution``.
        """
        more = {"index": index, "max_pixels": max_pixels}
        return cast("DisplayFrame", self._ask("frame:DisplayFrame", "frame", path, token, **more))

    def stored(self, path: Path, *, token: CancelToken | None = None) -> NDArray[Any]:
        """Return the stored values of all frames."""
        return cast("NDArray[Any]", self._ask(_array_type, "stored", path, token))

    def render(
        self, path: Path, args: RenderArgs | None = None, *, token: CancelToken | None = None
    ) -> NDArray[np.uint8]:
        """Return the picture as the viewer shows it."""
        more = {"args": {} if args is None else _plain_fields(args)}
        return cast("NDArray[np.uint8]", self._ask(_array_type, "render", path, token, **more))

    def thumbnail(self, path: Path, *, token: CancelToken | None = None) -> bytes | None:
        """Return a JPEG of at most 400 by 400; raises ``dicom.no_pixels`` for objects without a picture."""
        return cast("bytes | None", self._ask(bytes | None, "thumbnail", path, token))

    def header(self, path: Path, *, token: CancelToken | None = None) -> HeaderFacts | None:
        """Return the header values that a scan wants: the fallback of ``header_scan``."""
        return cast("HeaderFacts | None", self._ask("header:HeaderFacts?", "header", path, token))

    def close(self) -> None:
        """End all children; a request that is running fails with ``decoder.closed``."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = [child for child in self._all if child not in idle]
            self._changed.notify_all()
        for child in busy:
            child.kill()
        for child in idle:
            self._forget(child)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the running children."""
        with self._changed:
            return tuple(child.pid for child in self._all if child.alive)

    def _ask(self, kind: Any, operation: str, path: Path, token: CancelToken | None, **more: Any) -> Any:
        header = {"op": operation, "path": str(path.absolute()), **more}
        return _build(kind, self._exchange(header, token))

    def _exchange(self, header: dict[str, Any], token: CancelToken | None = None) -> Message:
        """Send ``header`` to a free child and wait; a child that died while idle is replaced."""
        while True:
            child = self._acquire()
            try:
                with self._killable(child, token):
                    answer = child.request(header)
            except BitewingError as error:
                self._release(child, usable=child.alive and error.code != "decoder.memory")
                if token is not None:
                    token.check()
                if self._closed:
                    raise EnvironmentFault("decoder.closed") from error
                if isinstance(error, DecoderDied) and error.before_request:
                    continue
                raise
            except BaseException:
                self._release(child, usable=False)
                raise
            self._release(child)
            return answer

    @contextlib.contextmanager
    def _killable(self, child: ChildProcess, token: CancelToken | None) -> Iterator[None]:
        """Let ``token`` end ``child`` for as long as the block runs, and not after it."""
        if token is None:
            yield
            return
        with self._changed:
            known = token in self._served
            serving = self._served.setdefault(token, set())
            serving.add(child)
        if not known:
            # Once per token: a long import asks thousands of times with the same one.
            token.on_cancel(partial(_kill_all, serving))
        elif token.cancelled:
            child.kill()
        try:
            yield
        finally:
            with self._changed:
                serving.discard(child)

    def _acquire(self) -> ChildProcess:
        with self._changed:
            while not (self._idle or self._free_places or self._closed):
                self._changed.wait()
            if self._closed:
                raise EnvironmentFault("decoder.closed")
            if self._idle:
                return self._idle.pop()
            self._free_places -= 1
        try:
            child = ChildProcess(self._memory_bytes, self._limit_s)
        except BaseException as error:
            with self._changed:
                self._free_places += 1
                self._changed.notify()
            if isinstance(error, OSError):
                raise EnvironmentFault("decoder.died") from error
            raise
        with self._changed:
            self._all.append(child)
        return child

    def _release(self, child: ChildProcess, *, usable: bool = True) -> None:
        with self._changed:
            if usable and child.alive and not self._closed:
                self._idle.append(child)
                self._changed.notify()
                return
        self._forget(child)

    def _forget(self, child: ChildProcess) -> None:
        child.close()
        with self._changed:
            if child in self._all:
                self._all.remove(child)
                self._free_places += 1
            self._changed.notify()


def _kill_all(children: set[ChildProcess]) -> None:
    for child in tuple(children):
        child.kill()


def _build(kind: Any, answer: Message) -> Any:
    """Turn an answer into the type that was asked for; anything else is a fault of the child."""
    codec = importlib.import_module("app.imaging.child.codec")
    if isinstance(kind, str):
        module, _, name = kind.partition(":")
        found = getattr(importlib.import_module(f"app.imaging.{module}"), name.rstrip("?"))
        kind = found | None if name.endswith("?") else found
    elif kind is _array_type:
        kind = _array_type()
    try:
        return codec.decode(kind, answer.header.get("value"), answer.arrays)
    except codec.CodecError as error:
        raise EnvironmentFault("decoder.died") from error


def _array_type() -> Any:
    return importlib.import_module("numpy").ndarray


def _plain_fields(args: Any) -> dict[str, Any]:
    """Return the fields of a small dataclass of numbers and texts as JSON can hold them."""
    return {field.name: getattr(args, field.name) for field in dataclasses.fields(args)}
