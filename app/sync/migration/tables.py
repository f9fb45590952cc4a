"""The lists beside a legacy tree, whatever they are kept in: CSV, SQLite or JSON, as tables of texts.

Untrusted and read only (B29): databases are opened immutable, sizes are capped, nothing is evaluated.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

from app.core.errors import UserError
from app.sync.patient_csv import decode_list

log = logging.getLogger(__name__)

LIST_SUFFIXES = frozenset({".csv", ".json", ".db", ".sqlite", ".sqlite3"})
_MOST_BYTES = 512 << 20
_MOST_ROWS = 2_000_000
_MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Table:
    """One list: its name, where it comes from, and its rows as texts by column."""

    name: str
    source: str
    rows: list[dict[str, str]]


def tables_of(root: Path) -> Iterator[Table]:
    """Yield every list that lies directly in ``root``, by name.

    Raises
    ------
    UserError
        ``migrate.unreadable_list`` (facts ``name``) for one that cannot be read as what it seems to be.
    """
    for path in sorted(root.iterdir()):
        if path.suffix.casefold() not in LIST_SUFFIXES or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_size > _MOST_BYTES:
            raise UserError("migrate.unreadable_list", name=path.name)
        try:
            yield from _READERS[path.suffix.casefold()](path)
        except (OSError, ValueError, sqlite3.Error, csv.Error, RecursionError) as error:
            raise UserError("migrate.unreadable_list", name=path.name) from error


def _csv(path: Path) -> Iterator[Table]:
    text = decode_list(path.read_bytes()).text
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max((",", ";", "\t", "|"), key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    yield Table(path.stem, path.name, _texts(reader))


def _json(path: Path) -> Iterator[Table]:
    """Read ``{"patients": [...], …}``, or a list that is a table by itself."""
    content = json.loads(path.read_text("utf-8-sig"))
    tables = content if isinstance(content, dict) else {path.stem: content}
    for name, rows in tables.items():
        if isinstance(rows, dict):
            # Rows by their id.
            rows = [{"id": key, **row} for key, row in rows.items() if isinstance(row, dict)]
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            yield Table(str(name), path.name, _texts(rows))


def _sqlite(path: Path) -> Iterator[Table]:
    # Immutable: not even a lock or a journal is made beside it.
    uri = f"file:{pathname2url(str(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        database.row_factory = sqlite3.Row
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in sorted(names):
            if name.startswith("sqlite_"):
                continue
            quoted = name.replace('"', '""')
            cursor = database.execute(f'SELECT * FROM "{quoted}" LIMIT {_MOST_ROWS + 1}')  # noqa: S608 - quoted
            yield Table(name, path.name, _texts(dict(row) for row in cursor))


_READERS = {".csv": _csv, ".json": _json, ".db": _sqlite, ".sqlite": _sqlite, ".sqlite3": _sqlite}


def _texts(rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for row in rows:
        if len(found) >= _MOST_ROWS or len(row) > _MOST_COLUMNS:
            raise ValueError("too large")
        found.append({str(key): _text(value) for key, value in row.items() if key is not None})
    return found


def _text(value: Any) -> str:
    if value is None or isinstance(value, bytes):
        return ""
    if isinstance(value, list | tuple):
        return ",".join(_text(item) for item in value)
    return str(value).strip()
