"""Folding text so that search and comparison do not see accents, case or Arabic letter variants.

NFKD, combining marks and tatweel dropped, hamza carriers to alef, alef maksura to yeh, teh marbuta to
heh, any script's digits to ASCII, case folded (ARCHITECTURE, "Search").
"""

from __future__ import annotations

import re
import unicodedata

_ARABIC = str.maketrans(
    {
        "\u0622": "\u0627",
        "\u0623": "\u0627",
        "\u0625": "\u0627",
        "\u0671": "\u0627",
        "\u0649": "\u064a",
        "\u06cc": "\u064a",
        "\u06a9": "\u0643",
        "\u0629": "\u0647",
        "\u0624": "\u0648",
        "\u0626": "\u064a",
        "\u0640": None,
    }
)
_WORDS = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return ``text`` folded, white space collapsed."""
    if text.isascii() and text.isprintable():
        # Most of what is compared; nothing but capitals and spaces to be done.
        return " ".join(text.lower().split())
    translated = unicodedata.normalize("NFC", text).translate(_ARABIC)
    kept = []
    for character in unicodedata.normalize("NFKD", translated):
        if unicodedata.combining(character):
            continue
        if character.isdecimal():
            kept.append(str(unicodedata.decimal(character)))
        elif unicodedata.category(character) not in {"Cf", "Cc"} or character.isspace():
            kept.append(character)
    return " ".join("".join(kept).translate(_ARABIC).casefold().split())


def fold_tokens(text: str) -> list[str]:
    """Return the folded words and numbers of ``text`` in order."""
    return _WORDS.findall(fold(text))
