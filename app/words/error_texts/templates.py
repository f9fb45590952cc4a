"""What words for an error consist of."""

from __future__ import annotations

from typing import NamedTuple


class ErrorTemplates(NamedTuple):
    """Title, explanation and advice with ``{places}`` for facts; ``briefly`` explains where facts are missing."""

    title: str
    explanation: str
    what_to_do: str = ""
    briefly: str = ""
