"""Searching an archive that speaks only DIMSE (C-FIND). Live, nothing is kept; every search is in the audit log."""

from __future__ import annotations

from app.core.context import JobContext
from app.core.destinations import DIMSE
from app.domain.changes import Entity
from app.domain.folding import fold
from app.domain.patient import parse_birth_date
from app.domain.roles import Action, Actor
from app.services.archiving.browsing import asked_for, has_words, words_of
from app.services.archiving.dimse_connector import DimseConnector
from app.services.archiving.matching import ArchiveStudy, matched
from app.services.door import Door
from app.transfer.dimse import finding
from app.transfer.found import StudyFound, StudyQuery, is_uid, plain_line, sex_of

# Archives answer in whatever order they like: the newest may come last, so more is read than is shown.
_MOST = 2_000


class DimseAsking:
    """The archives of one library that speak only DIMSE, to be asked. Any thread."""

    def __init__(self, door: Door, dimse: DimseConnector) -> None:
        self._door = door
        self._dimse = dimse

    def search(
        self, actor: Actor, name: str, query: StudyQuery, ctx: JobContext
    ) -> tuple[tuple[ArchiveStudy, ...], bool]:
        """Return the studies that match, newest first, and whether that is all.

        Raises
        ------
        RefusedError
            ``role.refused``.
        BitewingError
            ``settings.no_connection``; as :meth:`DimseConnector.peer` and :func:`finding.find_studies`.
        Cancelled
        """
        with self._door.writing(actor, Action.ARCHIVE_BROWSE) as unit:
            # The fields searched, not what for (SEC-9).
            unit.audit(Entity.STUDY, "", fields=list(query.fields), archive=name)
        peer = self._dimse.peer(self._dimse.archive(f"{DIMSE}.{name}"))
        asked = asked_for(query)
        rows: dict[str, finding.StudyFound] = {}
        is_complete = True
        # Many archives compare letter by letter, though PS3.4 C.2.2.2.1 lets them look past the case of names.
        for spelt in dict.fromkeys((asked.name, asked.name.title(), asked.name.upper())):
            wanted = finding.Wanted(spelt, asked.patient_id, asked.since, asked.until, asked.modality)
            answer = finding.find_studies(peer, wanted, _MOST, ctx)
            rows.update((row.study_instance_uid, row) for row in answer.rows)
            is_complete &= answer.is_complete
        words, described = words_of(query), fold(query.description.strip())
        studies = [_study(row) for row in rows.values() if is_uid(row.study_instance_uid)]
        fitting = [one for one in studies if has_words(one, words) and described in fold(one.description)]
        fitting.sort(
            key=lambda one: (one.study_date.isoformat() if one.study_date else "", one.study_time), reverse=True
        )
        return matched(self._door.store, fitting), is_complete


def _age(study: StudyFound) -> tuple[str, str]:
    return study.study_date.isoformat() if study.study_date else "", study.study_time


def _study(row: finding.StudyFound) -> StudyFound:
    return StudyFound(
        study_uid=row.study_instance_uid,
        patient_id=plain_line(row.patient_id),
        patient_name=plain_line(row.patient_name),
        birth_date=parse_birth_date(row.birth_date),
        sex=sex_of(row.sex),
        study_date=parse_birth_date(row.study_date),
        study_time=plain_line(row.study_time),
        description=plain_line(row.description),
        modalities=tuple(plain_line(one) for one in row.modalities if one),
        instances=row.instances or 0,
        is_as_written=True,
    )
