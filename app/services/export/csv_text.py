"""Cells of CSV files that no spreadsheet will run as a formula (B29)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, TextIO

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> str:
    """Return a value as text; what a spreadsheet would calculate gets a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_STARTS) else text


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a table as a file that spreadsheets open with its letters right (UTF-8 with its mark)."""
    stream = io.StringIO(newline="")
    write_rows(stream, header, rows)
    return stream.getvalue().encode("utf-8-sig")


def write_rows(stream: TextIO, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table; every cell made safe."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
