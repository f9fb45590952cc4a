"""Pages of a search, newest study first, from a server that promises no order.

The search is cut into spans of days from today backwards, wide where little was done and narrow where much was, so that
each span fits a page. What has no date comes last. Asks through a function; decides nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.transfer.found import StudyFound, StudyQuery

Find = Callable[[StudyQuery, int, int], Sequence[StudyFound]]
"""Gets query, limit and offset."""

_OLDEST = date(1900, 1, 1)
_DAY = timedelta(days=1)
_FIRST_SPAN = 30
# A search for words that finds no more than so many pages is shown as one.
_AT_ONCE = 4
_WIDEST_SPAN = 40_000
# What has no date is looked for among everything, so many at a time and so often for one page.
_SCANNED = 200
_SCANS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: at ``end`` (``None``: in the future) and before, or among what has no date."""

    end: date | None
    span: int = _FIRST_SPAN
    offset: int = 0
    is_undated: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some studies, newest first, and where the next page begins; ``None`` at the end."""

    studies: tuple[StudyFound, ...]
    following: Place | None = None


def page_of(find: Find, query: StudyQuery, place: Place | None, size: int, today: date) -> Page:
    """Return the page at ``place``, the first one for ``None``; it may hold fewer than ``size``, even none, or more."""
    if place is None:
        if query.name or query.patient_id or query.description:
            # Most such searches find little: all of it at once, then.
            most = size * _AT_ONCE
            found = find(query, most + 1, 0)
            if len(found) <= most:
                return Page(_sorted(found))
        place = Place(query.until)
    if place.is_undated:
        return _undated(find, query, place.offset)
    gathered: list[StudyFound] = []
    oldest = query.since or _OLDEST
    while len(gathered) * 2 < size:
        # What is dated tomorrow or later is one span, however far it reaches.
        start = max(today + _DAY if place.end is None else place.end - (place.span - 1) * _DAY, oldest)
        found = find(replace(query, since=start, until=place.end), size + 1, place.offset)
        if len(found) > size:
            is_divisible = place.end is not None and start < place.end
            if gathered and is_divisible:
                break
            if place.end is not None and is_divisible:
                place = replace(place, span=(place.end - _later(start, place.end, found)).days + 1)
                continue
            # One day, fuller than a page.
            following = replace(place, offset=place.offset + size)
            return Page((*_sorted(gathered), *_sorted(found[:size])), following)
        gathered += found
        if start <= oldest:
            is_everything = not query.since and not query.until
            return Page(_sorted(gathered), Place(None, is_undated=True) if is_everything else None)
        place = Place(start - _DAY, _next_span(place.span, len(found), size))
    return Page(_sorted(gathered), place)


def _later(start: date, end: date, found: Sequence[StudyFound]) -> date:
    """Return where a span that was too full begins next: after the newest of those that came, nearer its end."""
    newest = max((study.study_date for study in found if study.study_date), default=start)
    quarter = start + (end - start) * 3 // 4
    return min(max(newest + _DAY, quarter, start + _DAY), end)


def _next_span(span: int, found: int, size: int) -> int:
    """Return how many days to ask for next, so that about half a page comes back."""
    if found * 8 < size:
        return min(span * 4, _WIDEST_SPAN)
    if found * 3 < size:
        return min(span * 2, _WIDEST_SPAN)
    return span


def _undated(find: Find, query: StudyQuery, offset: int) -> Page:
    for _scan in range(_SCANS):
        found = find(query, _SCANNED, offset)
        offset += len(found)
        undated = [study for study in found if study.study_date is None or study.study_date < _OLDEST]
        if len(found) < _SCANNED:
            return Page(tuple(undated))
        if undated:
            return Page(tuple(undated), Place(None, offset=offset, is_undated=True))
    return Page((), Place(None, offset=offset, is_undated=True))


def _sorted(studies: Sequence[StudyFound]) -> tuple[StudyFound, ...]:
    def age(study: StudyFound) -> tuple[date, str, str]:
        return study.study_date or date.min, study.study_time, study.study_uid

    # A server that does not know of days says the same in each span.
    once = {study.key: study for study in studies}
    return tuple(sorted(once.values(), key=age, reverse=True))
