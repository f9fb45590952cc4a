"""What has happened to one tooth by the day of one visit, and where the tooth sits.

Plain values only (no numpy), so that planning a clinic stays cheap; the drawing
modules turn a state into attenuation.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.tooth import is_primary, is_right, is_upper, position


@dataclass(frozen=True)
class ToothState:
    """Condition of one tooth on one day. Lengths in millimetres, fractions 0..1."""

    present: bool = True
    caries: float = 0.0
    site: str = "distal"
    filling: str = ""
    root_filled: bool = False
    crown: str = ""
    implant: bool = False
    apical_mm: float = 0.0
    bone_loss_mm: float = 0.0
    formed: float = 1.0
    sunk_mm: float = 0.0


SOUND = ToothState()


@dataclass(frozen=True)
class ToothPlace:
    """Where a tooth sits: jaw, patient's side, position from the midline."""

    upper: bool
    right: bool
    position: int
    primary: bool

    @property
    def kind(self) -> str:
        """Return incisor, canine, premolar or molar."""
        if self.position <= 2:
            return "incisor"
        if self.position == 3:
            return "canine"
        if self.position <= 5 and not self.primary:
            return "premolar"
        return "molar"


def tooth_place(tooth: str) -> ToothPlace:
    """Return the place of a tooth given by its Universal number or letter."""
    return ToothPlace(is_upper(tooth), is_right(tooth), position(tooth), is_primary(tooth))


def arch(upper: bool, primary: bool = False) -> tuple[str, ...]:
    """Return a jaw's teeth from the patient's right to the left, as a radiograph shows them."""
    if primary:
        return tuple("ABCDEFGHIJ") if upper else tuple("TSRQPONMLK")
    numbers = range(1, 17) if upper else range(32, 16, -1)
    return tuple(str(number) for number in numbers)
