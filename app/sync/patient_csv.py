"""Reading a list of patients from a CSV file of whatever origin: bytes in, drafts out. Pure.

Content is text and nothing else (B29): formulas are never evaluated, sizes are capped, delimiters are
guessed; so is an encoding where it must be, and that is said. Column names are understood in English and Arabic.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

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
_Order = Literal["day first", "month first"]
_SEPARATOR = re.compile(r"[\s_\-.]+")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line of the file: a draft, or the reason why it is none. A draft with a code lacks something."""

    line: int
    draft: PatientDraft | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CsvText:
    """A list's text. ``is_guessed``: the bytes do not say their encoding, a person should look at the names."""

    text: str
    encoding: str
    is_guessed: bool = False


def read_rows(data: bytes, encoding: str | None = None) -> Iterator[CsvRow]:
    """Yield every row of a patient list; see :func:`decode_list` and :func:`rows_of`."""
    return rows_of(decode_list(data, encoding).text)


def rows_of(text: str) -> Iterator[CsvRow]:
    """Yield every row of a patient list.

    Raises
    ------
    UserError
        ``csv.too_large``, ``csv.no_columns``, or ``csv.damaged`` with the line where a quote opens that is
        not closed: what follows it would vanish in one field.
    """
    # Strict: otherwise an unclosed quote swallows the lines after it in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    start = 1
    lines: list[tuple[int, list[str]]] = []
    try:
        columns = _columns(next(reader, []))
        start = reader.line_num + 1
        for cells in reader:
            if len(lines) >= ROW_LIMIT:
                raise UserError("csv.too_large", limit=ROW_LIMIT)
            lines.append((reader.line_num, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError("csv.damaged", line=start) from error
    order = _date_order(
        cells[columns["birth_date"]] for _, cells in lines if columns.get("birth_date", 1 << 20) < len(cells)
    )
    for line, cells in lines:
        if any(cell.strip() for cell in cells):
            yield _row(line, cells, columns, order)


def decode_list(data: bytes, encoding: str | None = None) -> CsvText:
    """Return the text of a list: as ``encoding`` says if given, else by its mark, as UTF-8, or as a guess.

    Raises
    ------
    UserError
        ``csv.too_large``; ``csv.encoding`` when the bytes are not of that encoding or there is no such one.
    """
    if len(data) > FILE_LIMIT_BYTES:
        raise UserError("csv.too_large", limit=FILE_LIMIT_BYTES)
    if encoding is not None:
        return CsvText(_decoded(data, encoding), encoding)
    for mark, marked in _MARKS:
        if data.startswith(mark):
            return CsvText(_decoded(data, marked), marked)
    if data[:4000].count(0) > len(data[:4000]) // 4:
        # UTF-16 without a mark: every second byte of Latin text is zero.
        wide = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return CsvText(data.decode(wide, errors="replace"), wide, is_guessed=True)
    try:
        return CsvText(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        guess = _single_byte(data)
        return CsvText(data.decode(guess), guess, is_guessed=True)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except (LookupError, ValueError) as error:
        raise UserError("csv.encoding") from error


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


def _date_order(texts: Iterable[str]) -> _Order | None:
    """Return how the column writes its dates, told by those with only one reading; ``None`` when they do not tell."""
    orders = {_own_order(match) for text in texts if (match := _DATE.match(_plain(text))) and len(match[1]) <= 2}
    orders -= {None}
    return orders.pop() if len(orders) == 1 else None


def _own_order(match: re.Match[str]) -> _Order | None:
    """Return the only order in which a date can be read; ``None`` when there are two."""
    first, second = int(match[1]), int(match[2])
    if first > 12 >= second:
        return "day first"
    return "month first" if second > 12 >= first else None


def _row(line: int, cells: Sequence[str], columns: dict[str, int], order: _Order | None) -> CsvRow:
    if any(len(cell) > FIELD_LIMIT for cell in cells):
        return CsvRow(line, code="csv.field_too_large", facts={"limit": FIELD_LIMIT})
    values = {column: cells[index].strip() for column, index in columns.items() if index < len(cells)}
    family, given = values.get("family_name", ""), values.get("given_name", "")
    if not (family or given):
        family, given = _split_name(values.get("name", ""))
    birth_text = values.get("birth_date", "")
    has_two_readings = _has_two_readings(birth_text, order)
    birth_date = None if has_two_readings else _date(birth_text, order)
    if birth_text and birth_date is None and not has_two_readings:
        return CsvRow(line, code="csv.birth_date", facts={"text": birth_text[:40]})
    sex = _SEXES_FOLDED.get(fold(values.get("sex", "")))
    if sex is None:
        return CsvRow(line, code="csv.sex", facts={"text": values["sex"][:40]})
    draft = PatientDraft(
        family, given, values.get("chart_number", ""), birth_date, sex, values.get("phone", ""), values.get("notes", "")
    )
    try:
        if has_two_readings:
            # A wrong birth date is worse than none: it makes a contradiction of every right one.
            return CsvRow(line, draft.cleaned(), "csv.ambiguous_date", {"text": birth_text[:40]})
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


def _plain(text: str) -> str:
    """Return a date's text with European digits and without a time."""
    return "".join(str(int(c)) if c.isdecimal() else c for c in text).split("T")[0].strip()


def _has_two_readings(text: str, order: _Order | None) -> bool:
    match = _DATE.match(_plain(text))
    if match is None or len(match[1]) == 4 or order is not None:
        return False
    first, second, year = (int(part) for part in match.groups())
    return year > 1000 and first != second and 0 < first <= 12 and 0 < second <= 12


def _date(text: str, order: _Order | None) -> date | None:
    plain = _plain(text)
    match = _DATE.match(plain)
    if match is None:
        return parse_birth_date(plain)
    first, second, third = (int(part) for part in match.groups())
    if len(match[1]) == 4:
        year, month, day = first, second, third
    elif (_own_order(match) or order) == "month first":
        year, month, day = third, first, second
    else:
        year, month, day = third, second, first
    try:
        return date(year, month, day) if year > 1000 else None
    except ValueError:
        return None


def parse_day(text: str) -> date | None:
    """Return a day written in one of the usual ways; ``None`` when there is none or it has two readings."""
    plain = _plain(text).split(" ")[0]
    return None if not plain or _has_two_readings(plain, None) else _date(plain, None)
