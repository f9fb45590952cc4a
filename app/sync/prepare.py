"""Reading ahead: up to two threads hash and examine the files that come next, in order.

The importer, which alone writes, takes prepared files from here one by one; at most a few wait in
memory, however many there are on offer (B35).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.core.files import digest_file
from app.imaging.examined import Examined
from app.imaging.sniff import Content
from app.sync.report import Examiner
from app.sync.sources import Source, refusal

THREADS = 2
AHEAD = 6
# Nothing of these kinds can be an image; saying so needs no child process.
_NO_IMAGES = frozenset({Content.OTHER, Content.UNSUPPORTED_IMAGE, Content.ZIP, Content.DICOMDIR})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source and what was learned about it; exactly one of ``examined`` and ``error``, or neither.

    Neither: the source's own problem says it all, or the bytes are known already.
    """

    source: Source
    sha256: str = ""
    md5: str | None = None
    examined: Examined | None = None
    error: BitewingError | None = None
    is_known: bool = False
    seconds: float = 0.0


def prepare_all(
    sources: Iterable[Source],
    examiner: Examiner,
    is_known: Callable[[Source, str], bool],
    ctx: JobContext,
) -> Generator[Prepared, None, None]:
    """Yield every source in order, hashed and, unless ``is_known`` says no, examined.

    ``is_known`` is called in the caller's thread. A source that could not be unpacked for want of space
    ends the iteration with that fault.

    Raises
    ------
    Cancelled
        At the next file after cancelling; waiting work is dropped.
    EnvironmentFault
        When the library's volume refuses a temporary copy.
    """
    hashing: deque[Future[Prepared]] = deque()
    examining: deque[Future[Prepared]] = deque()
    pool = ThreadPoolExecutor(THREADS, "import-read")

    def advance() -> None:
        prepared = hashing.popleft().result()
        examining.append(_examine_if_new(prepared))

    def _examine_if_new(prepared: Prepared) -> Future[Prepared]:
        if prepared.error is None and prepared.sha256 and is_known(prepared.source, prepared.sha256):
            return _done(replace(prepared, is_known=True))
        if prepared.error is not None or prepared.source.problem is not None:
            return _done(prepared)
        return pool.submit(_examine, prepared, examiner)

    try:
        for source in sources:
            ctx.check()
            hashing.append(pool.submit(_hash, source, ctx))
            if len(hashing) >= THREADS:
                advance()
            if len(examining) >= AHEAD:
                yield examining.popleft().result()
        while hashing or examining:
            ctx.check()
            if hashing:
                advance()
            if examining:
                yield examining.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for waiting in (*hashing, *examining):
            _release(waiting)


def _done(prepared: Prepared) -> Future[Prepared]:
    future: Future[Prepared] = Future()
    future.set_result(prepared)
    return future


def _release(waiting: Future[Prepared]) -> None:
    if waiting.cancelled() or waiting.exception() is not None:
        return
    waiting.result().source.release()


def _hash(source: Source, ctx: JobContext) -> Prepared:
    """Hash a source; files that cannot be read get their fault, never an exception."""
    started = time.monotonic()
    if source.path is None:
        return Prepared(source)
    try:
        digests = digest_file(source.path, lambda _bytes: ctx.check())
    except Cancelled:
        return Prepared(source, error=Cancelled())
    except OSError as error:
        return Prepared(source, error=_unreadable(error))
    seconds = time.monotonic() - started
    prepared = Prepared(replace(source, size=digests.size_bytes), digests.sha256, digests.md5, seconds=seconds)
    if source.problem is None and (digests.size_bytes == 0 or source.content is Content.EMPTY):
        return replace(prepared, error=EnvironmentFault("file.empty"))
    return prepared


def _unreadable(error: OSError) -> BitewingError:
    problem = refusal(error)
    return EnvironmentFault(problem.code, **problem.facts)


def _examine(prepared: Prepared, examiner: Examiner) -> Prepared:
    started = time.monotonic()
    path = prepared.source.path
    if path is None or prepared.source.content in _NO_IMAGES:
        error: BitewingError | None = EnvironmentFault("file.not_an_image")
        return replace(prepared, error=error)
    examined, error = _ask(examiner, path)
    seconds = prepared.seconds + time.monotonic() - started
    return replace(prepared, examined=examined, error=error, seconds=seconds)


def _ask(examiner: Examiner, path: Path) -> tuple[Examined | None, BitewingError | None]:
    try:
        return examiner.examine(path), None
    except BitewingError as error:
        return None, error
    except OSError as error:
        return None, _unreadable(error)
