"""The SQL of image lists: what is wanted becomes conditions and an order. Builds text, maps no rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.folding import fold_tokens
from app.domain.image import ImageType, Placement
from app.domain.tooth import GENERAL
from app.storage.database import Database
from app.storage.search_index import matching_ranks

_PATIENTS_LOOKED_AT = 500
# Slices of a series stay together, ordered along the patient (PS3.3 C.7.6.2.1.1), wherever their files came from.
_SERIES_ORDER = (
    "MAX(COALESCE(i.captured_at, i.imported_at)) OVER (PARTITION BY COALESCE(i.series_uid, i.id)) DESC,"
    " COALESCE(i.series_uid, i.id), i.slice_position, i.captured_at, i.rank"
)
_NEWEST_FIRST = "i.imported_at DESC, i.rank DESC"


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images are wanted."""

    patient_id: str | None = None
    tooth: str | None = None
    image_type: ImageType | None = None
    search: str | None = None
    limit: int | None = None
    placement: Placement | None = Placement.FILED
    study_uid: str | None = None
    deleted: bool = False
    case_reference: str | None = None


def list_sql(database: Database, wanted: ImageFilter, columns: str) -> tuple[str, list[Any]]:
    """Return a query and its parameters."""
    terms, parameters = _terms(wanted)
    if wanted.search is not None and wanted.search.strip():
        term, found = _search_term(database, wanted.search)
        terms.append(term)
        parameters += found
    few = wanted.patient_id is not None or wanted.study_uid is not None or bool(wanted.case_reference)
    order = _SERIES_ORDER if few or wanted.limit is None else _NEWEST_FIRST
    sql = f"SELECT {columns} FROM images i WHERE {' AND '.join(terms)} ORDER BY {order}"  # noqa: S608 - our own text
    if wanted.limit is not None:
        sql += " LIMIT ?"
        parameters.append(wanted.limit)
    return sql, parameters


def _terms(wanted: ImageFilter) -> tuple[list[str], list[Any]]:
    terms = ["i.deleted_at IS NOT NULL" if wanted.deleted else "i.deleted_at IS NULL"]
    parameters: list[Any] = []
    if wanted.placement is Placement.FILED:
        # As a literal, so that the index of filed images fits.
        terms.append("i.placement = 'filed'")
    elif wanted.placement is not None:
        terms += ["i.placement = ?", "i.placement <> 'filed'"]
        parameters.append(wanted.placement.value)
    for column, value in (
        ("patient_id", wanted.patient_id),
        ("study_uid", wanted.study_uid),
        ("image_type", wanted.image_type.value if wanted.image_type else None),
    ):
        if value is not None:
            terms.append(f"i.{column} = ?")
            parameters.append(value)
    if wanted.case_reference:
        # The second term is what lets the index of cases fit.
        terms.append("i.case_reference = ? AND i.case_reference <> ''")
        parameters.append(wanted.case_reference)
    if wanted.tooth == GENERAL:
        terms.append("i.tooth = 'general'")
    elif wanted.tooth is not None:
        terms.append(
            "(i.tooth = ? OR EXISTS (SELECT 1 FROM image_teeth t WHERE t.image_rank = i.rank AND t.tooth = ?))"
        )
        parameters += [wanted.tooth, wanted.tooth]
    return terms, parameters


def _search_term(database: Database, text: str) -> tuple[str, list[Any]]:
    """Words of the image's own texts, or a patient who is found by the text."""
    tokens = fold_tokens(text)
    own = " AND ".join("instr(i.search_text, ?) > 0" for _token in tokens) or "0"
    ranks = matching_ranks(database, text, _PATIENTS_LOOKED_AT)
    marks = ",".join("?" * len(ranks))
    return f"(({own}) OR i.patient_id IN (SELECT id FROM patients WHERE rank IN ({marks})))", [*tokens, *ranks]  # noqa: S608 - our own text
