"""What a cell says when there is no picture: the program's own words for the error."""

from __future__ import annotations

from app.core.errors import BitewingError
from app.words import errors


def explain_plainly(error: BitewingError) -> tuple[str, str]:
    """Return a title and what happened with what to do next."""
    words = errors.words_for(error)
    return words.title, " ".join(part for part in (words.explanation, words.what_to_do) if part)
