"""What a backup says about itself: when, of which library, and every member with its SHA-256.

Read as untrusted: a manifest decides which members are read at all, so its paths are proven harmless here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from app.core.errors import UserError

FORMAT = 1
CATALOGUE = "bitewing.db"
SETTINGS = "settings.json"
MANIFEST = "manifest.json"
# Folders of a library whose files a backup may hold.
FILE_FOLDERS = ("dental_images", "inbox", "quarantine")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[^\x00-\x1f\\/:*?\"<>|]{1,255}")
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup: its place relative to the library's root, ``/``-separated."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What a backup is, without its members; shown in lists, in clear even where the rest is sealed."""

    library_id: str
    clinic: str
    created_at: datetime
    program: str
    schema: int
    contents: str = "images"
    encrypted: bool = False
    format: int = FORMAT

    def to_fields(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {**asdict(self), "created_at": self.created_at.isoformat()}

    def in_clear(self) -> bytes:
        """Return what stands outside the seal, as ASCII: where there is one, not whose backup it is."""
        clinic = "" if self.encrypted else self.clinic
        return json.dumps({**self.to_fields(), "clinic": clinic}).encode("ascii")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole manifest. ``absent`` and ``damaged`` name what the library itself did not have whole."""

    heading: Heading
    members: tuple[Member, ...]
    counts: dict[str, int] = field(default_factory=dict)
    heads: tuple[dict[str, Any], ...] = ()
    heads_mac: str | None = None
    absent: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    def total_bytes(self) -> int:
        """Return the size of all members."""
        return sum(member.bytes for member in self.members)

    def to_json(self) -> bytes:
        """Return the manifest as it is written."""
        fields = {
            **self.heading.to_fields(),
            "counts": self.counts,
            "audit": {"heads": list(self.heads), "hmac": self.heads_mac},
            "absent": list(self.absent),
            "damaged": list(self.damaged),
            "members": [{"path": m.path, "bytes": m.bytes, "sha256": m.sha256} for m in self.members],
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def parse_heading(fields: Any) -> Heading:
    """Read a heading.

    Raises
    ------
    UserError
        ``backup.damaged`` when it is none; ``backup.newer`` (facts ``format``, ``program``, ``clinic``) when a
        later program wrote it.
    """
    try:
        heading = Heading(
            library_id=_text(fields, "library_id"),
            clinic=_text(fields, "clinic"),
            created_at=datetime.fromisoformat(_text(fields, "created_at")),
            program=_text(fields, "program"),
            schema=_number(fields, "schema"),
            contents=_text(fields, "contents"),
            encrypted=bool(fields["encrypted"]),
            format=_number(fields, "format"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("backup.damaged", member=MANIFEST) from error
    if heading.format > FORMAT:
        raise UserError("backup.newer", program=heading.program, clinic=heading.clinic)
    if heading.created_at.tzinfo is None:
        raise UserError("backup.damaged", member=MANIFEST)
    return heading


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest and prove that every path stays inside a library.

    Raises
    ------
    UserError
        ``backup.damaged``, ``backup.newer`` or ``backup.hostile`` (fact ``member``).
    """
    try:
        fields = json.loads(data)
        heading = parse_heading(fields)
        members = tuple(
            Member(_text(row, "path"), _number(row, "bytes"), _text(row, "sha256")) for row in fields["members"]
        )
        audit = fields.get("audit") or {}
        manifest = Manifest(
            heading,
            members,
            {str(key): int(value) for key, value in fields.get("counts", {}).items()},
            tuple(dict(head) for head in audit.get("heads", ())),
            audit.get("hmac"),
            tuple(str(path) for path in fields.get("absent", ())),
            tuple(str(path) for path in fields.get("damaged", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UserError("backup.damaged", member=MANIFEST) from error
    _require_harmless(members)
    return manifest


def is_harmless(path: str) -> bool:
    """Whether a member's path can only ever name a file that a library keeps."""
    if path in {CATALOGUE, SETTINGS}:
        return True
    parts = path.split("/")
    return (
        1 < len(parts) <= _DEPTH
        and parts[0] in FILE_FOLDERS
        and all(_PART.fullmatch(part) and part not in {".", ".."} and part == part.rstrip(" .") for part in parts)
    )


def _require_harmless(members: Sequence[Member]) -> None:
    seen: set[str] = set()
    for member in members:
        folded = member.path.casefold()
        if not is_harmless(member.path) or folded in seen or member.bytes < 0 or not _SHA256.fullmatch(member.sha256):
            raise UserError("backup.hostile", member=member.path[:200])
        seen.add(folded)
    if CATALOGUE not in seen:
        raise UserError("backup.damaged", member=CATALOGUE)


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def _number(fields: Mapping[str, Any], key: str) -> int:
    value = fields[key]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(key)
    return value
