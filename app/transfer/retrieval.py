"""Files out of an archive by WADO-RS: streamed to the disk, whole or not at all, never more than was allowed.

Each object gets a name of our own, nothing of the server's. Whether it is what was asked for is for the caller to see.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.core.cancel import CancelToken
from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import translate_os_error
from app.transfer.connection import Connection
from app.transfer.found import is_uid
from app.transfer.multipart import Parts, boundary_of

# Debian 12's plug-in sends what it has only when asked for any transfer syntax; newer ones would unpack it otherwise.
_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_SINGLE = "application/dicom"
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
# A line that carries less than that for half a minute will not bring a study today.
_SLOWEST_BYTES_PER_S = 1024
_PATIENCE_S = 30.0
_MOST_FILES = 50_000
_PREAMBLE = 128


@dataclass(slots=True)
class Allowance:
    """How many bytes may still come; shared by several connections."""

    bytes: int
    taken: int = 0

    def take(self, count: int) -> None:
        """Take some. Raises ``pacs.too_large`` when there are none left."""
        self.taken += count
        if self.taken > self.bytes:
            raise EnvironmentFault("pacs.too_large")


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How objects are fetched: where to, who hears of each file and each block, and who may end it."""

    folder: Path
    token: CancelToken
    allowance: Allowance
    on_file: Callable[[Path], None]
    on_bytes: Callable[[int], None] = field(default=lambda _count: None)


def retrieve(server: Connection, uids: tuple[str, ...], prefix: str, how: Retrieval) -> int:
    """Fetch a study, a series of it or an image of that, by their UIDs, and return how many files came.

    Files are named ``{prefix}{number}.dcm``; ``on_file`` hears of each once it is whole.

    Raises
    ------
    TransientFault
        ``pacs.cut_off``, ``pacs.slow``, ``pacs.unreachable``: what was whole by then was told.
    EnvironmentFault
        ``pacs.not_an_archive``, ``pacs.too_large``, ``pacs.gone``; ``disk.full`` and kin.
    Cancelled
        When ended.
    """
    if not 1 <= len(uids) <= 3 or not all(map(is_uid, uids)):
        raise EnvironmentFault("pacs.bad_uid")
    levels = zip(("studies", "series", "instances"), uids, strict=False)
    path = "dicom-web/" + "/".join(f"{level}/{uid}" for level, uid in levels)
    how.token.check()
    try:
        with server.streamed(path, _ACCEPT, how.token, _TIMEOUT) as response:
            return _take(response, prefix, how)
    except EnvironmentFault as error:
        if error.facts.get("status") == httpx.codes.NOT_FOUND:
            raise EnvironmentFault("pacs.gone") from error
        raise


def retrieve_file(
    server: Connection,
    path: str,
    target: Path,
    allowance: Allowance,
    token: CancelToken,
    on_bytes: Callable[[int], None],
) -> None:
    """Fetch one file as it lies there to the new file ``target``.

    Raises
    ------
    TransientFault, EnvironmentFault, Cancelled
        As :func:`retrieve`; nothing is under the name then.
    """
    how = Retrieval(target.parent, token, allowance, lambda _path: None, on_bytes)
    token.check()
    try:
        with server.streamed(path, _SINGLE, token, _TIMEOUT) as response:
            _kept(_watched(response, how), target)
    except EnvironmentFault as error:
        if error.facts.get("status") == httpx.codes.NOT_FOUND:
            raise EnvironmentFault("pacs.gone") from error
        raise


def _take(response: httpx.Response, prefix: str, how: Retrieval) -> int:
    blocks = _watched(response, how)
    kind = response.headers.get("Content-Type", "")
    if kind.lower().startswith(_SINGLE):
        parts: Iterable[Iterator[bytes]] = iter([blocks])
    else:
        parts = Parts(blocks, boundary_of(kind))
    count = 0
    for count, part in enumerate(parts, 1):
        if count > _MOST_FILES:
            raise EnvironmentFault("pacs.not_an_archive")
        how.on_file(_kept(part, how.folder / f"{prefix}{count:06d}.dcm"))
    return count


def _watched(response: httpx.Response, how: Retrieval) -> Iterator[bytes]:
    """Yield the body; end it when nobody wants it any more, when it is too much or takes for ever."""
    began, seen = time.monotonic(), 0
    # As they come: gathered into larger blocks, a trickle would never be noticed.
    for block in response.iter_bytes():
        how.token.check()
        how.allowance.take(len(block))
        how.on_bytes(len(block))
        seen += len(block)
        spent = time.monotonic() - began
        if spent > _PATIENCE_S and seen < spent * _SLOWEST_BYTES_PER_S:
            raise TransientFault("pacs.slow")
        yield block
    # An answer without a length ends where the line does: one that was cut here would pass for a whole one.
    how.token.check()


def _kept(part: Iterator[bytes], target: Path) -> Path:
    """Write a part to the disk under its name once it is whole."""
    unfinished = target.with_suffix(".part")
    try:
        with unfinished.open("xb") as stream:
            for block in part:
                stream.write(block)
        with unfinished.open("rb") as stream:
            if stream.read(_PREAMBLE + 4)[_PREAMBLE:] != b"DICM":
                raise EnvironmentFault("pacs.not_an_archive")
        unfinished.replace(target)
    except OSError as error:
        raise translate_os_error(error) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target
