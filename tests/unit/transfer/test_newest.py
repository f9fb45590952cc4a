"""Pages of a search: newest first, each study once, none left out, whatever days they fall on."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from app.transfer.found import StudyFound, StudyQuery
from app.transfer.newest import Page, page_of

TODAY = date(2026, 11, 29)


class Server:
    """Answers like an archive: in an order of its own, by inclusive days, undated ones only without days."""

    def __init__(self, studies: list[StudyFound]) -> None:
        self.studies = studies
        self.asked = 0

    def find(self, query: StudyQuery, limit: int, offset: int) -> list[StudyFound]:
        self.asked += 1
        assert limit <= 201
        fitting = [study for study in self.studies if self._fits(study, query)]
        return fitting[offset : offset + limit]

    @staticmethod
    def _fits(study: StudyFound, query: StudyQuery) -> bool:
        if query.since is None and query.until is None:
            return True
        day = study.study_date
        return (
            day is not None
            and (query.since is None or day >= query.since)
            and (query.until is None or day <= query.until)
        )


def everything(server: Server, query: StudyQuery, size: int) -> tuple[list[StudyFound], int]:
    found: list[StudyFound] = []
    page: Page = page_of(server.find, query, None, size, TODAY)
    first = server.asked
    found += page.studies
    while page.following is not None:
        page = page_of(server.find, query, page.following, size, TODAY)
        found += page.studies
        assert server.asked < 5000
    return found, first


def made(days: list[date | None]) -> list[StudyFound]:
    studies = [
        StudyFound(f"1.{number}", study_date=day, study_time=f"{number % 24:02d}0000")
        for number, day in enumerate(days)
    ]
    random.Random(3).shuffle(studies)
    return studies


@pytest.mark.parametrize(
    "days",
    [
        [],
        [TODAY] * 7,
        [TODAY] * 173,
        [TODAY - timedelta(days=number) for number in range(400)],
        [TODAY - timedelta(days=number * 29) for number in range(300)],
        [date(2009, 3, 1)] * 60 + [date(1999, 1, 1)],
        [TODAY + timedelta(days=5)] * 60 + [TODAY] * 60,
        [date(1901, 1, 1), date(1850, 1, 1), None] * 30,
        [None] * 450 + [TODAY],
    ],
    ids=["none", "few", "one day", "every day", "far apart", "long ago", "in the future", "very old", "undated"],
)
@pytest.mark.parametrize("size", [10, 50])
def test_each_once_and_newest_first(days: list[date | None], size: int) -> None:
    server = Server(made(days))
    found, first = everything(server, StudyQuery(), size)
    assert sorted(study.study_uid for study in found) == sorted(study.study_uid for study in server.studies)
    dated = [study.study_date for study in found if study.study_date and study.study_date.year >= 1900]
    assert dated == sorted(dated, reverse=True)
    assert first <= 30


def test_random_days() -> None:
    chance = random.Random(11)
    for _round in range(60):
        spread = chance.choice([1, 30, 400, 9000])
        days: list[date | None] = [TODAY - timedelta(days=chance.randrange(spread)) for _day in range(200)]
        found, _first = everything(Server(made(days)), StudyQuery(), chance.choice([5, 20, 50]))
        assert len({study.study_uid for study in found}) == len(found) == 200


def test_days_that_were_asked_for_are_kept_to() -> None:
    days: list[date | None] = [TODAY - timedelta(days=number) for number in range(200)]
    query = StudyQuery(since=TODAY - timedelta(days=150), until=TODAY - timedelta(days=20))
    found, _first = everything(Server(made([*days, None])), query, 10)
    assert len(found) == 131
