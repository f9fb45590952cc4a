"""Where things lie in a backup folder: contents by their hash, and one snapshot per backup."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.backup.sealing import KEY_FILE, Seal, sealed_size

HEADING = "heading.json"
LOCK = ".bitewing-backup.lock"
PART = ".part"


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """The places inside one backup folder; names of contents depend on its seal."""

    root: Path
    seal: Seal | None = None

    @property
    def objects(self) -> Path:
        """Contents: ``objects/aa/{name}``."""
        return self.root / "objects"

    @property
    def snapshots(self) -> Path:
        """One folder per backup."""
        return self.root / "snapshots"

    @property
    def key_file(self) -> Path:
        """Salt and cost of the password; there where the folder is sealed."""
        return self.root / KEY_FILE

    @property
    def lock(self) -> Path:
        """Held by whoever writes or removes."""
        return self.root / LOCK

    def object(self, sha256: str) -> Path:
        """Return where content with this SHA-256 lies."""
        name = sha256 if self.seal is None else self.seal.object_name(sha256)
        return self.objects / name[:2] / name

    def stored_size(self, size: int) -> int:
        """Return how large content of ``size`` bytes is here."""
        return size if self.seal is None else sealed_size(size)

    def snapshot_name(self, moment: datetime, token: str) -> str:
        """Return the name of a snapshot; sorts by time."""
        return f"{moment:%Y%m%dT%H%M%SZ}-{token[:8]}"

    def sizes(self) -> dict[str, int]:
        """Return the size of every content by name: one listing instead of a question per file."""
        found: dict[str, int] = {}
        for shard in _entries(self.objects):
            if shard.is_dir(follow_symlinks=False):
                for entry in _entries(Path(shard.path)):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_size
        return found


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return
