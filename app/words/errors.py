"""What happened, why, and what to do next: the words for every error code.

Engines raise codes and facts only; this is the one place that turns them into sentences. The tables live
in ``error_texts`` by topic; unknown facts leave their place empty rather than failing.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import BitewingError
from app.words import numbers, terms
from app.words.catalogue import is_right_to_left, t
from app.words.error_table import templates_for
from app.words.error_texts.templates import ErrorTemplates

_PLACES = frozenset({"path", "folder", "other"})
_SIZES = frozenset({"has", "needed", "free", "reserve", "limit"})


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """A title of a few words, a sentence that explains, and what to do next (may be empty)."""

    title: str
    explanation: str
    what_to_do: str = ""


class _Facts(dict[str, str]):
    """Facts as people read them; a fact that is missing leaves its place empty."""

    def __missing__(self, key: str) -> str:
        return ""


def describe(code: str, facts: Mapping[str, Any] | None = None) -> ErrorWords:
    """Return the words for a code and its facts."""
    shown = _shown(facts or {})
    found = templates_for(code) or ErrorTemplates(
        t("Something went wrong"), t("An unexpected error occurred ({code})."), t("The log has the details.")
    )
    shown.setdefault("code", code)
    explanation = found.explanation
    if found.briefly and not _places(explanation) <= shown.keys():
        explanation = found.briefly
    return ErrorWords(found.title.format_map(shown), explanation.format_map(shown), found.what_to_do.format_map(shown))


def words_for(error: BaseException) -> ErrorWords:
    """Return the words for an error; anything unexpected gets the general ones."""
    if isinstance(error, BitewingError):
        return describe(error.code, error.facts)
    return describe("program.fault", {"kind": type(error).__name__})


def reason(code: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return one sentence that says why, for lists of results."""
    return describe(code, facts).explanation


def _places(template: str) -> set[str]:
    return {name for _text, name, _form, _kind in string.Formatter().parse(template) if name is not None}


def _from_the_left(path: str) -> str:
    """Return a path that also stands right in a sentence from right to left."""
    return f"\u2066{path}\u2069" if is_right_to_left() else path


def _shown(facts: Mapping[str, Any]) -> _Facts:
    shown = _Facts()
    for name, value in facts.items():
        if value is None:
            continue
        if name in _SIZES and isinstance(value, int) and not isinstance(value, bool):
            shown[name] = numbers.size(value) if value >= 100_000 else f"{value:,}"
        elif name in {"content", "what"}:
            shown["content"] = terms.content(str(value))
        elif name == "cause":
            shown[name] = reason(str(value))
        elif name == "contradictions" and isinstance(value, list | tuple):
            shown[name] = ", ".join(terms.contradiction(str(part)) for part in value)
        elif isinstance(value, list | tuple):
            shown[name] = ", ".join(str(part) for part in value)
        else:
            # A user's text is only ever put into a place, never read as a template.
            shown[name] = _from_the_left(str(value)) if name in _PLACES else str(value)
    return shown
