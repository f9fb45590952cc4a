"""The result of a full examination. A dataclass only: importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.facts import FileFacts


@dataclass(frozen=True, slots=True)
class Examined:
    """What a full decode of a file found, and its thumbnail (JPEG, at most 400 by 400)."""

    facts: FileFacts
    thumbnail_jpeg: bytes | None = None
