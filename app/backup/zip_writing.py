"""Writes one zip: catalogue, settings, files and, last, the manifest. Stored, not deflated, and read back.

Radiographs and JPEG files deflate by a tenth at ten times the cost (PERFORMANCE, backup). The caller gives
the finished file its name; what is written here is a ``.part``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.backup.flushing import Flusher
from app.backup.manifest import CATALOGUE, MANIFEST, SETTINGS, Manifest, Member
from app.backup.read_ahead import AHEAD, WHOLE_BYTES, ReadAhead
from app.backup.read_back import ReadBack
from app.backup.source import Source, Wanted, Written
from app.backup.zip_reading import EntryFacts
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.files import BLOCK_BYTES, sha256_file, translate_os_error
from app.core.progress import Progress

# What an entry says instead of a time: a file's own would tell when a patient was here.
_MOMENT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Stored:
    """An entry whose bytes are written. ``sha256`` is what they were in memory, where that was worked out."""

    name: str
    size: int
    item: Wanted | None
    sha256: str | None
    found: Future[str] | None


class ZipWriter:
    """Writes one archive, as a context. One thread; others read it back and bring it to the disk meanwhile.

    A sealed archive is not read back here: what lies on the disk is not what was given. Of a plain one ``entries``
    says where each entry's bytes were read back, to be compared with what the finished archive says.
    """

    def __init__(self, part: Path, password: str | None = None) -> None:
        self._part = part
        self._password = password
        self._written = Written()
        self._waiting: deque[_Stored] = deque()
        self._done = 0
        self._total = 0
        self._flusher: Flusher | None = None
        self.entries: dict[str, EntryFacts] = {}

    def __enter__(self) -> ZipWriter:
        """Return the writer."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Let go of the file; whether it is on the disk is for :meth:`settle` to say."""
        if self._flusher is not None:
            self._flusher.end()

    def settle(self) -> None:
        """Wait until everything is on the disk: only then the archive may get its name.

        Raises
        ------
        EnvironmentFault
            ``disk.full``, ``disk.failed``, …
        """
        assert self._flusher is not None
        try:
            self._flusher.wait()
        except OSError as error:
            raise translate_os_error(error) from error

    def write(self, source: Source, ctx: JobContext, total: int) -> Manifest:
        """Write everything; ``total`` is the work of the whole run in bytes, for progress.

        Raises
        ------
        EnvironmentFault
            ``backup.not_verified`` (fact ``member``) where other bytes are read back than were written;
            ``disk.full`` and its kin. The part is removed by whoever asked.
        Cancelled
            When stopped.
        """
        self._total = total
        try:
            with os.fdopen(os.open(self._part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                self._flusher = Flusher(out.fileno())
                self._write(out, source, ctx)
                out.flush()
                self._flusher.ended()
        except OSError as error:
            raise translate_os_error(error) from error
        return self._written.manifest(source)

    def _write(self, out: BinaryIO, source: Source, ctx: JobContext) -> None:
        with self._archive(out) as archive, self._read_back() as back:
            self._copy(archive, back, source.catalogue, CATALOGUE, None, ctx)
            self._put(archive, back, SETTINGS, source.settings, None, ctx)
            for item, content in ReadAhead(source.wanted, lambda wanted: _read(source, wanted)):
                if content is None:
                    self._written.absent.append(item.path)
                    self._say(ctx, item.bytes * (2 if back else 1), item.path)
                elif isinstance(content, Path):
                    self._copy(archive, back, content, item.path, item, ctx)
                else:
                    self._put(archive, back, item.path, content, item, ctx)
                self._collect(source, ctx, AHEAD)
            self._collect(source, ctx, 0)
            manifest = self._written.manifest(source)
            data = manifest.to_json()
            archive.writestr(_entry(archive, MANIFEST), data)
            if back is not None:
                crc = archive.getinfo(MANIFEST).CRC
                self.entries[MANIFEST] = EntryFacts(archive.start_dir - len(data), len(data), crc)
            archive.comment = source.heading.in_clear()

    def _archive(self, out: BinaryIO) -> Any:
        if self._password is None:
            return zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True)
        import pyzipper

        archive = pyzipper.AESZipFile(
            out, "w", compression=pyzipper.ZIP_STORED, allowZip64=True, encryption=pyzipper.WZ_AES
        )
        archive.setpassword(self._password.encode("utf-8"))
        archive.setencryption(pyzipper.WZ_AES, nbits=256)
        return archive

    @contextlib.contextmanager
    def _read_back(self) -> Iterator[ReadBack | None]:
        if self._password is not None:
            yield None
            return
        with ReadBack(self._part) as back:
            yield back

    def _put(
        self, archive: Any, back: ReadBack | None, name: str, data: bytes, item: Wanted | None, ctx: JobContext
    ) -> None:
        ctx.check()
        # Memory is trusted where the archive is read back against the catalogue's own SHA-256.
        sha256 = hashlib.sha256(data).hexdigest() if back is None or item is None else None
        archive.writestr(_entry(archive, name), data)
        self._stored(archive, back, name, len(data), item, sha256)
        self._say(ctx, len(data), name)

    def _copy(
        self, archive: Any, back: ReadBack | None, path: Path, name: str, item: Wanted | None, ctx: JobContext
    ) -> None:
        """Copy a large file block by block."""
        digest, size = hashlib.sha256(), 0
        entry = _entry(archive, name)
        entry.file_size = path.stat().st_size
        with path.open("rb") as reader, archive.open(entry, "w", force_zip64=True) as writer:
            while block := reader.read(BLOCK_BYTES):
                ctx.check()
                digest.update(block)
                writer.write(block)
                size += len(block)
                self._say(ctx, len(block), name)
        self._stored(archive, back, name, size, item, digest.hexdigest())

    def _stored(
        self, archive: Any, back: ReadBack | None, name: str, size: int, item: Wanted | None, sha256: str | None
    ) -> None:
        """Have the entry that was just finished read back: its bytes end where the next entry will begin."""
        found = None
        if back is not None:
            archive.fp.flush()
            start = archive.start_dir - size
            found = back.sha256(start, size)
            self.entries[name] = EntryFacts(start, size, archive.getinfo(name).CRC)
        self._waiting.append(_Stored(name, size, item, sha256, found))

    def _collect(self, source: Source, ctx: JobContext, leave: int) -> None:
        """Write down what has been read back, in order, until so many are left."""
        while len(self._waiting) > leave:
            stored = self._waiting.popleft()
            sha256 = stored.sha256 or ""
            if stored.found is not None:
                sha256 = stored.found.result()
                self._say(ctx, stored.size, stored.name)
                if stored.sha256 is not None and sha256 != stored.sha256:
                    raise EnvironmentFault("backup.not_verified", member=stored.name)
            if stored.item is not None and sha256 != stored.item.sha256:
                if stored.sha256 is None and not _is_so_in_the_library(source, stored.item, sha256):
                    raise EnvironmentFault("backup.not_verified", member=stored.name)
                self._written.damaged.append(stored.name)
            self._written.members.append(Member(stored.name, stored.size, sha256))

    def _say(self, ctx: JobContext, size: int, name: str) -> None:
        self._done += size
        if self._flusher is not None:
            self._flusher.wrote(size)
        ctx.report(Progress(min(self._done, self._total), self._total, "bytes", name.rpartition("/")[2]))


def _entry(archive: Any, name: str) -> Any:
    kind = getattr(archive, "zipinfo_cls", zipfile.ZipInfo)
    entry = kind(name, _MOMENT)
    entry.external_attr = 0o600 << 16
    return entry


def _places(source: Source, item: Wanted) -> Iterator[Path]:
    for path in (source.root / item.path, source.relocate(item.image_id)):
        if path is not None and not path.is_symlink():
            yield path


def _read(source: Source, item: Wanted) -> bytes | Path | None:
    """Return a file's bytes, its path when it is large, ``None`` when the library does not have it."""
    for path in _places(source, item):
        try:
            return path if path.stat().st_size > WHOLE_BYTES else path.read_bytes()
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def _is_so_in_the_library(source: Source, item: Wanted, sha256: str) -> bool:
    """Whether the library's own file has these bytes and not those of its import: damaged there, not here."""
    for path in _places(source, item):
        with contextlib.suppress(OSError):
            return sha256_file(path)[0] == sha256
    return False
