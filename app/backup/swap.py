"""Putting a restored library in the place of the present one: at every moment the whole old or the whole new.

On Linux the two folders change places in one call. Elsewhere two renames do it, with a note beside the library
by which the next start finishes what was begun. A folder in the making carries a mark, so that a present
library that was pushed aside is never taken for leftovers.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import logging
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from app.core.files import fsync_directory, write_atomically

log = logging.getLogger(__name__)

MAKING = ".bitewing-restoring"
_UNNAMED = ".unnamed"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})


def staging_folder(root: Path, moment: datetime) -> Path:
    """Return where a library is made that will take the place of ``root``: beside it, on the same volume."""
    return root.with_name(f"{root.name}.restoring-{moment:%Y%m%dT%H%M%S%fZ}")


def kept_folder(root: Path, moment: datetime) -> Path:
    """Return where the present library is kept."""
    return root.with_name(f"{root.name}.before-restore-{moment:%Y%m%dT%H%M%S%fZ}")


def make_staging(staging: Path) -> None:
    """Make the folder, marked as being made from the moment it has its name."""
    unnamed = _unnamed(staging)
    unnamed.mkdir(mode=0o700)
    (unnamed / MAKING).touch()
    fsync_directory(unnamed)
    unnamed.rename(staging)
    fsync_directory(staging.parent)


def remove_staging(staging: Path) -> None:
    """Remove a folder in the making; cut off half way, what is left of it is never taken for a library."""
    unnamed = _unnamed(staging)
    with contextlib.suppress(OSError):
        staging.rename(unnamed)
        shutil.rmtree(unnamed, ignore_errors=True)


def is_in_the_making(staging: Path) -> bool:
    """Whether a folder still carries the mark of one that is being made."""
    return (staging / MAKING).exists()


def swap(staging: Path, root: Path, kept: Path) -> bool:
    """Put ``staging`` in the place of ``root`` and the present library, if any, to ``kept``; whether there was one.

    Raises OSError; the present library is in its place then.
    """
    if not root.exists():
        staging.rename(root)
        fsync_directory(root.parent)
        (root / MAKING).unlink(missing_ok=True)
        return False
    if _exchange(staging, root):
        fsync_directory(root.parent)
        staging.rename(kept)
    else:
        _note(root, staging, kept)
        root.rename(kept)
        staging.rename(root)
        _note_of(root).unlink(missing_ok=True)
    fsync_directory(root.parent)
    (root / MAKING).unlink(missing_ok=True)
    return True


def settle(root: Path) -> None:
    """Finish or clear what a restore that was cut off left beside ``root``; the caller holds its claim."""
    with contextlib.suppress(OSError, ValueError):
        _settle_note(root)
    for leftover in sorted(root.parent.glob(f"{root.name}.restoring-*")):
        if leftover.suffix == _UNNAMED:
            shutil.rmtree(leftover, ignore_errors=True)
        elif is_in_the_making(leftover):
            remove_staging(leftover)
        elif leftover.is_dir():
            # The exchange was done and its last rename was not: this is the library as it was before.
            kept = root.with_name(leftover.name.replace(".restoring-", ".before-restore-"))
            with contextlib.suppress(OSError):
                leftover.rename(kept)
                log.warning("the library from before a restore is now named %s", kept.name)
    if (root / "bitewing.db").exists():
        with contextlib.suppress(OSError):
            (root / MAKING).unlink(missing_ok=True)


def needs_settling(root: Path) -> bool:
    """Whether a restore was cut off at ``root``. Quick: asked at every start."""
    if not root.exists() and not root.parent.exists():
        return False
    if (root / MAKING).exists() or _note_of(root).exists():
        return True
    try:
        with os.scandir(root.parent) as entries:
            return any(entry.name.startswith(f"{root.name}.restoring-") for entry in entries)
    except OSError:
        return False


def _unnamed(staging: Path) -> Path:
    """Return the name under which a staging folder comes and goes: what lies there is always rubbish."""
    return staging.with_name(f"{staging.name}{_UNNAMED}")


def _settle_note(root: Path) -> None:
    note = _note_of(root)
    if not note.exists():
        return
    fields = json.loads(note.read_text("utf-8"))
    staging, kept = root.with_name(fields["staging"]), root.with_name(fields["kept"])
    if not root.exists():
        # Between the two renames: the new library is whole, or the old one goes back.
        (staging if staging.exists() else kept).rename(root)
        fsync_directory(root.parent)
    note.unlink()


def _note(root: Path, staging: Path, kept: Path) -> None:
    write_atomically(_note_of(root), json.dumps({"staging": staging.name, "kept": kept.name}).encode("utf-8"))


def _note_of(root: Path) -> Path:
    return root.with_name(f".{root.name}.restore.json")


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one call; ``False`` where the system or the volume cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    done = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code))
