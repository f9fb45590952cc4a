"""A small library in memory with the services' signatures, for looking at the window without files."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from app.core.errors import UserError
from app.core.settings import SETTING_KEYS, ClinicSettings, WorkstationSettings
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.folding import fold
from app.domain.identity import FileIdentity, compare
from app.domain.image import FileKind, Filing, ImageRecord, ImageType, ImageView, Placement
from app.domain.patient import Patient, PatientSummary, Sex
from app.services.backup_health import BackupHealth
from app.services.inbox import Proposal
from app.services.moving import MoveResult

NAMES = [
    ("Hassan", "Ahmed", date(1985, 3, 14), Sex.MALE),
    ("Haddad", "Mariam", date(1991, 9, 2), Sex.FEMALE),
    ("Hassan", "Ahmed", date(1967, 11, 30), Sex.MALE),
    ("حسن", "منى", date(1979, 5, 1), Sex.FEMALE),
    ("Hastings", "Peter", date(2012, 1, 8), Sex.MALE),
    ("Hatem", "Laila", date(2001, 7, 21), Sex.FEMALE),
    ("Abdelrahman-Weatherby", "Maximiliana Theodora", date(1999, 12, 31), Sex.FEMALE),
    ("Björk", "Åsa", None, Sex.UNKNOWN),
]


def make_patient(number: int, family: str, given: str, born: date | None, sex: Sex) -> Patient:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    identity = str(uuid.UUID(int=number + 1, version=4))
    return Patient(identity, family, given, f"P-{1000 + number}", born, sex, f"0100 {number:06d}", now, now)


def make_image(
    number: int, patient: Patient | None, tooth: str = "14", kind: ImageType = ImageType.XRAY
) -> ImageRecord:
    taken = datetime(2026, 11, 12, 10, 42, tzinfo=UTC) - timedelta(days=97 * number)
    xray = kind is ImageType.XRAY
    return ImageRecord(
        id=str(uuid.UUID(int=100_000 + number, version=4)),
        patient_id=patient.id if patient else None,
        placement=Placement.FILED if patient else Placement.INBOX,
        directory="dental_images/x/",
        filename=f"image-{number}.dcm",
        original_name=f"scan_{number:04d}.dcm",
        sha256=f"{number:064x}",
        size_bytes=1_450_000,
        mime_type="application/dicom" if xray else "image/jpeg",
        kind=FileKind.DICOM if xray else FileKind.PHOTO,
        imported_at=taken,
        tooth=tooth,
        teeth=() if tooth == "general" else (tooth,),
        image_type=kind,
        view=ImageView.PERIAPICAL if xray else ImageView.INTRAORAL_PHOTO,
        rows=1200,
        columns=1600,
        captured_at=taken,
    )


@dataclass
class FakeLibrary:
    """Everything the window asks for, kept in dictionaries."""

    publish: Any = lambda _changes: None

    def __post_init__(self) -> None:
        self.people: dict[str, Patient] = {}
        self.pictures: dict[str, ImageRecord] = {}
        self.opened: list[str] = []
        self.delay_s = 0.0
        self.clinic_values = ClinicSettings()
        self.local_values = WorkstationSettings()
        self.patients = FakePatients(self)
        self.images = FakeImages(self)
        self.inbox = FakeInbox(self)
        self.status = SimpleNamespace(snapshot=self._snapshot)
        self.monitor = SimpleNamespace(status=lambda _actor: [])
        self.activity = SimpleNamespace(jobs=lambda _actor, _limit: [])
        self.settings = SimpleNamespace(
            clinic=lambda: self.clinic_values,
            workstation=lambda: self.local_values,
            set_value=self._set,
            save=lambda actor, changes: [self._set(actor, key, value) for key, value in changes.values.items()],
            mirrors=list,
            dimse_archives=list,
        )
        self.outbox = SimpleNamespace(
            may_be_public=lambda _actor, _ids: frozenset(),
            queues=lambda _actor: [],
            whereabouts=lambda _actor, _image: SimpleNamespace(copies=(), entries=(), shares=(), public=()),
        )
        self.worklist = SimpleNamespace(today=self._no_worklist)
        self.expecting = SimpleNamespace(of_next=lambda _actor, _patient: None)
        self.news = SimpleNamespace(count=lambda _actor: 0)
        self.watchdog = SimpleNamespace(destinations=lambda _actor: [])
        self.viewing = SimpleNamespace(frame=self._frame)

    def _no_worklist(self, _actor: Any, _ctx: Any) -> None:
        raise UserError("worklist.none")

    def fill(self, patients: int = len(NAMES)) -> FakeLibrary:
        for number in range(patients):
            family, given, born, sex = NAMES[number % len(NAMES)]
            if number >= len(NAMES):
                family = f"{family} {number}"
            self.add(make_patient(number, family, given, born, sex))
        first = next(iter(self.people.values()), None)
        if first is not None:
            for number, (tooth, kind) in enumerate(
                [("14", ImageType.XRAY)] * 3
                + [
                    ("14", ImageType.CLINICAL),
                    ("8", ImageType.XRAY),
                    ("30", ImageType.BEFORE),
                    ("general", ImageType.XRAY),
                ]
            ):
                image = make_image(number, first, tooth, kind)
                self.pictures[image.id] = image
            for number in (20, 21):
                waiting = replace(
                    make_image(number, None),
                    identity=FileIdentity("P-1002", "Hassan", "Ahmad", date(1967, 11, 3), "M"),
                    reason="identity.contradicts",
                    reason_facts={"contradictions": ["birth_date", "name"]},
                )
                self.pictures[waiting.id] = waiting
        return self

    def add(self, patient: Patient) -> Patient:
        self.people[patient.id] = patient
        return patient

    def of(self, patient_id: str) -> list[ImageRecord]:
        return [
            image
            for image in self.pictures.values()
            if image.patient_id == patient_id and image.placement is Placement.FILED and image.deleted_at is None
        ]

    def changes_since(self, seq: int | None) -> ChangeSet:
        return ChangeSet((), seq)

    def close(self) -> None:
        return

    def say(self, *changes: Change) -> None:
        self.publish(ChangeSet(changes))

    def _snapshot(self, _actor: Any) -> Any:
        filed = sum(image.placement is Placement.FILED for image in self.pictures.values())
        return SimpleNamespace(
            patients=len(self.people),
            images=filed,
            imported_today=23,
            free_bytes=81_000_000_000,
            running=(),
            backup=BackupHealth(None, None, None, is_overdue=False, drill_is_overdue=False),
        )

    def _set(self, _actor: Any, key: str, value: Any) -> Any:
        entry = SETTING_KEYS[key]
        entry.require_valid(value)
        if entry.scope == "clinic":
            self.clinic_values = replace(self.clinic_values, **{entry.attribute: value})
        else:
            self.local_values = replace(self.local_values, **{entry.attribute: value})
        return value

    def _frame(self, _actor: Any, image_id: str, index: int, max_pixels: Any) -> Any:
        import numpy as np

        from app.imaging.frame import DisplayFrame, WindowSetting

        rows, columns = 600, 800
        y, x = np.mgrid[0:rows, 0:columns]
        seed = int(image_id[-4:], 16)
        values = (2000 + 1500 * np.sin(x / 60 + seed) * np.cos(y / 80)).astype(np.uint16)
        window = WindowSetting(2048, 4096)
        return DisplayFrame(
            values, 1.0, 0.0, (), (), window, False, None, None, (1.0, 1.0), None, 12, index, 1, None, None
        )


class FakePatients:
    def __init__(self, library: FakeLibrary) -> None:
        self._library = library

    def _row(self, patient: Patient) -> PatientSummary:
        return PatientSummary(patient, len(self._library.of(patient.id)))

    def _sorted(self) -> list[Patient]:
        return sorted(self._library.people.values(), key=lambda p: (p.name.casefold(), p.id))

    def page(self, _actor: Any, after: Patient | None, limit: int) -> list[PatientSummary]:
        rows = self._sorted()
        start = 0 if after is None else rows.index(after) + 1
        return [self._row(patient) for patient in rows[start : start + limit]]

    def search(self, _actor: Any, text: str, limit: int = 50) -> list[PatientSummary]:
        words = fold(text).split()
        found = [p for p in self._sorted() if all(w in fold(f"{p.name} {p.chart_number} {p.phone}") for w in words)]
        return [self._row(patient) for patient in found[:limit]]

    def recent(self, _actor: Any, limit: int) -> list[PatientSummary]:
        return [self._row(self._library.people[key]) for key in self._library.opened[:limit]]

    def summary(self, _actor: Any, patient_id: str) -> PatientSummary:
        if patient_id not in self._library.people:
            raise UserError("patient.none", text=patient_id)
        return self._row(self._library.people[patient_id])

    def touch(self, _actor: Any, patient_id: str) -> None:
        opened = self._library.opened
        self._library.opened = [patient_id, *(key for key in opened if key != patient_id)]

    def add(self, _actor: Any, draft: Any) -> Patient:
        draft = draft.cleaned()
        number = len(self._library.people) + 5000
        made = make_patient(number, draft.family_name, draft.given_name, draft.birth_date, draft.sex)
        made = replace(made, chart_number=draft.chart_number, phone=draft.phone)
        self._library.add(made)
        self._library.say(Change(Entity.PATIENT, ChangeKind.ADDED, made.id, made.id))
        return made

    def edit(self, _actor: Any, patient_id: str, draft: Any, version: int) -> Patient:
        before = self._library.people[patient_id]
        if before.version != version:
            raise UserError("record.changed", id=patient_id)
        draft = draft.cleaned()
        after = replace(
            before,
            family_name=draft.family_name,
            given_name=draft.given_name,
            chart_number=draft.chart_number,
            birth_date=draft.birth_date,
            sex=draft.sex,
            version=version + 1,
        )
        self._library.people[patient_id] = after
        self._library.say(Change(Entity.PATIENT, ChangeKind.CHANGED, patient_id, patient_id))
        return after

    def merge(self, actor: Any, keep_id: str, from_id: str) -> Any:
        ids = [image.id for image in self._library.of(from_id)]
        self._library.images.move(actor, ids, Filing(keep_id))
        del self._library.people[from_id]
        self._library.say(Change(Entity.PATIENT, ChangeKind.REMOVED, from_id, from_id))
        return SimpleNamespace(moved=len(ids))


class FakeImages:
    def __init__(self, library: FakeLibrary) -> None:
        self._library = library

    def list(self, _actor: Any, patient_id: str, tooth: str | None = None, image_type: str | None = None) -> list[Any]:
        found = [
            image
            for image in self._library.of(patient_id)
            if (tooth is None or tooth in (image.tooth, *image.teeth))
            and (image_type is None or image.image_type.value == image_type)
        ]
        return sorted(found, key=lambda image: image.captured_at, reverse=True)

    def tooth_counts(self, _actor: Any, patient_id: str) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {}
        for image in self._library.of(patient_id):
            types = counts.setdefault(image.tooth, {})
            types[image.image_type.value] = types.get(image.image_type.value, 0) + 1
        return counts

    def thumbnail(self, _actor: Any, _image_id: str) -> bytes | None:
        return None

    def record_view(self, _actor: Any, image_id: str) -> None:
        return

    def move(self, _actor: Any, ids: Any, filing: Filing) -> MoveResult:
        previous, moved, changes = {}, [], []
        for image_id in ids:
            image = self._library.pictures[image_id]
            previous[image_id] = Filing(image.patient_id, image.tooth, image.teeth, image.image_type, image.view)
            after = replace(
                image,
                placement=Placement.FILED,
                patient_id=filing.patient_id or image.patient_id,
                tooth=filing.tooth or image.tooth,
                teeth=(filing.tooth,) if filing.tooth and filing.tooth != "general" else image.teeth,
                image_type=filing.image_type or image.image_type,
            )
            self._library.pictures[image_id] = after
            moved.append(after)
            changes.append(Change(Entity.IMAGE, ChangeKind.REMOVED, image_id, image.patient_id))
            changes.append(Change(Entity.IMAGE, ChangeKind.ADDED, image_id, after.patient_id))
        self._library.say(*changes)
        return MoveResult(tuple(moved), previous)

    def delete(self, _actor: Any, ids: Any) -> int:
        return self._mark(ids, datetime.now(UTC))

    def restore(self, _actor: Any, ids: Any) -> int:
        return self._mark(ids, None)

    def deleted(self, _actor: Any, patient_id: str | None = None, limit: int | None = None) -> list[ImageRecord]:
        held = self._library.pictures.values()
        return [image for image in held if image.deleted_at is not None and image.patient_id == patient_id]

    def _mark(self, ids: Any, moment: datetime | None) -> int:
        for image_id in ids:
            image = replace(self._library.pictures[image_id], deleted_at=moment)
            self._library.pictures[image_id] = image
            self._library.say(Change(Entity.IMAGE, ChangeKind.CHANGED, image_id, image.patient_id))
        return len(ids)

    def edit_details(self, _actor: Any, image_id: str, details: Any, version: int | None = None) -> ImageRecord:
        image = self._library.pictures[image_id]
        values = {name: getattr(details, name) for name in ("caption", "teeth", "view", "laterality")}
        image = replace(image, **{name: value for name, value in values.items() if value is not None})
        self._library.pictures[image_id] = image
        self._library.say(Change(Entity.IMAGE, ChangeKind.CHANGED, image_id, image.patient_id))
        return image


class FakeInbox:
    def __init__(self, library: FakeLibrary) -> None:
        self._library = library

    def list(self, _actor: Any) -> list[ImageRecord]:
        return [image for image in self._library.pictures.values() if image.placement is Placement.INBOX]

    def proposals(self, _actor: Any, image_id: str) -> list[Proposal]:
        identity = self._library.pictures[image_id].identity
        return [
            Proposal(patient, compare(identity, patient))
            for patient in self._library.people.values()
            if patient.chart_number == identity.patient_id
        ]

    def companions(self, _actor: Any, _image_id: str) -> tuple[str, ...]:
        return ()

    def file(self, actor: Any, image_id: str, filing: Filing, _along: Sequence[str] = ()) -> MoveResult:
        return self._library.images.move(actor, [image_id], filing)

    def unfile(self, _actor: Any, image_id: str) -> ImageRecord:
        image = self._library.pictures[image_id]
        back = replace(image, placement=Placement.INBOX, patient_id=None)
        self._library.pictures[image_id] = back
        self._library.say(Change(Entity.IMAGE, ChangeKind.REMOVED, image_id, image.patient_id))
        return back

    def unfile_all(self, actor: Any, filed: Sequence[ImageRecord]) -> None:
        for record in filed:
            self.unfile(actor, record.id)

    def discard(self, _actor: Any, image_id: str) -> None:
        del self._library.pictures[image_id]
