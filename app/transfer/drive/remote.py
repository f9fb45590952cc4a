"""A file on Google Drive as the API describes it, and whether it is what was sent."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.core.errors import EnvironmentFault

FIELDS = "id,name,size,createdTime,md5Checksum,sha256Checksum,appProperties,parents,trashed"
FOLDER_TYPE = "application/vnd.google-apps.folder"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file. ``created_at`` is by Google's clock; ``properties`` are what its maker wrote to it.

    ``trashed``: it, or a folder it lies in, is in the bin.
    """

    id: str
    name: str
    size: int
    created_at: datetime
    sha256: str = ""
    md5: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    trashed: bool = False

    def is_whole(self, size: int, sha256: str, md5: str) -> bool:
        """Whether Google has what was sent: by SHA-256 or, where it tells none, by MD5; unknown is no."""
        if self.size != size:
            return False
        told, sent = (self.sha256, sha256) if self.sha256 else (self.md5, md5)
        return bool(told) and hmac.compare_digest(told.lower().encode(), sent.lower().encode())


def parse_file(told: Mapping[str, Any]) -> RemoteFile:
    """Read what the API says of a file. Raises ``drive.not_drive``."""
    try:
        properties = told.get("appProperties") or {}
        return RemoteFile(
            id=str(told["id"]),
            name=str(told.get("name", "")),
            size=int(told.get("size", 0)),
            created_at=_moment(str(told["createdTime"])),
            sha256=str(told.get("sha256Checksum") or ""),
            md5=str(told.get("md5Checksum") or ""),
            properties={str(key): str(value) for key, value in properties.items()},
            parents=tuple(str(parent) for parent in told.get("parents") or ()),
            trashed=told.get("trashed") is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EnvironmentFault("drive.not_drive") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
