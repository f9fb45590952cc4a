"""Counting what there is to import, without importing: files, kinds, patients, studies, series.

Reads headers only. Sets of identifiers are the only thing that grows with the number of files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from app.core.context import JobContext
from app.core.progress import Progress
from app.imaging.header_scan import HeaderFacts, scan_header
from app.imaging.sniff import PHOTO_CONTENTS, Content
from app.sync.sources import Source
from app.sync.stream import enumerate_sources, measure


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found (CLI contract). ``empty`` files count among ``other``."""

    files: int
    dicom: int
    photos: int
    documents: int
    other: int
    bytes: int
    patients: int
    studies: int
    series: int


@dataclass(slots=True)
class _Counts:
    kinds: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    patients: set[tuple[str, str]] = field(default_factory=set)
    studies: set[str] = field(default_factory=set)
    series: set[str] = field(default_factory=set)

    def add(self, source: Source) -> None:
        kind = _kind(source)
        self.bytes += source.size
        if kind == "dicom" and source.path is not None:
            header = scan_header(source.path)
            if header is None:
                kind = "other"
            else:
                self._add_header(header)
        self.kinds[kind] += 1

    def _add_header(self, header: HeaderFacts) -> None:
        if header.patient_id or header.patient_name:
            self.patients.add((header.patient_id, "" if header.patient_id else header.patient_name))
        if header.study_uid:
            self.studies.add(header.study_uid)
        if header.series_uid:
            self.series.add(header.series_uid)


def _kind(source: Source) -> str:
    if source.content is Content.DICOM:
        return "dicom"
    if source.content in PHOTO_CONTENTS:
        return "photos"
    return "documents" if source.content is Content.PDF else "other"


def scan(paths: tuple[Path, ...], unpack_into: Path, ctx: JobContext, *, recursive: bool = True) -> ScanReport:
    """Count what ``paths`` hold; archives are looked into.

    Raises
    ------
    Cancelled
        When stopped; nothing was changed.
    """
    volume = measure(paths, ctx, recursive=recursive)
    counts = _Counts()
    for source in enumerate_sources(paths, unpack_into, recursive=recursive):
        try:
            ctx.check()
            counts.add(source)
        finally:
            source.release()
        done = counts.kinds.total()
        ctx.report(Progress(done, max(done, volume.files), "files", source.original_name))
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
    )
