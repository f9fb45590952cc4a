"""What a backup is made of: a copy of the catalogue and the files that this very copy speaks of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.backup.manifest import Heading, Manifest, Member


@dataclass(frozen=True, slots=True)
class Wanted:
    """One catalogued file; ``path`` is relative to the library's root."""

    image_id: str
    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Source:
    """Everything a backup takes.

    Parameters
    ----------
    catalogue
        A finished copy of the database, with no secrets in it.
    relocate
        Returns where an image's file is now, for one that moved after the copy was made (E6).
    """

    root: Path
    catalogue: Path
    settings: bytes
    wanted: Sequence[Wanted]
    heading: Heading
    relocate: Callable[[str], Path | None]
    counts: dict[str, int] = field(default_factory=dict)
    heads: tuple[dict[str, Any], ...] = ()
    heads_mac: str | None = None

    @property
    def bytes(self) -> int:
        """How much there is to write."""
        return self.catalogue.stat().st_size + len(self.settings) + sum(item.bytes for item in self.wanted)


@dataclass(slots=True)
class Written:
    """What has been written so far; becomes the manifest."""

    members: list[Member] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def manifest(self, source: Source) -> Manifest:
        """Return the manifest of what was written."""
        return Manifest(
            source.heading,
            tuple(self.members),
            source.counts,
            source.heads,
            source.heads_mac,
            tuple(self.absent),
            tuple(self.damaged),
        )
