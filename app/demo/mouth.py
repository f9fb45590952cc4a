"""One person's mouth on one day: which teeth stand where and in what condition.

Plain values only (no numpy); the plan makes it, the scenes draw it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.demo.tooth_state import SOUND, ToothState, arch


@dataclass(frozen=True)
class Mouth:
    """What stands in both jaws, from the patient's right to the left.

    person : stable key that fixes the anatomy. germs : (unerupted tooth, tooth it lies under).
    """

    person: str
    age: float
    upper: tuple[str, ...] = field(default_factory=lambda: arch(upper=True))
    lower: tuple[str, ...] = field(default_factory=lambda: arch(upper=False))
    germs: tuple[tuple[str, str], ...] = ()
    states: Mapping[str, ToothState] = field(default_factory=dict)

    def state(self, tooth: str) -> ToothState:
        """Return the tooth's condition; sound when nothing was ever done to it."""
        return self.states.get(tooth, SOUND)

    def row(self, *, upper: bool) -> tuple[str, ...]:
        """Return one jaw's teeth in order."""
        return self.upper if upper else self.lower
