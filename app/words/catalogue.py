"""The message catalogue: English in the source, gettext files for every other language.

One language at a time for the whole process: a desktop program speaks one language to one person.
"""

from __future__ import annotations

import functools
import gettext
import os
from pathlib import Path
from typing import Any

import resources

DOMAIN = "bitewing"
ENGLISH = "en"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
# Read in this order, as other programs do; ours first.
_VARIABLES = ("BITEWING_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

# As a value: type checkers take sys.platform literally and would skip a branch.
_WINDOWS = os.name == "nt"


def _folder() -> Path:
    return Path(resources.__path__[0]) / "i18n"


@functools.cache
def available_languages() -> tuple[str, ...]:
    """Return the codes of the languages there are words for, English first."""
    found = sorted(path.parent.parent.name for path in _folder().glob(f"*/LC_MESSAGES/{DOMAIN}.mo"))
    return (ENGLISH, *found)


def _from_environment() -> str:
    names = [os.environ.get(variable, "") for variable in _VARIABLES]
    for name in (*names, _system_language()):
        code = name.replace("-", "_").split("_")[0].split(".")[0].lower()
        if code in available_languages():
            return code
        if name:
            break  # The first variable that is set decides, as everywhere.
    return ENGLISH


def _system_language() -> str:
    """Return the language of the Windows account; elsewhere the variables say it all."""
    if not _WINDOWS:
        return ""
    import ctypes
    import locale

    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 - unknown to type checkers elsewhere
    return locale.windows_locale.get(kernel.GetUserDefaultUILanguage(), "")


class _Spoken:
    """The language in use; chosen from the environment when first asked."""

    code: str | None = None
    messages: gettext.NullTranslations = gettext.NullTranslations()


def set_language(code: str) -> None:
    """Speak ``code`` from now on; empty or unknown codes mean the environment's language."""
    chosen = code if code in available_languages() else _from_environment()
    _Spoken.code = chosen
    _Spoken.messages = gettext.translation(DOMAIN, _folder(), [chosen], fallback=True)


def language() -> str:
    """Return the code of the language in use."""
    if _Spoken.code is None:
        set_language("")
    return _Spoken.code or ENGLISH


def is_right_to_left() -> bool:
    """Whether the language in use runs from right to left."""
    return language() in _RIGHT_TO_LEFT


def t(template: str, **values: Any) -> str:
    """Return ``template`` in the language in use, its ``{named}`` places filled.

    Templates are literals in the source, so that they can be collected and never hold user text.
    """
    language()
    translated = _Spoken.messages.gettext(template)
    return translated.format(**values) if values else translated


def tn(one: str, many: str, n: int, **values: Any) -> str:
    """Return the form that ``n`` needs, with ``{n}`` and the other places filled."""
    language()
    return _Spoken.messages.ngettext(one, many, n).format(n=n, **values)
