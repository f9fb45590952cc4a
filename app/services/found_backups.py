"""Backups that lie in a folder without being written down: copied there by hand, made before a restore."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from app.backup.folder_reading import read_snapshot_heading, snapshots_of
from app.backup.manifest import Heading
from app.backup.zip_reading import read_heading
from app.storage.backups import BackupRecord, BackupState


def found_backups(folders: Collection[Path], library_id: str, known: Collection[str]) -> list[BackupRecord]:
    """Return the backups of one library in ``folders`` whose paths are not ``known``, newest first.

    Judged by what they say of themselves in clear; whether they are whole is for verifying to say.
    """
    found = [
        _record(path, form, heading)
        for folder in folders
        for path, form, heading in _headings(folder)
        if heading.library_id == library_id and str(path) not in known
    ]
    return sorted(found, key=lambda record: record.created_at, reverse=True)


def _headings(folder: Path) -> Iterator[tuple[Path, str, Heading]]:
    try:
        zips = sorted(folder.glob("*.zip"))
    except OSError:
        # A drive that is away holds nothing now.
        return
    for path in zips:
        heading = read_heading(path)
        if heading is not None and os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where it may not ask
            yield path, "zip", heading
    for snapshot in snapshots_of(folder):
        heading = read_snapshot_heading(snapshot)
        if heading is not None:
            yield snapshot, "folder", heading


def _record(path: Path, form: str, heading: Heading) -> BackupRecord:
    return BackupRecord(
        id="",
        path=str(path),
        form=form,
        contents=heading.contents,
        created_at=heading.created_at,
        verified_at=None,
        bytes=os.path.getsize(path) if form == "zip" else 0,  # noqa: PTH202
        images=0,
        encrypted=heading.encrypted,
        state=BackupState.FOUND,
        started_by="",
    )
