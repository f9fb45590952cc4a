"""Reading a list of patients from a CSV file of whatever origin: bytes in, drafts out. Pure.

Content is text and nothing else (B29): formulas are never evaluated, sizes are capped, encodings and
delimiters are guessed. Column names are understood in English and Arabic.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.core.errors import BitewingError, UserError
from app.domain.folding import fold
from app.domain.patient import PatientDraft, Sex, parse_birth_date

FILE_LIMIT_BYTES = 10 * 1024 * 1024
FIELD_LIMIT = 64 * 1024
ROW_LIMIT = 200_000
_DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
# Names of columns as exports of practice programs spell them.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "family_name": (
        "family name",
        "last name",
        "surname",
        "family",
        "last",
        "lastname",
        "اسم العائلة",
        "العائلة",
        "الكنية",
        "اللقب",
    ),
    "given_name": (
        "given name",
        "first name",
        "given",
        "first",
        "firstname",
        "forename",
        "الاسم الاول",
        "الاول",
        "الاسم الأول",
    ),
    "name": ("name", "patient name", "full name", "patient", "patientname", "الاسم", "اسم المريض", "الاسم الكامل"),
    "chart_number": (
        "chart number",
        "chart",
        "patient id",
        "id",
        "patientid",
        "file number",
        "number",
        "chart no",
        "record number",
        "mrn",
        "رقم الملف",
        "الرقم",
        "رقم المريض",
    ),
    "birth_date": ("birth date", "date of birth", "dob", "birthday", "birthdate", "تاريخ الميلاد", "الميلاد"),
    "sex": ("sex", "gender", "الجنس"),
    "phone": (
        "phone",
        "telephone",
        "mobile",
        "phone number",
        "cell",
        "tel",
        "الهاتف",
        "رقم الهاتف",
        "الجوال",
        "الموبايل",
    ),
    "notes": ("notes", "note", "comment", "comments", "remarks", "ملاحظات"),
}
_BY_HEADER = {fold(name): column for column, names in _COLUMNS.items() for name in names}
_SEXES = {
    **dict.fromkeys(("m", "male", "man", "ذكر"), Sex.MALE),
    **dict.fromkeys(("f", "female", "woman", "انثى", "انثي"), Sex.FEMALE),
    **dict.fromkeys(("o", "other", "x", "اخر"), Sex.OTHER),
    **dict.fromkeys(("", "u", "unknown"), Sex.UNKNOWN),
}
_SEXES_FOLDED = {fold(text): sex for text, sex in _SEXES.items()}
_DATE = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})")
_SEPARATOR = re.compile(r"[\s_\-.]+")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line of the file: a draft, or the reason why it is none."""

    line: int
    draft: PatientDraft | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def read_rows(data: bytes) -> Iterator[CsvRow]:
    """Yield every row of a patient list.

    Raises
    ------
    UserError
        ``csv.too_large``, ``csv.encoding``, ``csv.no_columns`` or ``csv.damaged``.
    """
    if len(data) > FILE_LIMIT_BYTES:
        raise UserError("csv.too_large", limit=FILE_LIMIT_BYTES)
    text = _decode(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=False)
    try:
        header = next(reader, [])
        columns = _columns(header)
        day_first = _is_day_first(text)
        for count, cells in enumerate(reader, 1):
            if count > ROW_LIMIT:
                raise UserError("csv.too_large", limit=ROW_LIMIT)
            if any(cell.strip() for cell in cells):
                yield _row(reader.line_num, cells, columns, day_first=day_first)
    except csv.Error as error:
        raise UserError("csv.damaged", line=reader.line_num) from error


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise UserError("csv.encoding") from error
    if data[:4000].count(0) > len(data[:4000]) // 4:
        # UTF-16 without a mark: every second byte of Latin text is zero.
        return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_single_byte(data))


def _single_byte(data: bytes) -> str:
    """Tell Windows' Arabic code page from its Western one: Arabic letters come in runs."""
    high = re.findall(rb"[\xc1-\xf2]{2,}", data)
    try:
        data.decode("cp1256")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1256" if sum(map(len, high)) > 8 else "latin-1"


def _delimiter(text: str) -> str:
    first = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    counts = {delimiter: first.count(delimiter) for delimiter in _DELIMITERS}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


def _columns(header: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, name in enumerate(header):
        key = _SEPARATOR.sub(" ", fold(name)).strip()
        column = _BY_HEADER.get(key) or _BY_HEADER.get(key.replace(" ", ""))
        if column is not None and column not in columns:
            columns[column] = index
    if not {"family_name", "given_name", "name", "chart_number"} & set(columns):
        raise UserError("csv.no_columns")
    return columns


def _is_day_first(text: str) -> bool:
    """Whether ``3/4/1980`` means the third of April: some row has a first number above twelve, none a second."""
    dates = [match for match in _DATE.finditer(text) if len(match[1]) <= 2]
    return not any(int(match[2]) > 12 for match in dates)


def _row(line: int, cells: Sequence[str], columns: dict[str, int], *, day_first: bool) -> CsvRow:
    if any(len(cell) > FIELD_LIMIT for cell in cells):
        return CsvRow(line, code="csv.field_too_large", facts={"limit": FIELD_LIMIT})
    values = {column: cells[index].strip() for column, index in columns.items() if index < len(cells)}
    family, given = values.get("family_name", ""), values.get("given_name", "")
    if not (family or given):
        family, given = _split_name(values.get("name", ""))
    birth_text = values.get("birth_date", "")
    birth_date = _date(birth_text, day_first=day_first)
    if birth_text and birth_date is None:
        return CsvRow(line, code="csv.birth_date", facts={"text": birth_text[:40]})
    sex = _SEXES_FOLDED.get(fold(values.get("sex", "")))
    if sex is None:
        return CsvRow(line, code="csv.sex", facts={"text": values["sex"][:40]})
    draft = PatientDraft(
        family, given, values.get("chart_number", ""), birth_date, sex, values.get("phone", ""), values.get("notes", "")
    )
    try:
        return CsvRow(line, draft.cleaned())
    except BitewingError as error:
        return CsvRow(line, code=error.code, facts=error.facts)


def _split_name(text: str) -> tuple[str, str]:
    if "^" in text:
        family, _, given = text.partition("^")
        return family, given.replace("^", " ")
    if "," in text:
        family, _, given = text.partition(",")
        return family.strip(), given.strip()
    given, _, family = text.rpartition(" ")
    return family, given


def _date(text: str, *, day_first: bool) -> date | None:
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in text).split("T")[0].strip()
    match = _DATE.match(plain)
    if match is None:
        return parse_birth_date(plain)
    first, second, third = (int(part) for part in match.groups())
    if len(match[1]) == 4:
        year, month, day = first, second, third
    elif day_first:
        year, month, day = third, second, first
    else:
        year, month, day = third, first, second
    try:
        return date(year, month, day) if year > 1000 else None
    except ValueError:
        return None
