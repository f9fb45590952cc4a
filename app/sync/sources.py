"""Where files to import come from: files, folders, archives and DICOMDIRs, one after the other.

Lazy, so that a hundred thousand files cost no memory. Never follows links, never builds a path from a
name inside an archive, never changes a source.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.domain.image import FileKind
from app.imaging.sniff import PHOTO_CONTENTS, Content, sniff

_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "$recycle.bin", "system volume information"})
_IGNORED_PREFIXES = (".", "~$")
_IGNORED_SUFFIXES = (".part", ".tmp", ".crdownload")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a source is not worth examining: the status it gets, a stable code and its facts."""

    status: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Source:
    """One file on offer.

    ``shown`` is the path in reports (``a.zip!/b.dcm`` inside archives). ``path`` is where the bytes lie,
    ``None`` when there are none to be had. ``release`` gives back what was unpacked for it.
    """

    shown: str
    path: Path | None
    original_name: str
    size: int
    mtime_ns: int
    content: Content = Content.OTHER
    problem: Problem | None = None
    release: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the file system, before anybody looked inside."""

    path: Path
    size: int
    mtime_ns: int
    problem: Problem | None = None


def is_ignored(name: str) -> bool:
    """Whether files of this name are never images: leftovers, indexes, unfinished downloads, hidden files."""
    folded = name.casefold()
    return folded in _IGNORED_NAMES or folded.startswith(_IGNORED_PREFIXES) or folded.endswith(_IGNORED_SUFFIXES)


def find(paths: Iterable[Path], *, recursive: bool = True) -> Iterator[Found]:
    """Yield the files that ``paths`` name: files themselves, folders sorted and in depth.

    A path that does not exist or cannot be read is yielded with its problem. Links met in a folder are
    left alone (B23); a path that a person named is taken as it is.
    """
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            yield Found(path, 0, 0, refusal(error))
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(path, recursive=recursive)
        elif stat.S_ISREG(status.st_mode):
            yield Found(path, status.st_size, status.st_mtime_ns)
        else:
            yield Found(path, 0, 0, Problem("skipped", "file.not_a_file"))


def _walk(folder: Path, *, recursive: bool) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, 0, 0, refusal(error))
        return
    folders: list[str] = []
    for entry in listed:
        if is_ignored(entry.name):
            continue
        try:
            # One look for everything: what vanishes between two looks must not end the walk.
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            yield Found(Path(entry.path), 0, 0, refusal(error))
            continue
        if _is_junction(status):
            continue
        if stat.S_ISDIR(status.st_mode):
            folders.append(entry.name)
        elif stat.S_ISREG(status.st_mode):
            yield Found(Path(entry.path), status.st_size, status.st_mtime_ns)
    if recursive:
        for name in folders:
            yield from _walk(folder / name, recursive=True)


def _is_junction(status: os.stat_result) -> bool:
    """Whether a Windows folder is a junction: not a symbolic link there, yet it leads elsewhere."""
    attributes = getattr(status, "st_file_attributes", 0)
    return bool(attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)


def refusal(error: OSError) -> Problem:
    """Return why a file cannot be had, in our words."""
    if isinstance(error, FileNotFoundError):
        return Problem("failed", "file.missing")
    if isinstance(error, PermissionError):
        return Problem("failed", "file.permission")
    return Problem("failed", "file.unreadable")


def content_of(path: Path) -> Content | Problem:
    """Return what a file is, or why it cannot be told."""
    try:
        return sniff(path)
    except OSError as error:
        return refusal(error)


def kind_of(content: Content) -> FileKind:
    """Return what a file counts as, by its content; ``OTHER`` for what is never imported."""
    if content in PHOTO_CONTENTS:
        return FileKind.PHOTO
    if content is Content.DICOM:
        return FileKind.DICOM
    return FileKind.DOCUMENT if content is Content.PDF else FileKind.OTHER


def only(source: Source, kinds: Set[FileKind]) -> Source:
    """Return ``source`` as it is, or refused because its kind was not asked for (H3).

    What is of no kind of ours, or cannot be read at all, keeps its own reason.
    """
    kind = kind_of(source.content)
    if source.problem is not None or kind is FileKind.OTHER or kind in kinds:
        return source
    return replace(source, path=None, problem=Problem("skipped", "file.not_wanted", {"kind": kind.value}))


def plain_source(found: Found, content: Content) -> Source:
    """Return the source for a file that lies in the open."""
    return Source(
        shown=str(found.path),
        path=found.path,
        original_name=found.path.name,
        size=found.size,
        mtime_ns=found.mtime_ns,
        content=content,
    )


def refused_source(found: Found, problem: Problem) -> Source:
    """Return a source that is reported only."""
    keeps_bytes = problem.status == "quarantined"
    return Source(
        shown=str(found.path),
        path=found.path if keeps_bytes else None,
        original_name=found.path.name,
        size=found.size,
        mtime_ns=found.mtime_ns,
        problem=problem,
    )
