"""Where things live. The only module that knows names inside a library folder or asks platformdirs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "Bitewing"
LIBRARY_VARIABLE = "BITEWING_LIBRARY"
ROOT_MARKER = ".bitewing-root"


@dataclass(frozen=True, slots=True)
class LibraryPaths:
    """The places inside one library folder; nothing outside it belongs to the library."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite catalogue."""
        return self.root / "bitewing.db"

    @property
    def images(self) -> Path:
        """Filed images: ``{patient uuid}/{tooth}/{type}/{file}``."""
        return self.root / "dental_images"

    @property
    def inbox(self) -> Path:
        """Images that wait for a sure patient: ``{image uuid}/{file}``."""
        return self.root / "inbox"

    @property
    def quarantine(self) -> Path:
        """Files kept aside because they are unreadable or hostile."""
        return self.root / "quarantine"

    @property
    def cache(self) -> Path:
        """What can be made again: thumbnails, previews, unpacked archives."""
        return self.root / "cache"

    @property
    def thumbnails(self) -> Path:
        """Thumbnail files."""
        return self.cache / "thumbnails"

    @property
    def incoming(self) -> Path:
        """Copies in the making, on the same volume as their final place."""
        return self.root / ".incoming"

    @property
    def workstation_toml(self) -> Path:
        """Settings of this workstation."""
        return self.root / "workstation.toml"

    @property
    def received(self) -> Path:
        """What the DICOM listener took and the importer has not seen yet."""
        return self.root / ".received"

    @property
    def outgoing(self) -> Path:
        """DICOM objects made for archives, kept so that a retry sends the same bytes."""
        return self.root / "outgoing"

    @property
    def to_publish(self) -> Path:
        """Copies on their way into public, kept until they are proven to be there."""
        return self.outgoing / "public"

    @property
    def drive(self) -> Path:
        """Archives on their way to Google Drive, kept until they have arrived."""
        return self.root / "drive"

    @property
    def backup_note(self) -> Path:
        """Where the newest backups lie, for when the catalogue cannot say so."""
        return self.root / "backups.json"

    @property
    def marker(self) -> Path:
        """A file whose absence means "the volume is away", never "all images are gone"."""
        return self.root / ROOT_MARKER

    def exists(self) -> bool:
        """Whether a library was made here."""
        return self.database.is_file()

    def has_lost_its_catalogue(self) -> bool:
        """Whether images are here without the catalogue that says whose they are; never a new library."""
        try:
            if self.database.stat().st_size > 0:
                return False
        except FileNotFoundError:
            pass
        except OSError:
            return False
        kept = (self.images, self.inbox, self.quarantine)
        return self.marker.exists() and any(files for folder in kept for _path, _folders, files in os.walk(folder))

    def make(self) -> None:
        """Make the folders, for the owner's eyes only where the system knows such a thing."""
        for folder in (
            self.root,
            self.images,
            self.inbox,
            self.quarantine,
            self.cache,
            self.thumbnails,
            self.incoming,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.marker.touch()

    def inside(self, relative: str) -> Path:
        """Resolve a stored, ``/``-separated path and prove that it stays inside the library.

        Raises
        ------
        ValueError
            When the path would leave the library.
        """
        root = os.path.realpath(self.root)
        path = _plainly_below(root, relative)
        if path is None:
            path = Path(os.path.realpath(Path(root) / relative))
            if not path.is_relative_to(root):
                raise ValueError("path leaves the library")
        return path


def _plainly_below(root: str, relative: str) -> Path | None:
    """Join a path whose steps all lead down and are no links; ``None`` where that has to be looked at closely.

    A quarter of what resolving takes, and asked for each image that is sent.
    """
    steps = relative.split("/")
    # What the system cannot write as a name, or only in its own way, is for resolving to refuse.
    if os.name != "posix" or "\0" in relative or not relative.isascii() or not {"", ".", ".."}.isdisjoint(steps):
        return None
    path = root.rstrip("/")
    for step in steps:
        path = f"{path}/{step}"
        if os.path.islink(path):  # noqa: PTH114 - as a Path each step takes longer than the question
            return None
    return Path(path)


def default_library() -> Path:
    """Return the library to use when none is named: the environment's, else the platform's."""
    named = os.environ.get(LIBRARY_VARIABLE)
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False)) / "library"


def log_directory() -> Path:
    """Return the folder of the program's technical logs."""
    return Path(platformdirs.user_log_dir(APP_NAME, appauthor=False))


def state_directory() -> Path:
    """Return the folder for window geometry and the like: what was learned, not what was chosen."""
    return Path(platformdirs.user_state_dir(APP_NAME, appauthor=False))
