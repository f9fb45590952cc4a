"""Searches files for secrets, also where a plain search does not see them: in archives, compressed, encoded, in tables.

What is sealed with a password has to be opened first, by whoever looks.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import sqlite3
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

_ZLIB = re.compile(rb"[\x08\x18\x28\x38\x48\x58\x68\x78][\x01\x5e\x9c\xda]")
_GZIP = b"\x1f\x8b\x08"
_SQLITE = b"SQLite format 3\0"
_DEEPEST = 5
_LARGEST = 64 << 20
# Streams that begin anywhere are tried in files up to this size; larger ones here hold pixels.
_STREAMS_UP_TO = 4 << 20


@dataclass(frozen=True)
class Finding:
    """A secret, and where it stands: a file, and what was opened to see it."""

    secret: str
    place: str


@dataclass
class SecretSearch:
    """Looks for ``secrets`` (name → value). Sealed files are opened by whoever knows how, and searched after."""

    secrets: Mapping[str, str]
    searched: int = 0
    opened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._forms = {name: {form for form in _forms(value) if len(form) >= 8} for name, value in self.secrets.items()}

    def folder(self, root: Path, besides: frozenset[Path] = frozenset()) -> list[Finding]:
        """Return what stands in any file below a folder, or in a name."""
        found = []
        for path in sorted(root.rglob("*")):
            found += self.data(str(path).encode("utf-8", "surrogateescape"), f"the name {path}", deep=False)
            if path.is_file() and not path.is_symlink() and path not in besides:
                found += self.data(path.read_bytes(), str(path))
        return found

    def data(self, data: bytes, place: str, *, deep: bool = True, depth: int = 0) -> list[Finding]:
        """Return what stands in some bytes."""
        self.searched += 1
        found = [Finding(name, place) for name, forms in self._forms.items() if any(form in data for form in forms)]
        if deep and depth < _DEEPEST:
            for inner, how in self._inside(data):
                self.opened.add(how.partition(" ")[0])
                found += self.data(inner, f"{place} > {how}", depth=depth + 1)
        return found

    def _inside(self, data: bytes) -> Iterator[tuple[bytes, str]]:
        if data[:4] == b"PK\x03\x04":
            yield from _zip(data)
        elif data.startswith(_SQLITE):
            yield from _tables(data)
        elif data[:3] == b"BZh":
            with suppress(OSError, ValueError):
                yield bz2.decompress(data), "bz2"
        elif data[:6] == b"\xfd7zXZ\0":
            with suppress(lzma.LZMAError):
                yield lzma.decompress(data), "xz"
        if len(data) <= _STREAMS_UP_TO:
            yield from _streams(data)


def _zip(data: bytes) -> Iterator[tuple[bytes, str]]:
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield archive.comment, "zip comment"
        for entry in archive.infolist():
            with suppress(RuntimeError, zipfile.BadZipFile, NotImplementedError):
                yield archive.read(entry), f"zip {entry.filename}"


def _forms(value: str) -> Iterator[bytes]:
    """Yield how a text may be written down: as it is, for Windows, in web addresses, hexadecimal, in base 64."""
    raw = value.encode()
    yield raw
    yield value.encode("utf-16-le")
    yield urllib.parse.quote(value, safe="").encode()
    yield urllib.parse.quote_plus(value).encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        # What surrounds it changes the first and last letters, never those in the middle.
        coded = base64.b64encode(b"\0" * shift + raw)
        middle = coded[(shift * 8 + 5) // 6 : len(raw + b"\0" * shift) // 3 * 4 - 1]
        yield middle
        yield middle.replace(b"+", b"-").replace(b"/", b"_")


def _tables(data: bytes) -> Iterator[tuple[bytes, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "searched.db"
        path.write_bytes(data)
        with closing(sqlite3.connect(path)) as connection, suppress(sqlite3.DatabaseError):
            connection.text_factory = bytes
            names = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            for name in names:
                with suppress(sqlite3.DatabaseError):
                    for row in connection.execute(f'SELECT * FROM "{name}"'):
                        for value in row:
                            if isinstance(value, bytes) and value:
                                yield value, f"table {name}"


def _streams(data: bytes) -> Iterator[tuple[bytes, str]]:
    start = data.find(_GZIP)
    while start >= 0:
        with suppress(OSError, EOFError, zlib.error), gzip.open(io.BytesIO(data[start:])) as stream:
            yield stream.read(_LARGEST), "gzip"
        start = data.find(_GZIP, start + 1)
    for match in _ZLIB.finditer(data):
        with suppress(zlib.error):
            inner = zlib.decompressobj().decompress(data[match.start() :], _LARGEST)
            if len(inner) >= 8:
                yield inner, "zlib"
