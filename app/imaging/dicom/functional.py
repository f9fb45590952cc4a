"""Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16): per frame first, then shared.

Finds a macro's item; reads no values.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from app.imaging.dicom.guard import DATA_ERRORS
from app.imaging.dicom.values import items, raw


def macro(dataset: Dataset, index: int, keyword: str) -> Dataset | None:
    """The first item of a functional group macro for a frame, or ``None``."""
    if "SharedFunctionalGroupsSequence" not in dataset and "PerFrameFunctionalGroupsSequence" not in dataset:
        return None
    for group in (_per_frame(dataset, index), next(items(dataset, "SharedFunctionalGroupsSequence"), None)):
        if group is not None:
            found = next(items(group, keyword), None)
            if found is not None:
                return found
    return None


def _per_frame(dataset: Dataset, index: int) -> Dataset | None:
    groups = raw(dataset, "PerFrameFunctionalGroupsSequence")
    try:
        return groups[index] if groups is not None and index < len(groups) else None
    except DATA_ERRORS:
        return None
