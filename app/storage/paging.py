"""Reading a long table page by page, so that others may write between two pages, and never in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.core.errors import EnvironmentFault
from app.storage.database import Database, Row


def rising_pages(
    database: Database, sql: str, last: Sequence[Any], key: Callable[[Row], Sequence[Any]]
) -> Iterator[list[Row]]:
    """Yield the rows of a query page by page, each page beginning after ``key`` of the last row.

    Raises
    ------
    EnvironmentFault
        ``database.corrupt`` where the keys do not rise: a damaged index could be followed in circles for ever.
    """
    while page := database.rows(sql, last):
        before, last = last, key(page[-1])
        try:
            rises = tuple(last) > tuple(before)
        except TypeError:
            rises = False
        if not rises:
            raise EnvironmentFault("database.corrupt")
        yield page
