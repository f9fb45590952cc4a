"""What the stand-in for Google Drive keeps: files, uploads that go on, and faults it was told to have."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Stored:
    """One file or folder."""

    id: str
    name: str
    created: datetime
    content: bytes = b""
    kind: str = "application/zip"
    properties: dict[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return it as the API does."""
        told = {
            "id": self.id,
            "name": self.name,
            "mimeType": self.kind,
            "createdTime": self.created.isoformat().replace("+00:00", "Z"),
            "appProperties": self.properties,
        }
        if self.kind == "application/zip":
            told |= {
                "size": str(len(self.content)),
                "md5Checksum": hashlib.md5(self.content).hexdigest(),
                "sha256Checksum": hashlib.sha256(self.content).hexdigest(),
            }
        return told


@dataclass
class Session:
    """An upload that goes on."""

    metadata: dict[str, Any]
    size: int
    content: bytearray = field(default_factory=bytearray)
    made: Stored | None = None


@dataclass
class Fault:
    """What is answered instead, ``times`` times, to requests whose method and path match; ``skip`` go by first.

    Status 0 cuts the line. ``after``: a chunk is taken first, and then the answer goes wrong.
    """

    method: str
    path: str
    status: int
    reason: str = ""
    times: int = 1
    skip: int = 0
    after: bool = False
    retry_after: str = ""
