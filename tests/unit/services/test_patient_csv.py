"""Patient lists from other programs."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.errors import UserError
from app.domain.patient import PatientDraft, Sex
from app.sync.patient_csv import decode_list, read_rows

DOE = PatientDraft("Doe", "Jane", "17", date(1980, 2, 1), Sex.FEMALE, "555")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_delimiters_and_encodings(delimiter: str, encoding: str) -> None:
    lines = ["Last Name,First_Name,Patient ID,DOB,Gender,Mobile", "Doe,Jane,17,1980-02-01,female,555", ""]
    data = "\r\n".join(lines).replace(",", delimiter).encode(encoding)
    (row,) = read_rows(data)
    assert row.draft == DOE


def test_arabic_headers_code_page_and_digits() -> None:
    text = "الاسم الأول;اسم العائلة;رقم الملف;تاريخ الميلاد;الجنس\nأحمد;حسن;٤٢;١٩٨٠/٠٢/٠١;ذكر\n"
    (row,) = read_rows(text.encode("utf-8"))
    assert row.draft is not None
    assert (row.draft.given_name, row.draft.family_name, row.draft.birth_date) == ("أحمد", "حسن", date(1980, 2, 1))
    assert row.draft.sex is Sex.MALE
    western = text.replace("٤٢", "42").replace("١٩٨٠/٠٢/٠١", "1980/02/01").encode("cp1256")
    (row,) = read_rows(western)
    assert row.draft is not None
    assert row.draft.family_name == "حسن"


def test_formulas_stay_text_and_bad_rows_are_named() -> None:
    data = (
        b"name,id,dob,sex\n=CMD|' /C calc'!A0,1,,\n\"Doe, Jane\",2,31.12.1980,F\nX,3,1980-13-01,\n"
        b"Y,4,,banana\n,,,\n" + b"Z" * 70000 + b",5,,\n"
    )
    rows = list(read_rows(data))
    assert rows[0].draft is not None
    assert "=CMD" in rows[0].draft.given_name + rows[0].draft.family_name
    assert rows[1].draft is not None
    assert rows[1].draft.birth_date == date(1980, 12, 31)
    assert [row.code for row in rows] == [None, None, "csv.birth_date", "csv.sex", "csv.field_too_large"]


def test_month_first_dates_are_told_from_the_column() -> None:
    american = b"name,id,dob\nA,1,02/01/1980\nB,2,12/31/1980\n"
    assert [row.draft.birth_date for row in read_rows(american) if row.draft] == [date(1980, 2, 1), date(1980, 12, 31)]
    european = b"name,id,dob\nA,1,02/01/1980\nB,2,31/12/1980\n"
    assert [row.draft.birth_date for row in read_rows(european) if row.draft] == [date(1980, 1, 2), date(1980, 12, 31)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a,b\n1,2\n", "csv.no_columns"),
        (b"", "csv.no_columns"),
        (b"x" * (10 * 1024 * 1024 + 1), "csv.too_large"),
    ],
)
def test_refused_files(data: bytes, code: str) -> None:
    with pytest.raises(UserError) as raised:
        list(read_rows(data))
    assert raised.value.code == code


def test_dates_with_two_readings_are_left_out_and_said() -> None:
    rows = list(read_rows(b"name,id,dob,phone\nA,1,02/01/1980,30-12-1980\nB,2,03.03.1980,\nC,3,1980-02-01,\n"))
    assert [row.draft.birth_date for row in rows if row.draft] == [None, date(1980, 3, 3), date(1980, 2, 1)]
    assert [(row.code, row.facts) for row in rows] == [
        ("csv.ambiguous_date", {"text": "02/01/1980"}),
        (None, {}),
        (None, {}),
    ]
    both = list(read_rows(b"name,id,dob\nA,1,02/01/1980\nB,2,31/12/1980\nC,3,12/31/1980\n"))
    assert [row.draft.birth_date for row in both if row.draft] == [None, date(1980, 12, 31), date(1980, 12, 31)]


@pytest.mark.parametrize("rest", [b"", b'Smith,"Ann",4\n'])
def test_an_unclosed_quote_is_named_by_its_line(rest: bytes) -> None:
    with pytest.raises(UserError) as raised:
        list(read_rows(b'last,first,id\nDoe,Jane,1\n"Roe,Rick,2\nPoe,Edgar,3\n' + rest))
    assert (raised.value.code, raised.value.facts) == ("csv.damaged", {"line": 3})


def test_an_encoding_is_said_and_a_guess_is_called_one() -> None:
    text = "name,id\nGarc\u00eda,1\n"
    for encoding, named, is_guessed in [
        ("utf-8", "utf-8", False),
        ("utf-16", "utf-16", False),
        ("cp1252", "latin-1", True),
    ]:
        found = decode_list(text.encode(encoding))
        assert (found.text, found.encoding, found.is_guessed) == (text, named, is_guessed)
    assert decode_list("name\nł".encode("cp1250"), "cp1250").text == "name\nł"
    for wrong in ("no-such", "zip", "utf-8"):
        with pytest.raises(UserError, match=r"csv\.encoding"):
            decode_list("ł".encode("cp1250"), wrong)
