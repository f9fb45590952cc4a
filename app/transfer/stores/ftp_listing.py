"""Reads the listings of FTP servers: MLSD (RFC 3659), and LIST as Unix and Windows servers write it.

LIST has no standard; its times have no year or no zone and are not used (RELIABILITY E31).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_UNIX = re.compile(
    rb"(?P<kind>[-dlbcps])[-rwxsStTlL]{9}[+.@]?\s+\d+\s+\S+\s+\S+\s+(?P<size>\d+)\s+"
    rb"(?:\w{3}\s+\d{1,2}\s+[\d:]{4,5}|\d{4}-\d\d-\d\d \d\d:\d\d)\s(?P<name>.+)"
)
_WINDOWS = re.compile(rb"\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?\s+(?:(?P<folder><DIR>)|(?P<size>\d+))\s+(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One file or folder of a listing; links and devices are left out."""

    name: bytes
    size: int
    is_folder: bool
    modified: datetime | None = None


def read_mlsd(listing: bytes) -> Iterator[Line]:
    """Yield what an answer to MLSD tells."""
    for line in _lines(listing):
        facts_text, space, name = line.partition(b" ")
        if not space:
            continue
        facts = dict(_fact(part) for part in facts_text.rstrip(b";").split(b";"))
        kind = facts.get("type", "").lower()
        if kind in {"file", "dir"}:
            size = facts.get("size", "")
            yield Line(name, int(size) if size.isdecimal() else 0, kind == "dir", read_time(facts.get("modify", "")))


def read_list(listing: bytes) -> Iterator[Line]:
    """Yield what an answer to LIST tells; lines of no known form ("total 8") are left out."""
    for line in _lines(listing):
        if match := _UNIX.fullmatch(line):
            if match["kind"] in {b"-", b"d"}:
                yield from _kept(Line(match["name"], int(match["size"]), match["kind"] == b"d"))
        elif match := _WINDOWS.fullmatch(line):
            yield from _kept(Line(match["name"], int(match["size"] or 0), match["folder"] is not None))


def read_time(text: str) -> datetime | None:
    """Read a time of MDTM or MLSD: UTC by RFC 3659, ``YYYYMMDDHHMMSS[.fraction]``."""
    try:
        return datetime.strptime(text.strip().partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _lines(listing: bytes) -> Iterator[bytes]:
    # Not splitlines(): a name may hold what Python takes for the end of a line.
    for line in listing.split(b"\n"):
        if stripped := line.removesuffix(b"\r"):
            yield stripped


def _kept(line: Line) -> Iterator[Line]:
    if line.name not in {b".", b".."}:
        yield line


def _fact(part: bytes) -> tuple[str, str]:
    key, _, value = part.decode("ascii", "replace").partition("=")
    return key.lower(), value
