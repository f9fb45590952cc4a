"""Asking an archive what it has: C-FIND, Study Root model (PS3.4 annex C.6.2), level by level, never without a limit.

Answers are a stranger's: every value is taken as text, clipped, and may be missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from app.core.context import JobContext
from app.transfer.dimse.association import Link, linked
from app.transfer.dimse.faults import asking_fault
from app.transfer.dimse.peer import Peer

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
LIMIT = 500
_LONGEST_VALUE = 1024
_PENDING = frozenset({0xFF00, 0xFF01})
# How long a peer may go on answering after it was asked to stop.
_STOPPING_S = 5.0
# PS3.3 section C.12.1.1.2: UTF-8, the one repertoire that has every name.
UTF8 = "ISO_IR 192"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; empty means any. ``patient_name`` may hold ``*`` and ``?``; without them it is a beginning."""

    patient_name: str = ""
    patient_id: str = ""
    study_from: date | None = None
    study_to: date | None = None
    modality: str = ""
    accession_number: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """What was found; ``is_complete`` is false where the limit cut it short."""

    rows: tuple[Row, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class PatientFound:
    """A patient, as the studies found say."""

    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    studies: int


@dataclass(frozen=True, slots=True)
class StudyFound:
    """A study."""

    study_instance_uid: str
    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    study_date: str
    study_time: str
    accession_number: str
    description: str
    modalities: tuple[str, ...]
    instances: int | None


@dataclass(frozen=True, slots=True)
class SeriesFound:
    """A series of one study."""

    study_instance_uid: str
    series_instance_uid: str
    modality: str
    series_number: str
    description: str
    instances: int | None


@dataclass(frozen=True, slots=True)
class InstanceFound:
    """An object of one series."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    instance_number: str


def find_patients(
    peer: Peer, wanted: Wanted, limit: int = LIMIT, ctx: JobContext | None = None
) -> Answer[PatientFound]:
    """Find patients by way of their studies: Study Root has no level of patients. Raises as :func:`find_studies`."""
    studies = find_studies(peer, wanted, limit, ctx)
    counts: dict[tuple[str, str, str, str], int] = {}
    for study in studies.rows:
        key = (study.patient_id, study.patient_name, study.birth_date, study.sex)
        counts[key] = counts.get(key, 0) + 1
    return Answer(tuple(PatientFound(*key, count) for key, count in counts.items()), studies.is_complete)


def find_studies(peer: Peer, wanted: Wanted, limit: int = LIMIT, ctx: JobContext | None = None) -> Answer[StudyFound]:
    """Find studies.

    Raises
    ------
    BitewingError
        As :meth:`Link.open` and :meth:`Link.no_answer`; ``dimse.not_answered`` (fact ``status``), ``dimse.busy``.
    Cancelled
    """
    keys = {
        "StudyInstanceUID": wanted.study_instance_uid,
        "PatientID": wanted.patient_id,
        "PatientName": name_pattern(wanted.patient_name),
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyDate": date_range(wanted.study_from, wanted.study_to),
        "StudyTime": "",
        "AccessionNumber": wanted.accession_number,
        "StudyDescription": "",
        "ModalitiesInStudy": wanted.modality,
        "NumberOfStudyRelatedInstances": "",
    }
    return _find(peer, "STUDY", keys, _study, limit, ctx)


def find_series(peer: Peer, wanted: Wanted, limit: int = LIMIT, ctx: JobContext | None = None) -> Answer[SeriesFound]:
    """Find the series of a study. Raises as :func:`find_studies`."""
    keys = {
        "StudyInstanceUID": wanted.study_instance_uid,
        "SeriesInstanceUID": wanted.series_instance_uid,
        "Modality": wanted.modality,
        "SeriesNumber": "",
        "SeriesDescription": "",
        "NumberOfSeriesRelatedInstances": "",
    }
    return _find(peer, "SERIES", keys, _series, limit, ctx)


def find_instances(
    peer: Peer, wanted: Wanted, limit: int = LIMIT, ctx: JobContext | None = None
) -> Answer[InstanceFound]:
    """Find the objects of a series. Raises as :func:`find_studies`."""
    return _find(peer, "IMAGE", _image_keys(wanted), _instance, limit, ctx)


def has_instance(link: Link, wanted: Wanted, ctx: JobContext) -> bool:
    """Whether an object is there under its UIDs, asked on an association that is open. Raises as `find_studies`."""
    # Some archives leave out keys they do not index and answer with the whole series.
    answer = ask(link, STUDY_ROOT_FIND, _identifier("IMAGE", _image_keys(wanted)), _instance, LIMIT * 20, ctx)
    return any(row.sop_instance_uid == wanted.sop_instance_uid for row in answer.rows)


def ask(
    link: Link, model: str, identifier: Any, row_of: Callable[[Any], Row | None], limit: int, ctx: JobContext
) -> Answer[Row]:
    """Send a C-FIND and gather the rows, at most ``limit`` of them; then the peer is told to stop (PS3.4 C.4.1.3)."""
    rows: list[Row] = []
    stopping: float | None = None
    link.asked()
    for status, found in link.association.send_c_find(identifier, model):
        if "Status" not in status:
            if stopping is not None:
                # It did not stop when told, or only by going away: what was wanted has come.
                link.abort()
                break
            raise link.no_answer()
        code = int(status.Status)
        if code not in _PENDING:
            fault = asking_fault(code)
            if fault is not None and stopping is None:
                raise fault
            break
        link.asked()
        ctx.check()
        row = row_of(found) if found is not None else None
        if stopping is None and row is not None and len(rows) < limit:
            rows.append(row)
        elif stopping is None and row is not None:
            stopping = time.monotonic()
            link.association.send_c_cancel(1, query_model=model)
        elif stopping is not None and time.monotonic() - stopping > _STOPPING_S:
            link.abort()
            break
    return Answer(tuple(rows), stopping is None)


def text(found: Any, keyword: str) -> str:
    """Return a value of an answer as plain text, clipped; empty where there is none or it cannot be read."""
    return next(texts(found, keyword), "")


def texts(found: Any, keyword: str) -> Iterator[str]:
    """Yield the values of an attribute as plain text."""
    try:
        value = found.get(keyword)
    # pydicom converts when asked, and raises whatever it meets (RELIABILITY B6).
    except (ValueError, TypeError, NotImplementedError, OverflowError, LookupError):
        return
    if value is None:
        return
    for one in value if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]:
        yield str(one).replace("\0", "").strip()[:_LONGEST_VALUE]


def name_pattern(name: str) -> str:
    """Return a name as it is matched: what has no wild card is a beginning (PS3.4 section C.2.2.2.4)."""
    name = name.strip().replace("\\", "")
    return name if not name or "*" in name or "?" in name else f"{name}*"


def date_range(start: date | None, end: date | None) -> str:
    """Return dates as they are matched (PS3.4 section C.2.2.2.5)."""
    if start is None and end is None:
        return ""
    first, last = (f"{day:%Y%m%d}" if day else "" for day in (start, end))
    return first if first == last else f"{first}-{last}"


def _find(
    peer: Peer,
    level: str,
    keys: dict[str, str],
    row_of: Callable[[Any], Row | None],
    limit: int,
    ctx: JobContext | None,
) -> Answer[Row]:
    from pynetdicom import build_context

    with linked(peer, [build_context(STUDY_ROOT_FIND)], ctx=ctx) as link:
        return ask(link, STUDY_ROOT_FIND, _identifier(level, keys), row_of, limit, ctx or JobContext.silent())


def _identifier(level: str, keys: dict[str, str]) -> Any:
    from pydicom.dataset import Dataset

    identifier = Dataset()
    if not all(value.isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = UTF8
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value or None)
    return identifier


def _image_keys(wanted: Wanted) -> dict[str, str]:
    return {
        "StudyInstanceUID": wanted.study_instance_uid,
        "SeriesInstanceUID": wanted.series_instance_uid,
        "SOPInstanceUID": wanted.sop_instance_uid,
        "SOPClassUID": "",
        "InstanceNumber": "",
    }


def _count(found: Any, keyword: str) -> int | None:
    value = text(found, keyword)
    return int(value) if value.isascii() and value.isdecimal() else None


def _study(found: Any) -> StudyFound | None:
    uid = text(found, "StudyInstanceUID")
    if not uid:
        return None
    return StudyFound(
        uid,
        text(found, "PatientID"),
        text(found, "PatientName"),
        text(found, "PatientBirthDate"),
        text(found, "PatientSex"),
        text(found, "StudyDate"),
        text(found, "StudyTime"),
        text(found, "AccessionNumber"),
        text(found, "StudyDescription"),
        tuple(texts(found, "ModalitiesInStudy")),
        _count(found, "NumberOfStudyRelatedInstances"),
    )


def _series(found: Any) -> SeriesFound | None:
    uid = text(found, "SeriesInstanceUID")
    if not uid:
        return None
    return SeriesFound(
        text(found, "StudyInstanceUID"),
        uid,
        text(found, "Modality"),
        text(found, "SeriesNumber"),
        text(found, "SeriesDescription"),
        _count(found, "NumberOfSeriesRelatedInstances"),
    )


def _instance(found: Any) -> InstanceFound | None:
    uid = text(found, "SOPInstanceUID")
    if not uid:
        return None
    return InstanceFound(
        text(found, "StudyInstanceUID"),
        text(found, "SeriesInstanceUID"),
        text(found, "SOPClassUID"),
        uid,
        text(found, "InstanceNumber"),
    )
