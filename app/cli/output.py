"""Printing: one JSON document or lines for people on standard output, failures on standard error."""

from __future__ import annotations

import dataclasses
import enum
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from app.core.errors import BitewingError
from app.core.files import translate_os_error
from app.words import errors as error_words

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
# These turn text around, so that one name looks like another.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_SURROGATES = re.compile("[\ud800-\udfff]")


class UndeliveredError(Exception):
    """Standard output takes nothing (more); ``code`` says why, ``None`` if its reader just went away."""

    def __init__(self, code: str | None) -> None:
        super().__init__(code)
        self.code = code


def emit(document: Any) -> None:
    """Print the one JSON document."""
    text = json.dumps(plain(document), ensure_ascii=False)
    # Bytes of file names that are no UTF-8: JSON has no place for halves of characters, so they become text.
    _print(_SURROGATES.sub(lambda found: f"\\\\u{ord(found[0]):04x}", text))


def say(line: str) -> None:
    """Print a line for people."""
    _print(safe(line))


def fail(name: str, code: str, facts: Mapping[str, Any] | None = None) -> None:
    """Print ``name: reason`` on standard error."""
    complain(f"{name}: {error_words.reason(code, facts)}")


def complain(line: str) -> None:
    """Print a line on standard error; where that takes none, nobody can be told."""
    try:
        click.echo(safe(line), err=True)
    except OSError:
        silence(sys.stderr)


def _print(text: str) -> None:
    if sys.stdout is None:
        raise UndeliveredError("disk.failed")
    try:
        click.echo(text)
    except BrokenPipeError as error:
        raise UndeliveredError(None) from error
    except OSError as error:
        raise UndeliveredError(translate_os_error(error).code) from error


def silence(stream: TextIO | None) -> None:
    """Let a stream's unwritten rest go nowhere: Python would complain about it at exit."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def safe(text: str) -> str:
    """Return one line without what could command a terminal: names of files and patients come from anywhere."""
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _CONTROLS or character in _OVERRIDES
        else character
        for character in text
    )


def refusal(code: str, facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return code and translated reason, as every JSON document has them."""
    return {"code": code, "reason": error_words.reason(code, facts)}


def nothing_refused() -> dict[str, Any]:
    """Return the same two keys where there is nothing to say."""
    return {"code": None, "reason": None}


def name_of(error: BitewingError, otherwise: str) -> str:
    """Return what a failure is about: the file or the text that was typed, else ``otherwise``."""
    for fact in ("name", "path", "text", "key"):
        value = error.facts.get(fact)
        if value:
            return str(value)
    return otherwise


def plain(value: Any) -> Any:
    """Turn a value into what JSON can hold; times as ISO 8601 in UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def known(text: str | None) -> str | None:
    """Return ``None`` for an empty text: unknown values are ``null``."""
    return text or None


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows in columns."""
    texts = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    for row in texts:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value) or "–"
    return safe(str(plain(value)))


def use_utf8() -> None:
    """Let both streams take any letter, whatever the system's encoding; odd file names are escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
