"""Zip archives opened as if they were folders, safely (B24–B27).

Members are unpacked one at a time under names of our own, never under theirs. Limits are checked
against the directory first and again while reading, because a directory can lie.
"""

from __future__ import annotations

import contextlib
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from app.core.errors import EnvironmentFault
from app.core.files import translate_os_error
from app.imaging.sniff import Content
from app.sync.sources import Found, Problem, Source, content_of, is_ignored, refused_source

MEMBER_LIMIT = 200_000
RATIO_LIMIT = 200
TOTAL_LIMIT_BYTES = 64 << 30
# Below this a high ratio harms nobody: small synthetic images compress very well.
RATIO_FREE_BYTES = 16 << 20
_BLOCK_BYTES = 1 << 20
_ENCRYPTED = 0x1
_LINK_MODE = 0o120000
# Programs' own documents are zip files too; nobody wants their insides imported.
_DOCUMENT_MARKS = frozenset({"[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "AndroidManifest.xml"})


def member_count(path: Path) -> tuple[int, int]:
    """Return how many members will be offered and their unpacked bytes; one for what cannot be opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
        size = path.stat().st_size
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return 1, 0
    if archive_problem(size, members) is not None:
        return 1, 0
    kept = [member for member in members if not _is_left_out(member)]
    return len(kept), sum(member.file_size for member in kept)


def archive_problem(size_bytes: int, members: list[zipfile.ZipInfo]) -> Problem | None:
    """Return why an archive of ``size_bytes`` is refused as a whole, or ``None``."""
    if any(member.filename in _DOCUMENT_MARKS for member in members):
        return Problem("skipped", "file.not_an_image")
    if len(members) > MEMBER_LIMIT:
        return Problem("quarantined", "archive.too_many", {"members": len(members), "limit": MEMBER_LIMIT})
    total = sum(member.file_size for member in members)
    if total > TOTAL_LIMIT_BYTES or (total > RATIO_FREE_BYTES and total / max(1, size_bytes) > RATIO_LIMIT):
        return Problem("quarantined", "archive.bomb", {"bytes": total})
    return None


def open_archive(found: Found, unpack_into: Path) -> Iterator[Source]:
    """Yield every member of a zip archive as a source.

    Parameters
    ----------
    found
        The archive.
    unpack_into
        A folder of the library for the members' temporary copies.

    Raises
    ------
    EnvironmentFault
        When the library's volume is full or cannot be written.
    """
    try:
        archive = zipfile.ZipFile(found.path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        yield refused_source(found, Problem("quarantined", "archive.damaged"))
        return
    with archive:
        members = archive.infolist()
        problem = archive_problem(found.size, members)
        if problem is not None:
            yield refused_source(found, problem)
            return
        for member in members:
            if not _is_left_out(member):
                yield _member_source(archive, member, found, unpack_into)


def _is_left_out(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    is_link = (member.external_attr >> 16) & 0o170000 == _LINK_MODE
    # Names that name nothing come first: zipfile cannot even say of an empty one whether it is a folder.
    return not parts or member.is_dir() or is_link or any(is_ignored(part) for part in parts if part != "..")


def _member_source(archive: zipfile.ZipFile, member: zipfile.ZipInfo, found: Found, folder: Path) -> Source:
    shown = f"{found.path}!/{member.filename}"
    name = PurePosixPath(member.filename.replace("\\", "/")).name
    if member.flag_bits & _ENCRYPTED:
        return Source(
            shown, None, name, member.file_size, found.mtime_ns, problem=Problem("failed", "archive.encrypted")
        )
    copy = folder / f"unpacked-{uuid.uuid4().hex}.part"
    problem = _unpack(archive, member, copy)
    content = Content.OTHER
    if problem is None:
        looked = content_of(copy)
        if isinstance(looked, Problem):
            problem = looked
        elif looked is Content.ZIP:
            problem = Problem("skipped", "archive.nested")
        else:
            content = looked
    return Source(
        shown=shown,
        path=copy,
        original_name=name,
        size=member.file_size,
        mtime_ns=found.mtime_ns,
        content=content,
        problem=problem,
        release=lambda: copy.unlink(missing_ok=True),
    )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, copy: Path) -> Problem | None:
    """Write one member to ``copy``; what could be read of a damaged one stays there, to be kept aside."""
    try:
        target = copy.open("xb")
    except OSError as error:
        raise translate_os_error(error) from error
    written = 0
    with target:
        try:
            with archive.open(member) as reader:
                # The checksum is compared here: zipfile would withhold the last block of a damaged member.
                reader._expected_crc = None  # type: ignore[attr-defined]
                checksum = 0
                while block := reader.read(_BLOCK_BYTES):
                    written += len(block)
                    if written > member.file_size:
                        return Problem("quarantined", "archive.bomb", {"bytes": written})
                    checksum = zlib.crc32(block, checksum)
                    _write(target, block, copy)
                if checksum != member.CRC or written != member.file_size:
                    return Problem("quarantined", "archive.member_damaged")
        except EnvironmentFault:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
            return Problem("quarantined", "archive.member_damaged")
    return None


def _write(target: object, block: bytes, copy: Path) -> None:
    try:
        target.write(block)  # type: ignore[attr-defined]
    except OSError as error:
        with contextlib.suppress(OSError):
            copy.unlink()
        raise translate_os_error(error) from error
