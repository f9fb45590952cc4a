"""What every form of backup offers to whoever reads one, and finding out which form a path holds."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from app.backup.manifest import Manifest


class Archive(Protocol):
    """A backup open for reading. Several threads may read members at once."""

    @property
    def manifest(self) -> Manifest:
        """What it holds."""

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open one member that the manifest lists.

        Raises
        ------
        UserError
            ``backup.damaged`` (fact ``member``), while opening or while reading.
        """

    def close(self) -> None:
        """Let go of the file."""


def is_folder_form(target: Path | str) -> bool:
    """Whether a place names a backup folder: it is a directory, or is spelt as one."""
    return str(target).endswith(("/", "\\")) or Path(target).is_dir()
