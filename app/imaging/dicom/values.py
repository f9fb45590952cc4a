"""Reading single values out of a data set that may hold anything.

A value that is missing, empty, of the wrong type or undecodable is ``None`` or an empty
string: one bad element must not hide a good image. Interprets nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from app.imaging.dicom.guard import DATA_ERRORS


class NotADicomKeywordError(Exception):
    """A keyword misspelt in our own code: a bug, not bad data."""


def raw(dataset: Dataset, keyword: str) -> Any:
    """The value pydicom makes of an element, or ``None`` when it is absent or broken."""
    tag = _tag_of(keyword)
    try:
        return dataset[tag].value if tag in dataset else None
    except DATA_ERRORS:
        return None


@cache
def _tag_of(keyword: str) -> BaseTag:
    """The tag of a keyword; pydicom would look it up anew for each of some thirty elements an image."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise NotADicomKeywordError(keyword)
    return Tag(tag)


def every(dataset: Dataset, keyword: str) -> list[Any]:
    """All values of a possibly multi-valued element."""
    value = raw(dataset, keyword)
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as trimmed text without control characters; empty when there is none."""
    values = every(dataset, keyword)
    if not values or isinstance(values[0], (bytes, Dataset)):
        return ""
    return "".join(char for char in str(values[0]) if char.isprintable()).strip()


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The finite numbers of an element, in order; unreadable ones end the list."""
    found: list[float] = []
    for value in every(dataset, keyword):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            break
        if not math.isfinite(number):
            break
        found.append(number)
    return found


def number(dataset: Dataset, keyword: str) -> float | None:
    """The first number of an element."""
    found = numbers(dataset, keyword)
    return found[0] if found else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The first number of an element, as an integer."""
    found = number(dataset, keyword)
    return None if found is None else int(found)


def items(dataset: Dataset, keyword: str) -> Iterator[Dataset]:
    """The items of a sequence; nothing when it is absent or no sequence."""
    value = raw(dataset, keyword)
    if isinstance(value, Sequence):
        try:
            yield from value
        except DATA_ERRORS:
            return


def is_big_endian(dataset: Dataset) -> bool:
    """Whether the data set (or item) was read from big-endian data, so that its OW values are, too."""
    return dataset.original_encoding[1] is False
