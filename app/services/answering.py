"""What peers may know and have when they ask by C-FIND and C-MOVE: filed images, as an archive would get them.

Only archives and viewers that an administrator has named are answered. What was asked for and what was sent stands in
the audit log: the fields, never their values.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from app.core.errors import BitewingError, ItemError
from app.core.paths import LibraryPaths
from app.domain.changes import Entity
from app.domain.expectation import Expectation
from app.domain.image import ImageRecord, Placement
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.archiving.dimse_connector import DimseConnector
from app.services.archiving.renditions import Renditions
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.events import EventLog
from app.services.export.dicom_files import class_and_modality_of, series_uid_of, study_uid_of
from app.services.locating import Locator
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue
from app.storage.events import Level
from app.storage.patients import page_key
from app.transfer.dimse.answering import Item, TooManyError, addresses_of
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.sought import IMAGE, PATIENT, SERIES, STUDY, DateRange, Sought, fits, is_wild, search_words

log = logging.getLogger(__name__)

TOPIC = "receive"
# How many patients are looked through for one question, and how many strangers are told of by name.
_MOST_PATIENTS, _MOST_TOLD = 2000, 50
_PAGE = 200
# Studies of pictures have a number before anything was made of them; who was told one may ask for it.
_REMEMBERED = 20_000
_FIRST_DAY, _LAST_DAY = date(1800, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class _Shown:
    """One image under the numbers that it goes out with."""

    record: ImageRecord
    patient: Patient
    study_uid: str
    series_uid: str
    sop_class: str
    modality: str
    accession: str

    @property
    def taken(self) -> datetime:
        return self.record.captured_at or self.record.imported_at


class AnsweringService:
    """Makes ready to answer. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        locator: Locator,
        decoders: Decoders,
        events: EventLog,
        dimse: DimseConnector,
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._locator = locator
        self._decoders = decoders
        self._events = events
        self._dimse = dimse

    def begin(self, actor: Actor) -> Answers:
        """Give who answers, in the name of ``actor``. Raises ``role.refused``."""
        self._door.require(actor, Action.ARCHIVE_ANSWER)
        clinic = self._settings.clinic()
        renditions = Renditions(self._door.store, self._paths, self._locator, self._decoders.importing(), clinic)
        return Answers(actor, self._door, self._settings, self._events, self._dimse, renditions)


class Answers:
    """Answers from the catalogue. Any thread."""

    def __init__(
        self,
        actor: Actor,
        door: Door,
        settings: SettingsService,
        events: EventLog,
        dimse: DimseConnector,
        renditions: Renditions,
    ) -> None:
        self._actor = actor
        self._door = door
        self._settings = settings
        self._events = events
        self._dimse = dimse
        self._renditions = renditions
        self._lock = threading.Lock()
        self._strangers: dict[tuple[str, str], int] = {}
        self._told: OrderedDict[str, str] = OrderedDict()

    def knows(self, calling_aet: str, address: str) -> str | None:
        """Return the name of the peer that has this AE title and this address."""
        for archive in self._settings.dimse_archives():
            if archive.host and archive.aet.strip() == calling_aet and address in addresses_of(archive.host):
                return archive.name
        return None

    def refused(self, calling_aet: str, address: str) -> None:
        """Count a stranger; the first time it is said in the log."""
        with self._lock:
            count = self._strangers.get((calling_aet, address), 0) + 1
            is_full = count == 1 and len(self._strangers) >= _MOST_TOLD
            if not is_full:
                self._strangers[calling_aet, address] = count
        if count == 1 and not is_full:
            self._events.say(
                self._actor, Level.WARNING, TOPIC, "receive.asker_unknown", aet=calling_aet, address=address
            )

    def destination(self, aet: str) -> Peer | None:
        """Return whom to send to: a named peer, with encryption or somebody's consent to none."""
        for archive in self._settings.dimse_archives():
            if archive.host and archive.aet.strip() == aet:
                try:
                    return self._dimse.peer(archive)
                except BitewingError as error:
                    self._events.say(self._actor, Level.WARNING, TOPIC, error.code, **error.facts)
        return None

    def find(self, peer: str, level: str, wanted: Sought) -> Iterator[dict[str, Any]]:
        """Yield what fits by attribute.

        Raises
        ------
        TooManyError
        BitewingError
            ``role.refused``; what is wrong with the catalogue.
        """
        self._note("find", peer, level, wanted)
        for patient, images in self._patients(wanted):
            yield from self._rows(level, wanted, patient, images)

    def files(self, peer: str, level: str, wanted: Sought, destination: str) -> list[Item]:
        """Return the images to be sent. Raises as :meth:`find`."""
        self._note("move", peer, level, wanted, destination=destination)
        items = []
        for _patient, images in self._patients(wanted):
            for image in images:
                uid = self._instance_uid(image) if level == IMAGE else image.record.sop_instance_uid or ""
                if level != IMAGE or (uid and (not wanted.instance_uids or uid in wanted.instance_uids)):
                    items.append(Item(image.record.id, image.patient.id, uid or ""))
        return items

    def path(self, item: Item) -> Path:
        """Return the file to send for an image, as it is filed now.

        Raises
        ------
        BitewingError
            ``image.none`` for one that is gone or somebody else's by now; as :meth:`Renditions.of`.
        """
        with self._door.store.read():
            record = self._door.store.images.get(item.image_id)
            patient = self._door.store.patients.get(item.patient_id)
        is_here = record is not None and record.placement is Placement.FILED and record.deleted_at is None
        if record is None or patient is None or not is_here or record.patient_id != patient.id:
            raise ItemError("image.none", text=item.image_id)
        return self._renditions.of(record, patient).path

    def sent(self, peer: str, item: Item, destination: str) -> None:
        """Write down that an image was sent."""
        with self._door.writing(self._actor, Action.ARCHIVE_ANSWER) as unit:
            unit.audit(Entity.IMAGE, item.image_id, service="move", peer=peer, destination=destination)

    def _note(self, service: str, peer: str, level: str, wanted: Sought, **more: str) -> None:
        with self._door.writing(self._actor, Action.ARCHIVE_ANSWER) as unit:
            unit.audit(Entity.STUDY, "", service=service, peer=peer, level=level, fields=wanted.asked(), **more)

    def _patients(self, wanted: Sought) -> Iterator[tuple[Patient, list[_Shown]]]:
        """Yield patients that fit, each with the images that fit."""
        for patient in self._candidates(wanted):
            if patient.deleted_at is not None or patient.merged_into is not None:
                continue
            number = patient.chart_number or patient.id
            if not wanted.takes_patient(number, patient.family_name, patient.given_name, patient.birth_date):
                continue
            images = list(self._fitting(wanted, self._images(patient)))
            if images:
                yield patient, images

    def _candidates(self, wanted: Sought) -> Iterator[Patient]:
        """Yield patients by way of whatever narrows them down most. Raises TooManyError."""
        store = self._door.store
        with store.read():
            ids = self._ids(store, wanted)
            found = self._searched(store, wanted) if ids is None else self._named(store, ids)
        if found is not None:
            yield from found[:_MOST_PATIENTS]
            if len(found) > _MOST_PATIENTS:
                raise TooManyError
            return
        yield from self._everybody(store)

    def _ids(self, store: Catalogue, wanted: Sought) -> list[str] | None:
        """Return ids of patients among whom all are that fit; ``None`` when only names narrow them down."""
        if wanted.patient_id and not is_wild(wanted.patient_id):
            charted = [patient.id for patient in store.patients.by_chart_number(wanted.patient_id)]
            return [*charted, wanted.patient_id] if wanted.patient_id not in charted else charted
        if wanted.study_uids:
            with self._lock:
                told = [self._told[uid] for uid in wanted.study_uids if uid in self._told]
            found = list(dict.fromkeys([*store.studies.patients_of(wanted.study_uids), *told]))
            # Only where nothing else knows them: pictures of an ordered study that have not been sent anywhere yet.
            return found or store.studies.patients_ordered("study_uid", wanted.study_uids, _MOST_PATIENTS + 1)
        if wanted.accession_number and not is_wild(wanted.accession_number):
            numbers = (wanted.accession_number,)
            return store.studies.patients_ordered("accession_number", numbers, _MOST_PATIENTS + 1)
        kinds = () if any(map(is_wild, wanted.modalities)) else wanted.modalities
        is_of_anybody = not (wanted.patient_name or wanted.patient_id or wanted.birth_date)
        if is_of_anybody and (wanted.study_date is not None or kinds):
            days = wanted.study_date or DateRange()
            last = _moment(days.last)
            last = last + timedelta(days=1) if last is not None else None
            return store.studies.patients_taken(_moment(days.first), last, _MOST_PATIENTS + 1, kinds)
        return None

    @staticmethod
    def _named(store: Catalogue, ids: list[str]) -> list[Patient]:
        return [patient for one in ids if (patient := store.patients.get(one)) is not None]

    @staticmethod
    def _searched(store: Catalogue, wanted: Sought) -> list[Patient] | None:
        words = " ".join(filter(None, (search_words(wanted.patient_name), search_words(wanted.patient_id))))
        born = wanted.birth_date
        if born is not None and born.first is not None and born.first == born.last:
            words = f"{words} {born.first:%Y%m%d}".strip()
        if not words:
            return None
        return [found.patient for found in store.patients.search(words, _MOST_PATIENTS + 1)]

    @staticmethod
    def _everybody(store: Catalogue) -> Iterator[Patient]:
        after, looked_at = None, 0
        while looked_at < _MOST_PATIENTS:
            with store.read():
                page = store.patients.page(after, _PAGE)
            yield from (row.patient for row in page if row.images)
            if len(page) < _PAGE:
                return
            after, looked_at = page_key(page[-1].patient), looked_at + sum(bool(row.images) for row in page)
        raise TooManyError

    def _images(self, patient: Patient) -> list[_Shown]:
        """Return a patient's filed images, and remember whose the studies are that were made up here."""
        store = self._door.store
        with store.read():
            orders = store.studies.orders_of(patient.id)
            records = store.images.list(patient.id)
        shown = [_shown(record, patient, orders.get(record.id)) for record in records]
        with self._lock:
            for image in shown:
                if image.record.study_uid != image.study_uid:
                    self._told[image.study_uid] = patient.id
                    self._told.move_to_end(image.study_uid)
            while len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)
        return shown

    @staticmethod
    def _fitting(wanted: Sought, images: list[_Shown]) -> Iterator[_Shown]:
        for study in _grouped(images, lambda image: image.study_uid):
            if wanted.study_uids and study[0].study_uid not in wanted.study_uids:
                continue
            if wanted.study_date is not None and not wanted.study_date.has(_taken(study).date()):
                continue
            if wanted.accession_number and not fits(wanted.accession_number, _accession(study)):
                continue
            if not wanted.takes_modality(image.modality for image in study):
                continue
            yield from (image for image in study if not wanted.series_uids or image.series_uid in wanted.series_uids)

    def _rows(self, level: str, wanted: Sought, patient: Patient, images: list[_Shown]) -> Iterator[dict[str, Any]]:
        of_patient = _patient_row(patient)
        studies = list(_grouped(images, lambda image: image.study_uid))
        if level == PATIENT:
            counts = {"NumberOfPatientRelatedStudies": len(studies), "NumberOfPatientRelatedInstances": len(images)}
            yield {**of_patient, **counts}
            return
        for study in studies:
            series = list(_grouped(study, lambda image: image.series_uid))
            of_study = {**of_patient, **_study_row(study, len(series))}
            if level == STUDY:
                yield of_study
                continue
            for number, one in enumerate(series, 1):
                of_series = {**of_study, **_series_row(one, number)}
                if level == SERIES:
                    if wanted.takes_modality([one[0].modality]):
                        yield of_series
                    continue
                for place, image in enumerate(one, 1):
                    uid = self._instance_uid(image)
                    if uid and (not wanted.instance_uids or uid in wanted.instance_uids):
                        yield {**of_series, **_image_row(image, place, uid)}

    def _instance_uid(self, image: _Shown) -> str | None:
        """Return the SOP Instance UID that an image goes out with; ``None`` while that is not known."""
        try:
            key = self._renditions.key_now(image.record, image.patient)
        except (BitewingError, OSError) as error:
            log.warning("an image cannot be named: %s", getattr(error, "code", type(error).__name__))
            return None
        return key.rsplit("|", 1)[-1] if key else None


def _shown(record: ImageRecord, patient: Patient, order: Expectation | None) -> _Shown:
    study = study_uid_of(record, order)
    sop_class, modality = class_and_modality_of(record)
    is_ordered = order is not None and order.study_uid in {"", study}
    accession = order.accession_number if order is not None and is_ordered else ""
    return _Shown(record, patient, study, series_uid_of(record), sop_class, modality, accession)


def _grouped(images: list[_Shown], key: Callable[[_Shown], str]) -> Iterable[list[_Shown]]:
    groups: dict[str, list[_Shown]] = {}
    for image in images:
        groups.setdefault(key(image), []).append(image)
    return groups.values()


def _taken(study: list[_Shown]) -> datetime:
    return min(image.taken for image in study)


def _accession(study: list[_Shown]) -> str:
    return next((image.accession for image in study if image.accession), "")


def _moment(day: date | None) -> datetime | None:
    """Return when a day begins; days beyond all images as one that can be counted with."""
    return datetime.combine(min(max(day, _FIRST_DAY), _LAST_DAY), time(), UTC) if day is not None else None


def _patient_row(patient: Patient) -> dict[str, Any]:
    return {
        "PatientID": patient.chart_number or patient.id,
        "PatientName": f"{patient.family_name}^{patient.given_name}",
        "PatientBirthDate": f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "",
        "PatientSex": patient.sex.value,
    }


def _study_row(study: list[_Shown], series: int) -> dict[str, Any]:
    taken = _taken(study)
    return {
        "StudyInstanceUID": study[0].study_uid,
        "StudyDate": f"{taken:%Y%m%d}",
        "StudyTime": f"{taken:%H%M%S}",
        "AccessionNumber": _accession(study),
        "StudyDescription": next((one.record.study_description for one in study if one.record.study_description), ""),
        "ModalitiesInStudy": sorted({image.modality for image in study if image.modality}),
        "NumberOfStudyRelatedSeries": series,
        "NumberOfStudyRelatedInstances": len(study),
    }


def _series_row(series: list[_Shown], number: int) -> dict[str, Any]:
    return {
        "SeriesInstanceUID": series[0].series_uid,
        "Modality": series[0].modality,
        "SeriesNumber": number,
        "NumberOfSeriesRelatedInstances": len(series),
    }


def _image_row(image: _Shown, number: int, uid: str) -> dict[str, Any]:
    return {
        "SOPInstanceUID": uid,
        "SOPClassUID": image.sop_class,
        "InstanceNumber": number,
        "Rows": image.record.rows,
        "Columns": image.record.columns,
        "NumberOfFrames": image.record.frames,
    }
