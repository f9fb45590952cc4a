"""What becomes of one prepared file: filed, inbox, duplicate, skipped, kept aside or failed.

Decides through ``domain`` and ``plan``; writes through the catalogue's one door.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.core.errors import BitewingError, Cancelled, EnvironmentFault, ItemError, UserError
from app.domain.expectation import Expectation
from app.domain.facts import FileFacts
from app.domain.identity import Decision, Verdict, decide
from app.domain.image import Filing, ImageRecord, ImageType, Placement
from app.domain.patient import Patient, PatientDraft
from app.imaging.sniff import MIME_TYPES
from app.sync.duplicates import nearest
from app.sync.plan import Arrival, Described, describe, draft_of, may_succeed_later, record_of, refusal_of
from app.sync.ports import Catalogue, Mark
from app.sync.prepare import Prepared
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.sync.sources import Source, kind_of

log = logging.getLogger(__name__)

# Faults that say nothing about the file: the volume is full, the decoder does not start. They end the run.
FATAL_CODES = frozenset(
    {
        "disk.full",
        "disk.reserve",
        "disk.read_only",
        "disk.permission",
        "database.corrupt",
        "database.failed",
        "decoder.unavailable",
    }
)
_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_BROUGHT_IN_MEANWHILE = frozenset({"image.duplicate", "image.changed_elsewhere"})
_STOPS = frozenset({"decoder.closed", "cancelled"})
_NOT_IMAGES = frozenset({"file.not_an_image", "file.unsupported_format", "dicom.no_pixels", "dicom.dicomdir"})
_UNREADABLE_SOURCES = frozenset({"file.missing", "file.permission", "file.unreadable"})


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A decision about a readable image."""

    placement: Placement
    patient_id: str | None
    draft: PatientDraft | None = None
    code: str | None = None
    facts: dict[str, object] | None = None


class Filer:
    """Finishes prepared files, one at a time, in the writer's thread."""

    def __init__(self, args: ImportArgs, catalogue: Catalogue, now: Callable[[], datetime], added_by: str) -> None:
        self._args = args
        self._catalogue = catalogue
        self._now = now
        self._added_by = added_by
        self._planned: dict[str, str] = {}
        self.patients_made = 0

    def is_known(self, source: Source, sha256: str) -> bool:
        """Whether these bytes need no examination: known here, and not under another patient than chosen."""
        return self._known_item(source, sha256) is not None

    def finish(self, prepared: Prepared) -> ImportItem:
        """Do what is to be done with one file and say it.

        Raises
        ------
        Cancelled
            When the file was being read while the user stopped the run.
        EnvironmentFault
            With one of :data:`FATAL_CODES`: no other file would fare better.
        """
        try:
            return self._finish(prepared)
        except (ItemError, UserError) as error:
            if error.code not in _BROUGHT_IN_MEANWHILE:
                raise
            # Another process brought it in while this one copied it: decided again by what is there now.
            return self._finish(prepared)

    def _finish(self, prepared: Prepared) -> ImportItem:
        source = prepared.source
        if prepared.error is not None and prepared.error.code in _STOPS:
            raise Cancelled
        if prepared.error is not None and prepared.error.code in FATAL_CODES:
            raise prepared.error
        known = self._known_item(source, prepared.sha256) if prepared.sha256 else None
        if known is not None:
            return replace(known, seconds=prepared.seconds)
        if source.problem is not None:
            problem = source.problem
            return self._refuse(prepared, ItemStatus(problem.status), problem.code, problem.facts)
        if prepared.error is not None:
            return self._refuse_error(prepared, prepared.error)
        if prepared.examined is None:
            # Known when it was hashed, gone since: examined on the next run.
            return _item(prepared, ItemStatus.FAILED, "file.changed")
        refusal = refusal_of(prepared.examined.facts)
        if refusal is not None:
            return self._refuse(prepared, ItemStatus.SKIPPED, *refusal)
        return self._take(prepared, prepared.examined.facts)

    def _filing_of(self, source: Source) -> Filing:
        """Return what was chosen for a file, its patient as of now: they may be merged while a run goes on."""
        filing = self._args.filings.get(source.shown, self._args.filing)
        if filing.patient_id is None:
            return filing
        patient = self._catalogue.patient(filing.patient_id)
        if patient is None:
            raise UserError("patient.none", text=filing.patient_id)
        return replace(filing, patient_id=patient.id)

    def _known_item(self, source: Source, sha256: str) -> ImportItem | None:
        shown = source.shown
        if sha256 in self._planned:
            return ImportItem(shown, ItemStatus.DUPLICATE, code="image.duplicate", is_new=False)
        records = self._catalogue.known(sha256)
        if sha256 == _EMPTY_SHA256:
            # Every empty file is a failure of its own; only the same one again is a duplicate.
            records = [record for record in records if record.original_name == source.original_name]
        records = [record for record in records if not _is_worth_another_look(record)]
        if not records:
            return None
        filing = self._args.filings.get(shown, self._args.filing)
        if filing.patient_id is None:
            return _known(shown, records[0])
        now = self._catalogue.patient(filing.patient_id)
        chosen = now.id if now else filing.patient_id
        own = [record for record in records if record.patient_id == chosen or record.placement is not Placement.FILED]
        return _known(shown, own[0]) if own else None

    def _refuse_error(self, prepared: Prepared, error: BitewingError) -> ImportItem:
        if error.code in _NOT_IMAGES:
            return self._refuse(prepared, ItemStatus.SKIPPED, error.code, error.facts)
        if error.code in _UNREADABLE_SOURCES or not prepared.sha256:
            return self._refuse(prepared, ItemStatus.FAILED, error.code, error.facts)
        return self._refuse(prepared, ItemStatus.QUARANTINED, error.code, error.facts)

    def _refuse(self, prepared: Prepared, status: ItemStatus, code: str, facts: dict[str, object]) -> ImportItem:
        """Report a file that is not taken in; what is unreadable or hostile is kept aside with its reason."""
        if status is ItemStatus.QUARANTINED and prepared.source.shown in self._args.unripe:
            return _item(prepared, ItemStatus.SKIPPED, code, {**facts, "unripe": True})
        item = _item(prepared, status, code, facts)
        if status is not ItemStatus.QUARANTINED or self._args.dry_run or prepared.source.path is None:
            return item
        aside = self._kept_aside(prepared)
        if aside is not None:
            return replace(item, image_id=aside.id, is_new=False)
        record = self._quarantine_record(prepared, code, facts)
        kept = self._catalogue.keep(record, prepared.source.path, None, mark_of(prepared.source))
        return replace(item, image_id=kept.id)

    def _kept_aside(self, prepared: Prepared) -> ImageRecord | None:
        """Return the record of these bytes that an earlier decoder failed at."""
        known = self._catalogue.known(prepared.sha256)
        return next((record for record in known if _is_worth_another_look(record)), None)

    def _quarantine_record(self, prepared: Prepared, code: str, facts: dict[str, object]) -> ImageRecord:
        source = prepared.source
        return ImageRecord(
            id=str(uuid.uuid4()),
            patient_id=None,
            placement=Placement.QUARANTINED,
            directory="",
            filename="",
            original_name=source.original_name,
            sha256=prepared.sha256,
            size_bytes=source.size,
            mime_type=MIME_TYPES.get(source.content, "application/octet-stream"),
            kind=kind_of(source.content),
            imported_at=self._now(),
            image_type=ImageType.OTHER,
            reason=code,
            reason_facts=dict(facts),
            added_by=self._added_by,
            md5=prepared.md5,
        )

    def _take(self, prepared: Prepared, facts: FileFacts) -> ImportItem:
        filing = self._filing_of(prepared.source)
        outcome = self._decide(prepared, facts, filing)
        expected = self._expected(facts, outcome)
        record = self._record(prepared, facts, describe(facts, filing, expected), outcome)
        if expected is not None:
            record = replace(record, caption=expected.procedure)
        similar = self._similar(record)
        code, said = outcome.code, dict(outcome.facts or {})
        if code is None and self._has_other_bytes(record):
            code = "image.same_uid"
        elif code is None and similar is not None:
            code = "image.similar"
        if similar is not None:
            said["similar_to"] = similar.id
            record = replace(record, similar_to=similar.id)
        if self._args.dry_run:
            self._planned[prepared.sha256] = record.id
            return self._said(prepared, replace(record, id=""), code, said)
        if prepared.source.path is None:
            raise EnvironmentFault("file.missing")
        kept = self._keep(prepared, record, outcome.draft, prepared.source.path, expected)
        self.patients_made += outcome.draft is not None
        self._thumbnail(prepared, kept)
        return self._said(prepared, kept, code, said)

    def _expected(self, facts: FileFacts, outcome: _Outcome) -> Expectation | None:
        """Return what a worklist expects of this very image."""
        if outcome.placement is not Placement.FILED or outcome.patient_id is None or self._args.dry_run:
            return None
        expected = self._catalogue.expected(outcome.patient_id)
        return expected if expected is not None and expected.fits(facts) else None

    def _keep(
        self,
        prepared: Prepared,
        record: ImageRecord,
        draft: PatientDraft | None,
        path: Path,
        expected: Expectation | None,
    ) -> ImageRecord:
        aside = self._kept_aside(prepared)
        if aside is not None:
            return self._catalogue.admit(aside, replace(record, id=aside.id), draft, mark_of(prepared.source))
        return self._catalogue.keep(record, path, draft, mark_of(prepared.source), expected)

    def _decide(self, prepared: Prepared, facts: FileFacts, filing: Filing) -> _Outcome:
        doubt = self._args.to_inbox.get(prepared.source.shown)
        if doubt is not None:
            return _inbox(doubt, None, {})
        chosen, known = self._patient_of(filing), self._catalogue.known(prepared.sha256)
        elsewhere = [record for record in known if not _is_worth_another_look(record)]
        if chosen is not None and elsewhere:
            # Its bytes are filed under somebody else: a person decides whose it is.
            others: dict[str, object] = {"other_patient": elsewhere[0].patient_id, "image": elsewhere[0].id}
            return _inbox("image.other_patient", chosen.id, others)
        candidates = () if chosen else self._catalogue.candidates(facts.identity)
        decision = decide(facts.identity, chosen, candidates, may_make=self._args.may_make_patients)
        if decision.verdict is Verdict.FILE:
            return _Outcome(Placement.FILED, decision.patient_id)
        if decision.verdict is Verdict.MAKE_PATIENT:
            return self._make(facts)
        return _inbox(decision.code, decision.patient_id, _disagreement(decision))

    def _patient_of(self, filing: Filing) -> Patient | None:
        if filing.patient_id is None:
            return None
        patient = self._catalogue.patient(filing.patient_id)
        if patient is None:
            raise UserError("patient.none", text=filing.patient_id)
        return patient

    def _make(self, facts: FileFacts) -> _Outcome:
        try:
            return _Outcome(Placement.FILED, None, draft=draft_of(facts))
        except UserError as error:
            return _inbox("identity.unusable", None, {"why": error.code})

    def _record(self, prepared: Prepared, facts: FileFacts, described: Described, outcome: _Outcome) -> ImageRecord:
        arrival = Arrival(prepared.source.original_name, prepared.sha256, prepared.source.size, prepared.md5)
        record = record_of(
            str(uuid.uuid4()),
            arrival,
            facts,
            described,
            outcome.placement,
            outcome.patient_id,
            self._now(),
            self._added_by,
        )
        return replace(record, reason=outcome.code, reason_facts=dict(outcome.facts or {}))

    def _similar(self, record: ImageRecord) -> ImageRecord | None:
        return nearest(record, self._catalogue.like(record))

    def _has_other_bytes(self, record: ImageRecord) -> bool:
        if record.sop_instance_uid is None:
            return False
        return any(other.sha256 != record.sha256 for other in self._catalogue.with_uid(record.sop_instance_uid))

    def _thumbnail(self, prepared: Prepared, kept: ImageRecord) -> None:
        jpeg = prepared.examined.thumbnail_jpeg if prepared.examined else None
        if jpeg is None:
            return
        try:
            self._catalogue.keep_thumbnail(kept, jpeg)
        except OSError:
            # Can be made again at any time; never a reason to fail an import.
            log.warning("thumbnail of %s not stored", kept.id)

    def _said(self, prepared: Prepared, record: ImageRecord, code: str | None, facts: dict[str, object]) -> ImportItem:
        status = ItemStatus.IMPORTED if record.placement is Placement.FILED else ItemStatus.INBOX
        return ImportItem(
            prepared.source.shown,
            status,
            record.id or None,
            record.patient_id,
            code,
            facts,
            record.similar_to,
            prepared.seconds,
        )


def _inbox(code: str | None, proposed: str | None, facts: dict[str, object]) -> _Outcome:
    """Let an image wait. It belongs to nobody; who might be meant is a fact, for the person who decides."""
    return _Outcome(Placement.INBOX, None, code=code, facts={**facts, "proposed": proposed} if proposed else facts)


def mark_of(source: Source) -> Mark:
    """Return how a source is recognised on a later run."""
    return Mark(source.shown, source.size, source.mtime_ns)


def _item(prepared: Prepared, status: ItemStatus, code: str, facts: dict[str, object] | None = None) -> ImportItem:
    return ImportItem(prepared.source.shown, status, code=code, facts=dict(facts or {}), seconds=prepared.seconds)


def _known(shown: str, record: ImageRecord) -> ImportItem:
    """Say of bytes that are here already where they are; what is kept aside is no better for coming again."""
    if record.deleted_at is not None:
        return ImportItem(shown, ItemStatus.DUPLICATE, record.id, record.patient_id, "image.in_trash", is_new=False)
    if record.placement is Placement.QUARANTINED:
        facts = dict(record.reason_facts)
        return ImportItem(shown, ItemStatus.QUARANTINED, record.id, None, record.reason, facts, is_new=False)
    if record.placement is Placement.INBOX:
        # It is filed from there, whoever was named now: a person looks at why it waits first.
        facts = {"image": record.id, "why": record.reason}
        return ImportItem(shown, ItemStatus.DUPLICATE, record.id, None, "image.in_inbox", facts, is_new=False)
    return ImportItem(shown, ItemStatus.DUPLICATE, record.id, record.patient_id, "image.duplicate", is_new=False)


def _is_worth_another_look(record: ImageRecord) -> bool:
    is_aside = record.placement is Placement.QUARANTINED and record.deleted_at is None
    return is_aside and may_succeed_later(record.reason)


def _disagreement(decision: Decision) -> dict[str, object]:
    return {"contradictions": [part.value for part in decision.contradictions]} if decision.contradictions else {}
