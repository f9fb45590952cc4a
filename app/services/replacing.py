"""Putting the right bytes of an image back in its place."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.core.clock import utc_now
from app.core.files import fsync_directory, make_directories, replace_durably, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord

# What stood in the place of the right bytes is kept here.
REPLACED = ".replaced"


def put_right(paths: LibraryPaths, record: ImageRecord, right: Path) -> None:
    """Move the file ``right`` to an image's place; what was there is kept aside, never thrown away.

    Raises
    ------
    EnvironmentFault
        ``disk.full``, ``disk.permission``, …
    """
    path = paths.root / record.path
    aside = paths.root / REPLACED / record.id
    try:
        if path.exists():
            make_directories(aside, paths.root)
            kept = aside / f"{utc_now():%Y%m%dT%H%M%S%fZ}-{record.filename}"
            try:
                os.link(path, kept)
            except OSError:
                # Not every file system knows hard links.
                shutil.copyfile(path, kept)
            fsync_directory(aside)
        make_directories(path.parent, paths.root)
        replace_durably(right, path)
    except OSError as error:
        raise translate_os_error(error) from error
