"""Collects the texts of the program, keeps the catalogues up to date and compiles them. For developers.

``translations.py`` updates every ``.po`` from the source and compiles ``.mo``; ``--missing`` lists what
still wants translating; ``--check`` changes nothing and fails when anything is not as it should be.
Needs Babel; the program itself reads ``.mo`` files with the standard library alone.
"""

from __future__ import annotations

import argparse
import ast
import io
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "app"
CATALOGUES = ROOT / "resources" / "i18n"
DOMAIN = "bitewing"
# Catalogues carry no date of their making, so that the same texts give the same files.
_UNDATED = datetime(2026, 1, 1, tzinfo=UTC)

Key = str | tuple[str, str]


@dataclass(frozen=True)
class Found:
    """Texts of the source, and calls whose text is not a literal and could never be translated."""

    keys: frozenset[Key]
    problems: tuple[str, ...]


def collect(folder: Path) -> Found:
    """Read every ``t("…")`` and ``tn("…", "…", n)`` below ``folder``."""
    keys: set[Key] = set()
    problems: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for call, wanted in _calls(tree):
            literals = [
                argument.value
                for argument in call.args[:wanted]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            ]
            if len(literals) < wanted:
                problems.append(f"{path.name}:{call.lineno}: not a literal text")
            else:
                keys.add(literals[0] if wanted == 1 else (literals[0], literals[1]))
    return Found(frozenset(keys), tuple(problems))


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, int]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in {"t", "tn"}:
            yield node, 1 if name == "t" else 2


def read(path: Path) -> Catalog:
    """Read a ``.po`` file; a missing one is an empty catalogue."""
    language = path.parent.parent.name
    if not path.exists():
        return _empty(language)
    with path.open("rb") as stream:
        return read_po(stream, locale=language, domain=DOMAIN)


def _empty(language: str) -> Catalog:
    return Catalog(
        locale=language,
        domain=DOMAIN,
        project="Bitewing",
        header_comment="# Words of Bitewing.",
        creation_date=_UNDATED,
        revision_date=_UNDATED,
        last_translator="Bitewing",
        language_team="Bitewing",
        fuzzy=False,
    )


def updated(catalogue: Catalog, keys: frozenset[Key]) -> Catalog:
    """Return a catalogue of exactly ``keys``, with the translations that ``catalogue`` has."""
    fresh = _empty(str(catalogue.locale))
    # The head names the plural forms: it is written by hand once and then kept.
    fresh.mime_headers = catalogue.mime_headers
    for key in sorted(keys, key=lambda item: item if isinstance(item, str) else item[0]):
        known = _message(catalogue, key)
        fresh.add(key, known.string if known is not None else None)
    return fresh


def _message(catalogue: Catalog, key: Key) -> Message | None:
    found = catalogue.get(key if isinstance(key, str) else key[0])
    return found if found is not None and found.id == key and not found.fuzzy else None


def faults(catalogue: Catalog, keys: frozenset[Key]) -> list[str]:
    """Return what is wrong: untranslated texts, places that differ, texts that no longer exist."""
    wrong = []
    for key in sorted(keys, key=str):
        message = _message(catalogue, key)
        forms = _forms(message)
        if not forms or not all(forms):
            wrong.append(f"not translated: {key!r}")
            continue
        wanted = _places(key if isinstance(key, str) else key[1])
        for form in forms:
            # "one image" and "two images" need no number in Arabic.
            difference = _places(form) ^ wanted
            if difference - (set() if isinstance(key, str) else {"n"}):
                wrong.append(f"places differ: {key!r}")
                break
    known = {message.id for message in catalogue if message.id}
    wrong += [f"no longer used: {key!r}" for key in sorted(known - keys, key=str)]
    return wrong


def _forms(message: Message | None) -> list[str]:
    if message is None or not message.string:
        return []
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _places(template: str) -> set[str]:
    return {name for _text, name, _form, _kind in string.Formatter().parse(template) if name is not None}


def compiled(catalogue: Catalog) -> bytes:
    """Return the ``.mo`` file's bytes."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def check(folder: Path, keys: frozenset[Key]) -> list[str]:
    """Return what is wrong with every catalogue below ``folder``."""
    wrong = []
    for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        catalogue, binary = read(path), path.with_suffix(".mo")
        language = path.parent.parent.name
        wrong += [f"{language}: {fault}" for fault in faults(catalogue, keys)]
        if not binary.exists() or binary.read_bytes() != compiled(catalogue):
            wrong.append(f"{language}: {binary.name} is not compiled from {path.name}")
    return wrong


def update(folder: Path, keys: frozenset[Key]) -> None:
    """Bring every ``.po`` below ``folder`` up to date and compile it."""
    for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        catalogue = updated(read(path), keys)
        with path.open("wb") as stream:
            write_po(stream, catalogue, width=0, sort_output=True, no_location=True)
        path.with_suffix(".mo").write_bytes(compiled(read(path)))


def main(arguments: list[str]) -> int:
    """Update, list or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, fail when something is wrong")
    parser.add_argument("--missing", action="store_true", help="list what is not translated")
    options = parser.parse_args(arguments)
    found = collect(SOURCE)
    if not (options.check or options.missing):
        update(CATALOGUES, found.keys)
    wrong = [*found.problems, *check(CATALOGUES, found.keys)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
