"""Teeth of a treatment as the clinic writes them."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.tooth import Notation, format_tooth


def teeth_text(teeth: Sequence[str], notation: Notation) -> str:
    """Return teeth in the clinic's numbers."""
    return ", ".join(format_tooth(tooth, notation) for tooth in teeth)
