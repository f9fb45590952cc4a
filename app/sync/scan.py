"""Counting what there is to import, without importing: files, kinds, patients, studies, series.

Reads headers only. Sets of identifiers are the only thing that grows with the number of files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.core.progress import Progress
from app.domain.image import IMPORTABLE, FileKind
from app.imaging.header import HeaderFacts
from app.imaging.header_scan import Fallback, ScannedFile, scan_file
from app.imaging.sniff import Content
from app.sync.archive import open_archive
from app.sync.sources import Found, kind_of
from app.sync.stream import expand, measure


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found (CLI contract).

    ``unreadable`` of the ``other`` files could not be opened at all: rights, a drive that is away.
    """

    files: int
    dicom: int
    photos: int
    documents: int
    other: int
    bytes: int
    patients: int
    studies: int
    series: int
    unreadable: int = 0


_KINDS = {
    FileKind.DICOM: "dicom",
    FileKind.PHOTO: "photos",
    FileKind.DOCUMENT: "documents",
    FileKind.OTHER: "other",
}


@dataclass(slots=True)
class _Counts:
    kinds: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    unreadable: int = 0
    patients: set[tuple[str, str]] = field(default_factory=set)
    studies: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)

    def add(self, scanned: ScannedFile | None, size: int) -> None:
        self.bytes += size
        self.unreadable += scanned is None
        self.kinds[_KINDS[kind_of(scanned.content)] if scanned else "other"] += 1
        if scanned is not None and scanned.header is not None and scanned.content is Content.DICOM:
            self._add_header(scanned.header)

    def _add_header(self, header: HeaderFacts) -> None:
        if header.patient_id or header.patient_name:
            self.patients.add((header.patient_id, "" if header.patient_id else header.patient_name))
        if header.study_uid:
            self.studies.add(header.study_uid)
        if header.series_uid:
            self.series.add(header.series_uid)


def scan(
    paths: tuple[Path, ...],
    unpack_into: Path,
    fallback: Fallback,
    ctx: JobContext,
    *,
    recursive: bool = True,
    kinds: Set[FileKind] = IMPORTABLE,
) -> ScanReport:
    """Count what ``paths`` hold; archives are looked into. Images of other ``kinds`` than those are left out.

    Parameters
    ----------
    unpack_into
        A folder for the temporary copies of archive members, one at a time.
    fallback
        Asked about DICOM files that the fast header parser does not recognise.

    Raises
    ------
    Cancelled
        When stopped; nothing was changed.
    """
    volume = measure(paths, ctx, recursive=recursive)
    counts, done = _Counts(), 0
    for path in paths:
        for found in expand(path, recursive=recursive):
            for scanned, size in _look(found, unpack_into, fallback):
                ctx.check()
                if scanned is None or kind_of(scanned.content) in kinds | {FileKind.OTHER}:
                    counts.add(scanned, size)
                done += 1
                ctx.report(Progress(done, max(done, volume.files), "files", found.path.name))
    return _report(counts)


def _look(found: Found, unpack_into: Path, fallback: Fallback) -> Iterator[tuple[ScannedFile | None, int]]:
    scanned = None if found.problem else _scan(found.path, fallback)
    if scanned is None or scanned.content is not Content.ZIP:
        yield scanned, found.size
        return
    for source in open_archive(found, unpack_into):
        try:
            usable = source.path is not None and source.problem is None
            yield (_scan(source.path, fallback) if usable and source.path else None), source.size
        finally:
            source.release()


def _scan(path: Path, fallback: Fallback) -> ScannedFile | None:
    try:
        return scan_file(path, fallback)
    except OSError:
        return None
    except BitewingError as error:
        if error.code == "cancelled":
            raise
        # A header that nobody can read is still a DICOM file by its mark.
        return ScannedFile(Content.DICOM, 0)


def _report(counts: _Counts) -> ScanReport:
    return ScanReport(
        files=counts.kinds.total(),
        dicom=counts.kinds["dicom"],
        photos=counts.kinds["photos"],
        documents=counts.kinds["documents"],
        other=counts.kinds["other"],
        bytes=counts.bytes,
        patients=len(counts.patients),
        studies=len(counts.studies),
        series=len(counts.series),
        unreadable=counts.unreadable,
    )
