"""The rules that keep an image from landing with the wrong patient."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.core.clock import utc_now
from app.domain.identity import Contradiction, FileIdentity, Verdict, compare, decide
from app.domain.patient import Patient, Sex

AHMED = Patient(
    "11111111-1111-4111-8111-111111111111",
    "Hassan",
    "Ahmed",
    "1042",
    date(1985, 3, 14),
    Sex.MALE,
    "",
    utc_now(),
    utc_now(),
)
AGREEING = FileIdentity("1042", "HASSAN", "AHMED", date(1985, 3, 14), "M")


def test_agreeing_identity_files() -> None:
    assert decide(AGREEING, None, [AHMED]).verdict is Verdict.FILE
    assert decide(AGREEING, AHMED, []).verdict is Verdict.FILE


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"patient_id": "9"}, Contradiction.PATIENT_ID),
        ({"family_name": "Hasan"}, Contradiction.NAME),
        ({"given_name": "Mona"}, Contradiction.NAME),
        ({"birth_date": date(1985, 3, 15)}, Contradiction.BIRTH_DATE),
        ({"sex": "F"}, Contradiction.SEX),
    ],
)
def test_any_one_contradiction_goes_to_the_inbox(changed: dict[str, object], part: Contradiction) -> None:
    identity = replace(AGREEING, **changed)
    assert compare(identity, AHMED) == (part,)
    decision = decide(identity, AHMED, [])
    assert decision.verdict is Verdict.INBOX
    assert decision.code == "identity.contradicts"


@pytest.mark.parametrize(
    "identity",
    [
        FileIdentity("1042", "Ahmed", "Hassan"),  # sensor programs swap the two
        FileIdentity("1042", "Hássan", "AHMED"),
        FileIdentity("1042", "Hassan Ahmed", ""),
    ],
)
def test_spelling_is_no_contradiction(identity: FileIdentity) -> None:
    assert compare(identity, AHMED) == ()


def test_arabic_letter_variants_agree() -> None:
    patient = replace(AHMED, family_name="حسن", given_name="أحمد")
    assert compare(FileIdentity("1042", "حسن", "احمد"), patient) == ()


def test_nothing_known_goes_to_the_inbox_unless_a_person_chose() -> None:
    assert decide(FileIdentity(), None, []).code == "identity.none"
    assert decide(FileIdentity(), AHMED, []).verdict is Verdict.FILE


def test_unknown_complete_identity_makes_a_patient_once_allowed() -> None:
    assert decide(AGREEING, None, []).verdict is Verdict.MAKE_PATIENT
    assert decide(AGREEING, None, [], may_make=False).verdict is Verdict.INBOX
    assert decide(FileIdentity("7"), None, []).verdict is Verdict.INBOX


def test_a_name_alone_only_proposes() -> None:
    decision = decide(FileIdentity("", "Hassan", "Ahmed"), None, [AHMED])
    assert decision.verdict is Verdict.INBOX
    assert decision.patient_id == AHMED.id


def test_same_name_different_birth_date_is_never_merged() -> None:
    other = replace(AHMED, id="22222222-2222-4222-8222-222222222222", birth_date=date(1967, 11, 30))
    identity = FileIdentity("", "Hassan", "Ahmed")
    assert decide(identity, None, [AHMED, other]).code == "identity.ambiguous"


def test_the_one_of_several_that_agrees_is_taken() -> None:
    other = replace(AHMED, id="22222222-2222-4222-8222-222222222222", family_name="Haddad")
    assert decide(AGREEING, None, [other, AHMED]).patient_id == AHMED.id


def test_a_file_numbered_as_somebody_else_is_not_filed_with_the_chosen_patient() -> None:
    """The chosen patient has no chart number yet, so nothing contradicts but the other patient's number."""
    chosen = replace(AHMED, id="22222222-2222-4222-8222-222222222222", chart_number="")
    assert decide(AGREEING, chosen, [AHMED]).code == "identity.contradicts"
    assert decide(AGREEING, chosen, []).verdict is Verdict.FILE
    assert decide(AGREEING, AHMED, [AHMED]).verdict is Verdict.FILE
