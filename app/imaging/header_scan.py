"""Scanning many files: what each is, and for DICOM whose, as fast as the disk gives them.

The fast parser runs here, in the calling process: it is small and checked. Files it does not
recognise go to a fallback, which in the program is the decoding child. Decides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from app.imaging.header import HeaderFacts, MoreBytesNeeded, parse_header
from app.imaging.sniff import HEAD_BYTES, Content, sniff_head

Fallback = Callable[[Path], "HeaderFacts | None"]

_FIRST_READ_BYTES = 8 << 10
_SECOND_READ_BYTES = 1 << 20


class ScannedFile(NamedTuple):
    """One file of a scan; ``header`` is None for anything that is not readable DICOM."""

    content: Content
    size: int
    header: HeaderFacts | None = None


def scan_file(path: str | Path, fallback: Fallback) -> ScannedFile:
    """Say what the file is and, for DICOM, whose.

    ``fallback`` is asked about DICOM files that the fast parser does not recognise and may
    return None for one that is unreadable; its errors pass through.

    Raises
    ------
    OSError
        When the file cannot be opened or read.
    """
    # Plain descriptors: opening a Python file object costs more than parsing the header.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(descriptor, _FIRST_READ_BYTES)
        size = len(data) if len(data) < _FIRST_READ_BYTES else os.fstat(descriptor).st_size
        content = sniff_head(data[:HEAD_BYTES])
        if content is not Content.DICOM and content is not Content.DICOMDIR:
            return ScannedFile(content, size)
        try:
            header = parse_header(data, complete=len(data) >= size)
        except MoreBytesNeeded:
            data += os.read(descriptor, _SECOND_READ_BYTES)
            header = _parse_more(data, size)
    finally:
        os.close(descriptor)
    if header is None:
        header = fallback(Path(path))
    return ScannedFile(content, size, header)


def scan_header(path: str | Path, fallback: Fallback) -> HeaderFacts | None:
    """Return the header of a DICOM file, None for anything else. Raises as :func:`scan_file`."""
    return scan_file(path, fallback).header


def _parse_more(data: bytes, size: int) -> HeaderFacts | None:
    try:
        return parse_header(data, complete=len(data) >= size)
    except MoreBytesNeeded:
        return None
