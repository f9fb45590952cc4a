"""What a person agreed to in a dialog of safe-keeping; carried out after it has closed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RestoreWish:
    """Which backup to restore. ``foreign``: of another library."""

    path: Path
    password: str | None
    foreign: bool


@dataclass(frozen=True, slots=True)
class PatientWish:
    """Which patient to bring back from which backup."""

    path: Path
    password: str | None
    patient_id: str
