"""Writes one zip: catalogue, settings, files and, last, the manifest. Stored, not deflated.

Radiographs and JPEG files deflate by a tenth at ten times the cost (PERFORMANCE, backup). The caller gives
the finished file its name; what is written here is a ``.part``.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from app.backup.flushing import Flusher
from app.backup.manifest import CATALOGUE, MANIFEST, SETTINGS, Manifest, Member
from app.backup.read_ahead import WHOLE_BYTES, Content, ReadAhead, read_whole
from app.backup.source import Source, Wanted, Written
from app.core.context import JobContext
from app.core.files import BLOCK_BYTES, translate_os_error
from app.core.progress import Progress

# What an entry says instead of a time: a file's own would tell when a patient was here.
_MOMENT = (1980, 1, 1, 0, 0, 0)


class ZipWriter:
    """Writes one archive, as a context. One thread; another brings the file to the disk meanwhile."""

    def __init__(self, part: Path, password: str | None = None) -> None:
        self._part = part
        self._password = password
        self._written = Written()
        self._done = 0
        self._total = 0
        self._flusher: Flusher | None = None

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
            ``disk.full`` and its kin; the part is removed by whoever asked.
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
        with self._archive(out) as archive:
            self._copy(archive, source.catalogue, CATALOGUE, ctx)
            self._put(archive, SETTINGS, Content(source.settings, hashlib.sha256(source.settings).hexdigest()), ctx)
            for item, content in ReadAhead(source.wanted, lambda wanted: _read(source, wanted)):
                self._take(archive, source, item, content, ctx)
            manifest = self._written.manifest(source)
            archive.writestr(_entry(archive, MANIFEST), manifest.to_json())
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

    def _take(
        self, archive: Any, source: Source, item: Wanted, content: Content | Path | None, ctx: JobContext
    ) -> None:
        if content is None:
            self._written.absent.append(item.path)
            self._say(ctx, item.bytes, item.path)
            return
        if isinstance(content, Path):
            sha256 = self._copy(archive, content, item.path, ctx)
        else:
            sha256 = content.sha256
            self._put(archive, item.path, content, ctx)
        if sha256 != item.sha256:
            self._written.damaged.append(item.path)

    def _put(self, archive: Any, name: str, content: Content, ctx: JobContext) -> None:
        ctx.check()
        archive.writestr(_entry(archive, name), content.data)
        self._written.members.append(Member(name, len(content.data), content.sha256))
        self._say(ctx, len(content.data), name)

    def _copy(self, archive: Any, path: Path, name: str, ctx: JobContext) -> str:
        """Copy a large file block by block and return its SHA-256."""
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
        self._written.members.append(Member(name, size, digest.hexdigest()))
        return digest.hexdigest()

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


def _read(source: Source, item: Wanted) -> Content | Path | None:
    """Return a file's bytes, its path when it is large, ``None`` when the library does not have it."""
    for path in (source.root / item.path, source.relocate(item.image_id)):
        try:
            if path is None or path.is_symlink():
                continue
            return path if path.stat().st_size > WHOLE_BYTES else read_whole(path)
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
