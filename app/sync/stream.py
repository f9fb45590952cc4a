"""One stream of sources out of everything that was named: opens archives, follows DICOMDIRs, counts ahead.

Only decides *what* is on offer; what becomes of it is the importer's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from app.core.context import JobContext
from app.core.progress import Progress
from app.domain.image import IMPORTABLE, FileKind
from app.imaging.sniff import Content
from app.sync.archive import member_count, open_archive
from app.sync.dicomdir import referenced_files
from app.sync.sources import Found, Problem, Source, content_of, find, only, plain_source, refused_source

_ZIP_SUFFIX = ".zip"


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there is to do."""

    files: int
    bytes: int


def measure(paths: Iterable[Path], ctx: JobContext, *, recursive: bool = True) -> Volume:
    """Count the files and bytes on offer; archives by their directories. Raises Cancelled."""
    files = total = 0
    for path in paths:
        for found in expand(path, recursive=recursive):
            ctx.check()
            count, size = 1, found.size
            if found.problem is None and found.path.suffix.casefold() == _ZIP_SUFFIX:
                count, size = member_count(found.path)
            files, total = files + count, total + size
            ctx.report(Progress(files, None, "files", found.path.name))
    return Volume(files, total)


def enumerate_sources(
    paths: Iterable[Path], unpack_into: Path, *, recursive: bool = True, kinds: Set[FileKind] = IMPORTABLE
) -> Iterator[Source]:
    """Yield every file on offer, one at a time; archive members are unpacked as they are reached.

    Files of other ``kinds`` than those asked for are yielded with that as their problem.

    Raises
    ------
    EnvironmentFault
        When a member of an archive cannot be unpacked for want of space.
    """
    for path in paths:
        for found in expand(path, recursive=recursive):
            for source in _open(found, unpack_into):
                yield only(source, kinds)


def expand(path: Path, *, recursive: bool) -> Iterator[Found]:
    """Yield the files of one named path; a DICOMDIR that was named itself stands for what it lists."""
    if path.is_file() and content_of(path) is Content.DICOMDIR:
        yield from referenced_files(path)
        return
    yield from find([path], recursive=recursive)


def _open(found: Found, unpack_into: Path) -> Iterator[Source]:
    if found.problem is not None:
        yield refused_source(found, found.problem)
        return
    content = content_of(found.path)
    if isinstance(content, Problem):
        yield refused_source(found, content)
    elif content is Content.ZIP:
        yield from open_archive(found, unpack_into)
    elif content is Content.DICOMDIR:
        yield refused_source(found, Problem("skipped", "dicom.dicomdir"))
    else:
        yield plain_source(found, content)
