"""When an image was taken, from dates and times that may be anything (PS3.5 6.2, DA, TM, DT).

Impossible dates are nothing, not an error. Without a zone in the file the time is this computer's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from pydicom.dataset import Dataset

from app.imaging.dicom.functional import macro
from app.imaging.dicom.values import text

_DATE = re.compile(r"^(\d{4})[.-]?(\d{2})[.-]?(\d{2})")
_TIME = re.compile(r"^(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?")
_DATE_TIME = re.compile(r"^(\d{8})(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?$")
_PAIRS = (("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
_LATER_PAIRS = (("SeriesDate", "SeriesTime"), ("StudyDate", "StudyTime"))
_EARLIEST_YEAR = 1895
"""Before Röntgen nothing was taken: such dates are placeholders."""


def captured_at_of(dataset: Dataset) -> datetime | None:
    """The moment of acquisition in UTC: acquisition, else content, else series, else study."""
    zone = _zone(text(dataset, "TimezoneOffsetFromUTC"))
    frame = macro(dataset, 0, "FrameContentSequence")
    for level, keyword in ((frame, "FrameAcquisitionDateTime"), (dataset, "AcquisitionDateTime")):
        found = _date_time(text(level, keyword), zone) if level is not None else None
        if found is not None:
            return found
    for date_keyword, time_keyword in (*_PAIRS, *_LATER_PAIRS):
        found = _moment(text(dataset, date_keyword), text(dataset, time_keyword), zone)
        if found is not None:
            return found
    return None


def _date_time(value: str, zone: timezone | None) -> datetime | None:
    match = _DATE_TIME.match(value)
    if match is None:
        return None
    return _moment(match[1], match[2] or "", _zone(match[3] or "") or zone)


def _moment(date: str, time: str, zone: timezone | None) -> datetime | None:
    day = _DATE.match(date)
    if day is None or int(day[1]) < _EARLIEST_YEAR:
        return None
    clock = _TIME.match(time)
    hour, minute, second = (int(part or 0) for part in clock.groups()[:3]) if clock else (0, 0, 0)
    fraction = int((clock[4] or "0").ljust(6, "0")) if clock else 0
    try:
        # Second 60 is a leap second in DICOM and nothing in Python.
        local = datetime(int(day[1]), int(day[2]), int(day[3]), hour, minute, min(second, 59), fraction, zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _zone(offset: str) -> timezone | None:
    match = re.match(r"^([+-])(\d{2})(\d{2})$", offset)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    if minutes > 14 * 60:
        return None
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
