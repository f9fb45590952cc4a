"""Names of teeth and counts in the clinic's words."""

from __future__ import annotations

from app.domain.tooth import GENERAL, is_primary, is_right, is_upper, position
from app.words import t, tn


def tooth_name(tooth: str) -> str:
    """Return ``upper left first molar`` for a Universal number."""
    if tooth == GENERAL:
        return t("General images")
    kind = _primary_kind(position(tooth)) if is_primary(tooth) else _permanent_kind(position(tooth))
    if is_upper(tooth):
        return t("Upper right {kind}", kind=kind) if is_right(tooth) else t("Upper left {kind}", kind=kind)
    return t("Lower right {kind}", kind=kind) if is_right(tooth) else t("Lower left {kind}", kind=kind)


def _permanent_kind(place: int) -> str:
    return {
        1: t("central incisor"),
        2: t("lateral incisor"),
        3: t("canine"),
        4: t("first premolar"),
        5: t("second premolar"),
        6: t("first molar"),
        7: t("second molar"),
        8: t("third molar"),
    }[place]


def _primary_kind(place: int) -> str:
    return {
        1: t("primary central incisor"),
        2: t("primary lateral incisor"),
        3: t("primary canine"),
        4: t("primary first molar"),
        5: t("primary second molar"),
    }[place]


def count_text(count: int) -> str:
    """Return the number of images in words."""
    return tn("{n} image", "{n} images", count) if count else t("No images")
