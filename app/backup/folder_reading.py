"""Reading one snapshot of a backup folder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.backup.folder_layout import HEADING, FolderLayout
from app.backup.manifest import CATALOGUE, MANIFEST, SETTINGS, Heading, Manifest, parse_heading, parse_manifest
from app.backup.sealing import Seal, open_key_file
from app.core.errors import UserError
from app.core.files import translate_os_error

_IN_SNAPSHOT = (CATALOGUE, SETTINGS, MANIFEST)


def is_snapshot(path: Path) -> bool:
    """Whether a path is a snapshot of a backup folder."""
    return path.is_dir() and (path / HEADING).is_file()


def snapshots_of(folder: Path) -> list[Path]:
    """Return the snapshots of a backup folder, newest first by name."""
    place = FolderLayout(folder).snapshots
    try:
        return sorted((path for path in place.glob("[!.]*") if is_snapshot(path)), reverse=True)
    except OSError:
        # A place that is away, or may not be looked at, holds none now.
        return []


def read_snapshot_heading(snapshot: Path) -> Heading | None:
    """Return what a snapshot says of itself in clear; ``None`` when it cannot be read."""
    try:
        return parse_heading(json.loads((snapshot / HEADING).read_text("ascii")))
    except (OSError, ValueError, UserError):
        return None


class FolderArchive:
    """A snapshot open for reading. Any thread."""

    def __init__(self, snapshot: Path, password: str | None = None) -> None:
        """Open a snapshot.

        Raises
        ------
        UserError
            ``backup.damaged``, ``backup.hostile``, ``backup.newer``, ``backup.password_needed``,
            ``backup.wrong_password``.
        """
        self._snapshot = snapshot
        plain = FolderLayout(snapshot.parent.parent)
        seal = open_key_file(plain.key_file, password) if plain.key_file.exists() else None
        self._layout = FolderLayout(plain.root, seal)
        with self._reading(MANIFEST), self._opened(snapshot / MANIFEST, MANIFEST) as reader:
            self._manifest = parse_manifest(reader.read())
        self._hashes = {member.path: member.sha256 for member in self._manifest.members}

    @property
    def manifest(self) -> Manifest:
        """What it holds."""
        return self._manifest

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open one member. Raises ``backup.damaged``."""
        with self._reading(path):
            if path in _IN_SNAPSHOT:
                place, name = self._snapshot / path, path
            else:
                name = self._hashes[path]
                place = self._layout.object(name)
            if place.is_symlink():
                raise UserError("backup.hostile", member=path)
            with self._opened(place, name) as reader:
                yield reader

    def close(self) -> None:
        """Nothing is held between members."""

    @contextmanager
    def _opened(self, place: Path, name: str) -> Iterator[BinaryIO]:
        with place.open("rb") as reader:
            yield reader if self._layout.seal is None else io.BufferedReader(_Unsealed(self._layout.seal, reader, name))

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, KeyError) as error:
            raise UserError("backup.damaged", member=path) from error
        except OSError as error:
            raise translate_os_error(error, path=str(self._snapshot)) from error


class _Unsealed(io.RawIOBase):
    """A sealed file as a stream of what is in it."""

    def __init__(self, seal: Seal, reader: BinaryIO, name: str) -> None:
        self._chunks = seal.chunks(reader, name)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = next(self._chunks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
