"""Teeth: Universal numbers are what is stored; FDI, Universal or Palmer is what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from app.core.errors import UserError
from app.domain.tooth_codes import BY_UNIVERSAL, universal_from_fdi, universal_from_palmer

GENERAL = "general"
PERMANENT: tuple[str, ...] = tuple(str(number) for number in range(1, 33))
PRIMARY: tuple[str, ...] = tuple("ABCDEFGHIJKLMNOPQRST")
TEETH: tuple[str, ...] = (*PERMANENT, *PRIMARY)
_ORDER = {tooth: index for index, tooth in enumerate((*TEETH, GENERAL))}


class Notation(StrEnum):
    """How teeth are shown."""

    FDI = "fdi"
    UNIVERSAL = "universal"
    PALMER = "palmer"


def parse_tooth(text: str) -> str:
    """Return the Universal number of ``"8"``, ``"A"``, ``"general"``, ``"fdi:11"`` or ``"palmer:UR1"``.

    Raises
    ------
    UserError
        ``tooth.unknown``.
    """
    cleaned = text.strip()
    scheme, separator, value = cleaned.partition(":")
    tooth: str | None
    if separator:
        readers = {"fdi": universal_from_fdi, "palmer": universal_from_palmer}
        reader = readers.get(scheme.lower())
        tooth = reader(value.strip()) if reader else None
        if scheme.lower() == "universal":
            tooth = value.strip().upper()
    elif cleaned.lower() == GENERAL:
        tooth = GENERAL
    else:
        tooth = cleaned.upper().lstrip("0") or None
    if tooth not in _ORDER:
        raise UserError("tooth.unknown", text=text)
    return tooth


def parse_teeth(text: str) -> tuple[str, ...]:
    """Return the ordered set of teeth in a comma-separated list. Raises ``tooth.unknown``."""
    return ordered(parse_tooth(part) for part in text.split(",") if part.strip())


def format_tooth(tooth: str, notation: Notation) -> str:
    """Return the tooth as the clinic shows it; ``general`` stays as it is."""
    if tooth not in BY_UNIVERSAL:
        return tooth
    code = BY_UNIVERSAL[tooth]
    return {
        Notation.FDI: code.fdi,
        Notation.UNIVERSAL: code.universal,
        Notation.PALMER: code.palmer,
    }[notation]


def tooth_order(tooth: str) -> int:
    """Return a sort key: 1–32, A–T, general."""
    return _ORDER.get(tooth, len(_ORDER))


def ordered(teeth: Iterable[str]) -> tuple[str, ...]:
    """Return the teeth without repeats in chart order."""
    return tuple(sorted(set(teeth), key=tooth_order))


def is_primary(tooth: str) -> bool:
    """Whether the tooth is a deciduous one."""
    return tooth in PRIMARY


def is_upper(tooth: str) -> bool:
    """Whether the tooth stands in the maxilla."""
    return BY_UNIVERSAL[tooth].palmer.startswith("U")


def is_right(tooth: str) -> bool:
    """Whether the tooth is on the patient's right."""
    return BY_UNIVERSAL[tooth].palmer[1] == "R"


def position(tooth: str) -> int:
    """Return 1 (central incisor) to 8 (third molar); primary teeth count 1 to 5."""
    return int(BY_UNIVERSAL[tooth].fdi[1])
