"""DICOMweb of an archive (PS3.18): searching by QIDO-RS, pictures and files by WADO-RS. Nothing of it is kept.

Written for Orthanc, whose older plug-ins need help: that of Debian 12 (1.7) does not decode percent signs in a search,
and answers in Latin-1, in which an Arabic name is an empty one. Orthanc's own ``/tools/find`` does what QIDO-RS cannot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

import httpx

from app.core.errors import EnvironmentFault
from app.transfer.connection import QUICK, Connection, OrthancArgs
from app.transfer.found import (
    InstanceFound,
    SeriesFound,
    StudyFound,
    StudyQuery,
    day_of,
    instances_of,
    is_uid,
    plain_line,
    series_of,
    sex_of,
    studies_of,
)

_DESCRIPTIONS = "includefield=00081030&includefield=00080061"
# Passed on as they are by every server, decoding or not.
_CARRIED = re.compile(r"[A-Za-z0-9*?._~-]*")
_LONGEST_LIST = 64 << 20
_LONGEST_PICTURE = 8 << 20
# A study with more images than that is no study.
_MOST_INSTANCES = 50_000


class DicomWeb:
    """One archive to look into. Any thread; connections are kept and shared."""

    def __init__(self, args: OrthancArgs) -> None:
        """Make ready; nothing is asked yet. Raises as :class:`Connection`."""
        self.server = Connection(args)
        self._is_orthanc = True

    def close(self) -> None:
        """Close the connections."""
        self.server.close()

    def studies(self, query: StudyQuery, limit: int, offset: int = 0) -> list[StudyFound]:
        """Return studies that match, in the server's order; their texts may want :meth:`in_full`.

        Raises
        ------
        BitewingError
            As :meth:`Connection.ask`, and for whatever is no success.
        """
        terms = _terms(query)
        if self._is_orthanc and not all(map(_CARRIED.fullmatch, terms.values())):
            found = self._by_tools_find(terms, limit, offset)
            if found is not None:
                return found
        words = [f"limit={limit}", f"offset={offset}", _DESCRIPTIONS]
        words += [f"{name}={quote(value, safe='*?,~')}" for name, value in terms.items()]
        return studies_of(self._qido(f"studies?{'&'.join(words)}"))

    def in_full(self, found: Sequence[StudyFound]) -> list[StudyFound]:
        """Return studies with their texts as they were written, where the server is an Orthanc."""
        wanted = [study.study_uid for study in found if not study.is_as_written]
        entries = self._find({"StudyInstanceUID": "\\".join(wanted)}) if self._is_orthanc and wanted else None
        if entries is None:
            return list(found)
        texts: dict[str, list[StudyFound]] = {}
        for study in filter(None, map(_study_of, entries)):
            texts.setdefault(study.study_uid, []).append(study)
        return [_in_full(study, texts.get(study.study_uid, [])) for study in found]

    def study(self, study_uid: str) -> StudyFound | None:
        """Return one study; ``None`` when it is not there. Raises as :meth:`studies`."""
        _require_uids(study_uid)
        found = studies_of(self._qido(f"studies?StudyInstanceUID={study_uid}&{_DESCRIPTIONS}"))
        return next(iter(self.in_full(found)), None)

    def series(self, study_uid: str) -> list[SeriesFound]:
        """Return the series of a study in their order. Raises as :meth:`studies`."""
        _require_uids(study_uid)
        return series_of(self._qido(f"studies/{study_uid}/series?includefield=0008103E"))

    def instances(self, study_uid: str, series_uid: str, limit: int | None = None) -> list[InstanceFound]:
        """Return the images of a series in their order, or just ``limit`` of them. Raises as :meth:`studies`."""
        _require_uids(study_uid, series_uid)
        more = "" if limit is None else f"?limit={limit}"
        answer = self._qido(f"studies/{study_uid}/series/{series_uid}/instances{more}")
        return instances_of(answer, series_uid)[:_MOST_INSTANCES]

    def picture(self, study_uid: str, series_uid: str, sop_uid: str, side: int) -> bytes:
        """Return a small JPEG of an image, as the server renders it; not to be trusted. Raises as :meth:`studies`."""
        _require_uids(study_uid, series_uid, sop_uid)
        path = f"dicom-web/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}/rendered?viewport={side},{side}"
        return self._bytes(path)

    def _bytes(self, path: str) -> bytes:
        headers = {"Accept": "image/jpeg", "Accept-Encoding": "identity"}
        response = self.server.ask("GET", path, timeout=QUICK, longest=_LONGEST_PICTURE, headers=headers)
        if not httpx.codes.is_success(response.status_code):
            raise EnvironmentFault("pacs.no_picture", status=response.status_code)
        return response.content

    def _qido(self, path: str) -> Any:
        headers = {"Accept": "application/dicom+json"}
        try:
            return self.server.json("GET", f"dicom-web/{path}", timeout=QUICK, longest=_LONGEST_LIST, headers=headers)
        except EnvironmentFault as error:
            if error.facts.get("status") == httpx.codes.NOT_FOUND:
                raise EnvironmentFault("pacs.no_dicomweb") from error
            raise

    # -- what QIDO-RS of older plug-ins cannot do -------------------------------------------------------------

    def _find(self, terms: dict[str, str], **more: int) -> list[dict[str, Any]] | None:
        """Ask Orthanc itself; ``None`` where the server is none. Raises as :meth:`studies`."""
        body = {"Level": "Study", "Expand": True, "CaseSensitive": False, "Query": terms, **more}
        try:
            answer = self.server.json("POST", "tools/find", timeout=QUICK, longest=_LONGEST_LIST, asked=body)
        except EnvironmentFault as error:
            if error.code in {"pacs.refused", "pacs.forbidden"}:
                self._is_orthanc = False
                return None
            raise
        if not isinstance(answer, list) or not all(isinstance(entry, dict) for entry in answer):
            raise EnvironmentFault("pacs.not_an_archive")
        return answer

    def _by_tools_find(self, terms: dict[str, str], limit: int, offset: int) -> list[StudyFound] | None:
        entries = self._find(terms, Limit=limit, Since=offset)
        if entries is None:
            return None
        plain = [study for study in map(_study_of, entries) if study is not None]
        if not plain:
            return []
        listed = ",".join(study.study_uid for study in plain)
        counted = studies_of(self._qido(f"studies?StudyInstanceUID={listed}&{_DESCRIPTIONS}"))
        # One UID stands for one study nearly always; where it does not, figures are those of any of them.
        figures = {study.study_uid: study for study in counted}
        return [_with_figures(study, figures.get(study.study_uid, study)) for study in plain]


def _in_full(study: StudyFound, written: Sequence[StudyFound]) -> StudyFound:
    """Return a study with its own texts: the name of somebody else under its UID must not stand in its row."""
    same = [other for other in written if other.patient_id == study.patient_id]
    if len(same) != 1:
        same = list(written) if len(written) == 1 else []
    # A study that went in between, or cannot be told from another, keeps what QIDO-RS said.
    return _with_figures(same[0], study) if same else study


def _with_figures(study: StudyFound, counted: StudyFound) -> StudyFound:
    return replace(study, modalities=counted.modalities, series=counted.series, instances=counted.instances)


def _study_of(entry: dict[str, Any]) -> StudyFound | None:
    """Return a study as Orthanc's own interface describes it."""
    study, patient = entry.get("MainDicomTags"), entry.get("PatientMainDicomTags")
    if not isinstance(study, dict) or not isinstance(patient, dict) or not is_uid(study.get("StudyInstanceUID")):
        return None
    series = entry.get("Series")
    return StudyFound(
        study_uid=study["StudyInstanceUID"],
        patient_id=plain_line(patient.get("PatientID")),
        patient_name=plain_line(patient.get("PatientName")),
        birth_date=day_of(patient.get("PatientBirthDate")),
        sex=sex_of(plain_line(patient.get("PatientSex"))),
        study_date=day_of(study.get("StudyDate")),
        study_time=plain_line(study.get("StudyTime")),
        description=plain_line(study.get("StudyDescription")),
        series=len(series) if isinstance(series, list) else 0,
        is_as_written=True,
    )


def _terms(query: StudyQuery) -> dict[str, str]:
    """Return the search keys by their keyword."""
    dates = f"{_dicom(query.since)}-{_dicom(query.until)}" if query.since or query.until else ""
    terms = {
        "PatientName": query.name,
        "PatientID": query.patient_id,
        "StudyDate": dates,
        "ModalitiesInStudy": query.modality.upper(),
        "StudyDescription": query.description,
    }
    return {name: value for name, value in terms.items() if value}


def _dicom(day: date | None) -> str:
    return day.isoformat().replace("-", "") if day else ""


def _require_uids(*uids: str) -> None:
    if not all(map(is_uid, uids)):
        raise EnvironmentFault("pacs.bad_uid")
