"""What is known of backups outside the catalogue: ``backups.json``, for the day when that is damaged or gone."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.errors import BitewingError
from app.core.files import write_atomically
from app.core.paths import LibraryPaths
from app.services.found_backups import found_backups
from app.storage.backups import BackupRecord, BackupState

log = logging.getLogger(__name__)

_KEPT = 20
_FORMAT = 1


def write_note(paths: LibraryPaths, library_id: str, records: Iterable[BackupRecord]) -> None:
    """Write down the newest good backups. Only a help: a note that cannot be written stops no backup."""
    good = [record for record in records if record.state is BackupState.GOOD][:_KEPT]
    document = {"format": _FORMAT, "library_id": library_id, "backups": [_as_json(record) for record in good]}
    try:
        write_atomically(paths.backup_note, json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8"))
    except (BitewingError, OSError) as error:
        log.warning("backups not noted beside the catalogue: %s", error)


def noted_backups(paths: LibraryPaths) -> list[BackupRecord]:
    """Return the backups that can be reached now, newest first, without asking the catalogue.

    Besides those of the note, what lies in the same folders. A note that cannot be read is no note.
    """
    try:
        document = json.loads(paths.backup_note.read_bytes())
        library_id = str(document["library_id"])
        noted = [_from_json(item) for item in document["backups"]]
        folders = {folder_of(record) for record in noted}
        found = found_backups(sorted(folders), library_id, {record.path for record in noted})
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the note of backups cannot be read: %s", type(error).__name__)
        return []
    # Unlike Path.exists, this says no of a place that cannot be asked: a dead share, somebody else's folder.
    reachable = [record for record in noted if os.path.exists(record.path)]  # noqa: PTH110
    return sorted(reachable + found, key=lambda record: record.created_at, reverse=True)


def noted_library_id(paths: LibraryPaths) -> str | None:
    """Return whose backups are noted; ``None`` when there is no note that says so."""
    try:
        return str(uuid.UUID(json.loads(paths.backup_note.read_bytes())["library_id"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def folder_of(record: BackupRecord) -> Path:
    """Return the folder that a backup was written to; a snapshot lies two below it."""
    path = Path(record.path)
    return path.parent.parent if record.form == "folder" else path.parent


def _as_json(record: BackupRecord) -> dict[str, Any]:
    moments = {
        "created_at": record.created_at.isoformat(),
        "verified_at": record.verified_at.isoformat() if record.verified_at else None,
    }
    return {**asdict(record), **moments, "state": record.state.value}


def _from_json(item: dict[str, Any]) -> BackupRecord:
    verified = item["verified_at"]
    return BackupRecord(
        **{
            **item,
            "path": str(Path(item["path"])),
            "created_at": _moment(item["created_at"]),
            "verified_at": _moment(verified) if verified else None,
            "state": BackupState(item["state"]),
        }
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its zone")
    return moment
