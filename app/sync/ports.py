"""What the importer needs of a library, in its own words; ``services`` answers over storage.

Called from one thread, the writer's. The importer never sees a transaction or a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.domain.expectation import Expectation
from app.domain.identity import FileIdentity
from app.domain.image import ImageRecord
from app.domain.patient import Patient, PatientDraft
from app.sync.report import ImportItem


@dataclass(frozen=True, slots=True)
class Mark:
    """How a file is recognised without reading it: good enough to skip what an interrupted run finished."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One finished file of a run."""

    mark: Mark
    item: ImportItem


class Catalogue(Protocol):
    """The library as the importer sees it."""

    def known(self, sha256: str) -> Sequence[ImageRecord]:
        """Return every record of these bytes: filed, in the inbox, kept aside, deleted."""

    def patient(self, patient_id: str) -> Patient | None:
        """Return the living patient whom an id stands for now, through merges; ``None`` when there is none."""

    def candidates(self, identity: FileIdentity) -> Sequence[Patient]:
        """Return patients whose chart number is the file's Patient ID or, without one, whose name agrees."""

    def like(self, record: ImageRecord) -> Iterable[ImageRecord]:
        """Return records that may show the same picture: same pixels anywhere, and the patient's own."""

    def with_uid(self, sop_instance_uid: str) -> Sequence[ImageRecord]:
        """Return records with this SOP Instance UID."""

    def expected(self, patient_id: str) -> Expectation | None:
        """Return what a worklist expects of a patient's next image today."""

    def keep(
        self,
        record: ImageRecord,
        source: Path,
        draft: PatientDraft | None,
        mark: Mark,
        expectation: Expectation | None = None,
    ) -> ImageRecord:
        """Copy the bytes into the library and catalogue them together with the patient of ``draft``, if given.

        ``expectation`` is what the image meets; the next one does not.

        Returns the record with its place and patient: the one that its patient was merged into meanwhile.
        Raises EnvironmentFault (``disk.full``, …) or UserError ``patient.none``: then neither file nor row
        nor a new patient is there.
        """

    def admit(self, before: ImageRecord, record: ImageRecord, draft: PatientDraft | None, mark: Mark) -> ImageRecord:
        """Take ``before``, whose bytes are kept aside, in as ``record``, like :meth:`keep` but without a second copy.

        Raises UserError ``image.changed_elsewhere`` too; ``file.missing`` when the bytes are gone.
        """

    def keep_thumbnail(self, record: ImageRecord, jpeg: bytes) -> None:
        """Store a thumbnail. Raises OSError."""

    def finished(self, mark: Mark) -> ImportItem | None:
        """Return what an interrupted run that this one continues did with the file."""

    def note(self, lines: Sequence[LedgerLine]) -> None:
        """Write down finished files that led to no new record."""


class Space(Protocol):
    """The volume's free space."""

    def require(self, needed: int) -> None:
        """Raise EnvironmentFault ``disk.reserve`` when ``needed`` bytes would eat into the reserve."""
