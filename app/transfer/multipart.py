"""Takes a multipart/related body apart while it comes (RFC 2387, PS3.18 8.6.1.2): one part after the other, in blocks.

Holds one block and a little more, whatever the other side sends. A body that ends before its last delimiter was cut
off, even if its line was closed properly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from app.core.errors import EnvironmentFault, TransientFault

_LONGEST_HEAD = 16 << 10
_LONGEST_BOUNDARY = 70
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts. Raises ``pacs.not_an_archive`` for any other kind of body."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/related") or found is None:
        raise EnvironmentFault("pacs.not_an_archive")
    text = found.group(1) or found.group(2)
    if len(text) > _LONGEST_BOUNDARY or not text.isascii():
        raise EnvironmentFault("pacs.not_an_archive")
    return text.encode("ascii")


class Parts:
    """The parts of a body, each to be read to its end before the next.

    Parameters
    ----------
    blocks
        The body as it comes.
    boundary
        What :func:`boundary_of` says.
    """

    def __init__(self, blocks: Iterable[bytes], boundary: bytes) -> None:
        self._blocks = iter(blocks)
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter stands at the very beginning, without a line before it.
        self._held = bytearray(b"\r\n")
        self._is_last = False

    def __iter__(self) -> Iterator[Iterator[bytes]]:
        """Yield each part as its blocks.

        Raises
        ------
        TransientFault
            ``pacs.cut_off`` when the body ends too early.
        EnvironmentFault
            ``pacs.not_an_archive`` for what is no multipart body.
        """
        for block in self._until_delimiter():
            # A preamble is allowed and means nothing; only a long one is no such body.
            if len(block) > _LONGEST_HEAD:
                raise EnvironmentFault("pacs.not_an_archive")
        while not self._is_last:
            self._skip_head()
            part = self._until_delimiter()
            yield part
            # What the reader left of it.
            for _block in part:
                pass

    def _until_delimiter(self) -> Iterator[bytes]:
        while True:
            at = self._held.find(self._delimiter)
            if at >= 0:
                if at:
                    yield bytes(self._held[:at])
                del self._held[: at + len(self._delimiter)]
                self._take_end_of_delimiter()
                return
            safe = len(self._held) - len(self._delimiter) + 1
            if safe > 0:
                yield bytes(self._held[:safe])
                del self._held[:safe]
            self._more()

    def _take_end_of_delimiter(self) -> None:
        while len(self._held) < 2:
            self._more()
        self._is_last = self._held.startswith(b"--")
        if not self._is_last:
            self._line()

    def _skip_head(self) -> None:
        seen = 0
        while line := self._line():
            seen += len(line)
            if seen > _LONGEST_HEAD:
                raise EnvironmentFault("pacs.not_an_archive")

    def _line(self) -> bytes:
        """Take a line off what is held, and return it without its end."""
        while (end := self._held.find(b"\r\n")) < 0:
            if len(self._held) > _LONGEST_HEAD:
                raise EnvironmentFault("pacs.not_an_archive")
            self._more()
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line

    def _more(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            raise TransientFault("pacs.cut_off")
        self._held += block
