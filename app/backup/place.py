"""Where a backup may go: writable, not inside the library, with room."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import EnvironmentFault, UserError
from app.core.files import free_bytes, translate_os_error


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """What trying a destination found."""

    path: Path
    free_bytes: int
    same_volume: bool


def examine_place(folder: Path, library: Path) -> PlaceReport:
    """Try a folder for backups by writing into it.

    Raises
    ------
    UserError
        ``backup.no_folder`` when it is not there, ``backup.inside_library``.
    EnvironmentFault
        ``disk.permission``, ``disk.read_only``, ``disk.full``.
    """
    folder, library = folder.expanduser(), library.resolve()
    if not folder.is_dir():
        raise UserError("backup.no_folder", path=str(folder))
    resolved = folder.resolve()
    if resolved == library or resolved.is_relative_to(library):
        raise UserError("backup.inside_library", path=str(folder))
    probe = resolved / f".bitewing-{uuid.uuid4().hex}.part"
    try:
        with probe.open("xb") as out:
            out.write(b"bitewing")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise translate_os_error(error, path=str(folder)) from error
    finally:
        probe.unlink(missing_ok=True)
    return PlaceReport(resolved, free_bytes(resolved), resolved.stat().st_dev == library.stat().st_dev)


def require_room(report: PlaceReport, needed: int, reserve: int) -> None:
    """Refuse a backup that would not fit. Raises ``backup.no_room`` (facts ``needed``, ``free``, ``path``)."""
    keep = reserve if report.same_volume else 0
    if report.free_bytes < needed + keep:
        raise EnvironmentFault("backup.no_room", needed=needed, free=report.free_bytes, path=str(report.path))
