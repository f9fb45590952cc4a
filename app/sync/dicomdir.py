"""The files that a DICOMDIR names, resolved inside its own folder only (B22).

Reads Referenced File ID (0004,1500) and nothing else (PS3.3 F.3.2.1); a DICOMDIR is always Explicit or,
from careless writers, Implicit VR Little Endian. What it names is examined like any other file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from app.sync.sources import Found, Problem, refusal

SIZE_LIMIT_BYTES = 256 << 20
_TAG = re.compile(rb"\x04\x00\x00\x15(?:CS(?P<short>..)|(?P<long>..\x00\x00))", re.DOTALL)
# Eight components of eight characters at most (PS3.10 section 8.2); vendors write longer ones.
_ID_LIMIT = 1024
_PART_LIMIT = 32


def referenced_files(dicomdir: Path) -> Iterator[Found]:
    """Yield the files a DICOMDIR refers to, in its order, each once.

    What is missing, is a link or would leave the DICOMDIR's folder is yielded with its problem.
    """
    root = dicomdir.parent.resolve()
    try:
        if dicomdir.stat().st_size > SIZE_LIMIT_BYTES:
            yield Found(dicomdir, 0, 0, Problem("quarantined", "file.too_large"))
            return
        data = dicomdir.read_bytes()
    except OSError as error:
        yield Found(dicomdir, 0, 0, refusal(error))
        return
    seen: set[str] = set()
    for reference in _references(data):
        if reference not in seen:
            seen.add(reference)
            yield _resolve(root, dicomdir, reference)


def _references(data: bytes) -> Iterator[str]:
    for match in _TAG.finditer(data):
        field = match["short"] or match["long"][:2]
        (length,) = struct.unpack("<H", field)
        if 0 < length <= _ID_LIMIT:
            text = data[match.end() : match.end() + length].decode("latin-1").strip(" \x00")
            if text:
                yield text


def _resolve(root: Path, dicomdir: Path, reference: str) -> Found:
    parts = [part.strip() for part in reference.replace("/", "\\").split("\\")]
    shown = dicomdir.parent.joinpath(*(part for part in parts if part not in {"", ".."}))
    safe = 0 < len(parts) <= _PART_LIMIT and all(
        part and part not in {".", ".."} and ":" not in part and "\x00" not in part for part in parts
    )
    if not safe:
        return Found(shown, 0, 0, Problem("skipped", "dicom.outside_folder"))
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root) or _goes_through_link(root, parts):
        return Found(shown, 0, 0, Problem("skipped", "dicom.outside_folder"))
    try:
        status = path.stat()
    except OSError:
        return Found(shown, 0, 0, Problem("failed", "file.missing"))
    return Found(shown, status.st_size, status.st_mtime_ns)


def _goes_through_link(root: Path, parts: list[str]) -> bool:
    current = root
    for part in parts:
        current = current / part
        if current.is_symlink():
            return True
    return False
