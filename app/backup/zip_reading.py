"""Reading a zip backup as if an enemy had made it.

Every entry is judged before a byte of it is used (RELIABILITY B24, B25): names, doubles, links, overlaps and
sizes. What the manifest does not list makes the whole archive refused. pyzipper keeps an old fault with
overlapping entries, so they are looked for here.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.backup.manifest import MANIFEST, Heading, Manifest, is_harmless, parse_heading, parse_manifest
from app.core.errors import UserError
from app.core.files import translate_os_error

MOST_MEMBERS = 2_000_000
MOST_RATIO = 200
MOST_MANIFEST_BYTES = 1 << 30
_HEADER_BYTES = 30
# Local file header (APPNOTE.TXT 4.3.7).
_HEADER = struct.Struct("<4s3HLLLL2H")
_MARK = b"PK\x03\x04"
_UTF8_FLAG = 0x800
_SEE_EXTRA = 0xFFFFFFFF
_AES_BYTES = 64
_STORED = 0
_AES = 99
_SEALED_FLAG = 0x1


def read_heading(path: Path) -> Heading | None:
    """Return what the archive says about itself in clear; ``None`` when it is no backup of ours. Quick."""
    try:
        with zipfile.ZipFile(path) as archive:
            return parse_heading(json.loads(archive.comment))
    except (OSError, ValueError, zipfile.BadZipFile, UserError):
        return None


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """Where an entry's bytes begin, how many they are, and their CRC-32."""

    start: int
    size: int
    crc: int


def entry_facts(path: Path) -> dict[str, EntryFacts]:
    """Return every entry of a plain archive, told alike by the central directory and by its own header.

    Raises
    ------
    UserError
        ``backup.damaged`` (fact ``member``) where the two differ: such an entry could not be read back.
    """
    found = {}
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            for entry in archive.infolist():
                stream.seek(entry.header_offset)
                head = stream.read(_HEADER_BYTES)
                mark, _version, flags, method, _moment, crc, stored, _size, names, extras = _HEADER.unpack(head)
                name = stream.read(names).decode("utf-8" if flags & _UTF8_FLAG else "cp437")
                # Sizes beyond four bytes stand in an extra field; the CRC never does.
                sizes_agree = stored in {entry.compress_size, _SEE_EXTRA}
                same = (mark, crc, method, name) == (_MARK, entry.CRC, entry.compress_type, entry.orig_filename)
                if not (same and sizes_agree):
                    raise UserError("backup.damaged", member=entry.filename)
                start = entry.header_offset + _HEADER_BYTES + names + extras
                found[entry.filename] = EntryFacts(start, entry.file_size, entry.CRC)
    except (OSError, ValueError, struct.error, zipfile.BadZipFile) as error:
        raise UserError("backup.damaged", member=MANIFEST) from error
    return found


def says_in_clear(path: Path) -> bytes:
    """Return what an archive says about itself in clear, as it stands there. Raises OSError, BadZipFile."""
    with zipfile.ZipFile(path) as archive:
        return archive.comment


class ZipArchive:
    """A zip backup open for reading; each thread reads through a handle of its own."""

    def __init__(self, path: Path, password: str | None = None) -> None:
        """Open and judge an archive.

        Raises
        ------
        UserError
            ``backup.not_a_backup``, ``backup.damaged``, ``backup.hostile``, ``backup.newer``,
            ``backup.password_needed`` or ``backup.wrong_password``.
        EnvironmentFault
            ``file.missing``, ``disk.permission`` and kin.
        """
        self._path = path
        self._password = password
        self._own = threading.local()
        self._handles: list[Any] = []
        self._lock = threading.Lock()
        try:
            self._manifest = self._judge()
        except BaseException:
            self.close()
            raise

    @property
    def manifest(self) -> Manifest:
        """What it holds."""
        return self._manifest

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open one member. Raises ``backup.damaged``."""
        with self._reading(path), self._handle().open(path) as member:
            yield member

    def close(self) -> None:
        """Close every thread's handle."""
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def _judge(self) -> Manifest:
        archive = self._handle()
        entries = archive.infolist()
        names = {entry.filename for entry in entries}
        if MANIFEST not in names:
            raise UserError("backup.not_a_backup", path=str(self._path))
        _require_sane(entries, self._path.stat().st_size)
        if any(entry.flag_bits & _SEALED_FLAG for entry in entries) and self._password is None:
            raise UserError("backup.password_needed", path=str(self._path))
        if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
            raise UserError("backup.hostile", member=MANIFEST)
        with self.open(MANIFEST) as member:
            manifest = parse_manifest(member.read(MOST_MANIFEST_BYTES))
        listed = {member.path: member.bytes for member in manifest.members}
        for entry in entries:
            if entry.filename != MANIFEST and listed.get(entry.filename) != entry.file_size:
                raise UserError("backup.hostile", member=entry.filename[:200])
        missing = sorted(listed.keys() - names)
        if missing:
            raise UserError("backup.damaged", member=missing[0])
        return manifest

    def _handle(self) -> Any:
        handle = getattr(self._own, "handle", None)
        if handle is None:
            handle = self._own.handle = self._opened()
            with self._lock:
                self._handles.append(handle)
        return handle

    def _opened(self) -> Any:
        try:
            if self._password is None:
                return zipfile.ZipFile(self._path)
            import pyzipper

            handle = pyzipper.AESZipFile(self._path)
            handle.setpassword(self._password.encode("utf-8"))
            return handle
        except FileNotFoundError as error:
            raise UserError("backup.none", path=str(self._path)) from error
        except OSError as error:
            raise translate_os_error(error, path=str(self._path)) from error
        except (ValueError, NotImplementedError) as error:
            raise UserError("backup.not_a_backup", path=str(self._path)) from error
        except Exception as error:
            # Two libraries, two classes of the same name.
            if type(error).__name__ != "BadZipFile":
                raise
            raise UserError("backup.not_a_backup", path=str(self._path)) from error

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            # Both libraries say "bad password" with a plain RuntimeError.
            code = "backup.wrong_password" if "assword" in str(error) else "backup.damaged"
            raise UserError(code, member=path, path=str(self._path)) from error
        except (KeyError, ValueError, EOFError, NotImplementedError, zlib.error, io.UnsupportedOperation) as error:
            raise UserError("backup.damaged", member=path) from error
        except OSError as error:
            raise translate_os_error(error, path=str(self._path)) from error
        except Exception as error:
            if type(error).__name__ != "BadZipFile":
                raise
            raise UserError("backup.damaged", member=path) from error


def _require_sane(entries: list[Any], size: int) -> None:
    if len(entries) > MOST_MEMBERS:
        raise UserError("backup.hostile", member=str(len(entries)))
    seen: set[str] = set()
    for entry in entries:
        folded = entry.filename.casefold()
        kind = entry.external_attr >> 16
        if (
            folded in seen
            or not (entry.filename == MANIFEST or is_harmless(entry.filename))
            or (stat.S_IFMT(kind) not in {0, stat.S_IFREG})
            or entry.compress_type not in {_STORED, _AES}
            or entry.file_size > max(entry.compress_size, 1) * MOST_RATIO
        ):
            raise UserError("backup.hostile", member=entry.filename[:200])
        seen.add(folded)
    _require_apart(entries, size)


def _require_apart(entries: list[Any], size: int) -> None:
    """Refuse entries that lie over each other or beyond the file (a bomb counts the same bytes many times)."""
    end = 0
    for entry in sorted(entries, key=lambda item: item.header_offset):
        if entry.header_offset < end:
            raise UserError("backup.hostile", member=entry.filename[:200])
        end = entry.header_offset + _HEADER_BYTES + entry.compress_size
    if end > size:
        raise UserError("backup.damaged", member=MANIFEST)
