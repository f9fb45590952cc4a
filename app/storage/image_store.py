"""The bytes of a library: copied in complete or not at all, moved without replacing, found again.

Knows files only; rows and intents are its callers'. The order of steps is what keeps a crash harmless
(ARCHITECTURE, "The way of one image").
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import EnvironmentFault
from app.core.files import claim, copy_durably, fsync_directory, make_directories, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord
from app.storage.owner import Owner

log = logging.getLogger(__name__)

PART = ".part"
_NAME = re.compile(r"(?P<stem>.*-)(?P<number>\d+)(?P<suffix>\.[a-z0-9]+)")
_CLASHES = 100_000
_VANISHED_FOLDERS = 20
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EXDEV, errno.EACCES})


@dataclass(frozen=True, slots=True)
class Staged:
    """A complete, verified copy in ``.incoming``."""

    path: Path
    sha256: str
    size_bytes: int


class ImageStore:
    """The files of one library. Any thread."""

    def __init__(self, paths: LibraryPaths, owner: Owner) -> None:
        self._paths = paths
        self._owner = owner

    @property
    def paths(self) -> LibraryPaths:
        """The library's places."""
        return self._paths

    def path_of(self, record: ImageRecord) -> Path:
        """Return the recorded place of an image's file. Raises ValueError for one outside the library."""
        return self._paths.inside(record.path)

    def work_folder(self) -> Path:
        """Return a new private folder in ``.incoming``; it is cleared when this process is gone.

        Raises
        ------
        EnvironmentFault
            ``disk.full`` and its kin.
        """
        folder = self._incoming(f"{uuid.uuid4().hex}.work")
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise translate_os_error(error) from error
        return folder

    def stage(self, source: Path, expected_sha256: str, on_block: Callable[[int], None] | None = None) -> Staged:
        """Copy a file into ``.incoming``, fsync it and read it back.

        Parameters
        ----------
        on_block
            Gets the length of each block; may raise to stop, which removes the copy.

        Raises
        ------
        EnvironmentFault
            ``file.changed`` when the bytes are not the expected ones (facts ``expected``, ``found``);
            ``file.missing``, ``file.permission``, ``file.unreadable``; ``disk.full`` and its kin. Nothing is
            left behind then.
        """
        target = self._incoming(f"{uuid.uuid4().hex}{PART}")
        digest = copy_durably(source, target, on_block)
        try:
            size = target.stat().st_size
        except OSError as error:
            raise translate_os_error(error) from error
        if digest != expected_sha256:
            target.unlink(missing_ok=True)
            raise EnvironmentFault("file.changed", expected=expected_sha256, found=digest)
        return Staged(target, digest, size)

    def discard(self, staged: Staged) -> None:
        """Remove a copy that was not claimed."""
        _remove(staged.path)

    def claim(
        self, staged: Staged, directory: str, filename: str, announce: Callable[[str], None] | None = None
    ) -> str:
        """Give a staged copy its final name, durably, never replacing a file; return the name it got.

        A name that is taken is counted up by a millisecond.

        Parameters
        ----------
        announce
            Called with each further name before it is tried, so that an intent always names the file that
            may have come into being.
        """
        return self._take_name(directory, filename, announce, lambda final: claim(staged.path, final))

    def link(
        self, record: ImageRecord, directory: str, filename: str, announce: Callable[[str], None] | None = None
    ) -> str:
        """Let an image's file also stand in another directory; return the name it got there.

        Raises
        ------
        EnvironmentFault
            ``file.missing`` when there is no such file.
        """
        old = self.path_of(record)
        if not old.is_file():
            raise EnvironmentFault("file.missing", id=record.id)

        staged: Staged | None = None

        def link_or_copy(final: Path) -> None:
            nonlocal staged
            if staged is None and not _link(old, final):
                staged = self.stage(old, record.sha256)
            if staged is not None:
                claim(staged.path, final)

        try:
            return self._take_name(directory, filename, announce, link_or_copy)
        finally:
            if staged is not None:
                self.discard(staged)

    def bring_back(self, record: ImageRecord, source: Path) -> None:
        """Copy an image's file, lost here, from ``source`` to its place. Raises as :meth:`stage`, or OSError."""
        staged = self.stage(source, record.sha256)
        try:
            final = self.path_of(record)
            final.parent.mkdir(parents=True, exist_ok=True)
            claim(staged.path, final)
        finally:
            self.discard(staged)

    def remove(self, relative: str) -> None:
        """Remove a file and the directories that it leaves empty; a missing file is fine."""
        path = self._paths.inside(relative)
        if _remove(path):
            with contextlib.suppress(OSError):
                fsync_directory(path.parent)
        self.remove_emptied(path.parent)

    def remove_emptied(self, folder: Path) -> None:
        """Remove a folder and its parents below the library's own, as far as they are empty."""
        kept = {self._paths.root, self._paths.images, self._paths.inbox, self._paths.quarantine}
        while folder not in kept and folder.is_relative_to(self._paths.root):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def files_on_disk(self) -> Iterator[str]:
        """Yield the relative paths of all files in images, inbox and quarantine.

        Links are not followed; a folder that cannot be read is left out and logged.
        """
        for folder in (self._paths.images, self._paths.inbox, self._paths.quarantine):
            yield from self._walk(folder)

    def _walk(self, folder: Path) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("a folder of the library cannot be read: %s", type(error).__name__)
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            else:
                yield Path(entry.path).relative_to(self._paths.root).as_posix()

    def _incoming(self, name: str) -> Path:
        try:
            token = self._owner.token()
            self._paths.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise translate_os_error(error) from error
        return self._paths.incoming / f"{token}-{name}"

    def _take_name(
        self, directory: str, filename: str, announce: Callable[[str], None] | None, take: Callable[[Path], None]
    ) -> str:
        folder = self._paths.inside(directory)
        name, vanished = filename, 0
        for _attempt in range(_CLASHES):
            try:
                make_directories(folder, self._paths.root)
                take(folder / name)
            except FileExistsError:
                name = next_name(name)
                if announce is not None:
                    announce(name)
            except FileNotFoundError as error:
                # Somebody tidied the folder away between making and using it.
                vanished += 1
                if vanished > _VANISHED_FOLDERS:
                    raise translate_os_error(error) from error
            except OSError as error:
                raise translate_os_error(error) from error
            else:
                return name
        raise EnvironmentFault("disk.failed")


def next_name(filename: str) -> str:
    """Return the name one millisecond later: ``image-17.png`` becomes ``image-18.png``."""
    match = _NAME.fullmatch(filename)
    if match is None:
        stem, dot, suffix = filename.rpartition(".")
        return f"{stem}-1.{suffix}" if dot and stem else f"{filename}-1"
    return f"{match['stem']}{int(match['number']) + 1}{match['suffix']}"


def _link(old: Path, final: Path) -> bool:
    """Let a file also stand under another name, durably; ``False`` where the file system knows no links."""
    try:
        os.link(old, final, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    try:
        fsync_directory(final.parent)
    except OSError:
        # A name that may not survive a power cut was not given.
        final.unlink(missing_ok=True)
        raise
    return True


def _remove(path: Path) -> bool:
    """Remove a file; whether it is gone. What cannot be removed now is left for the next start."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        log.warning("a file could not be removed yet")
        return False
    return True
