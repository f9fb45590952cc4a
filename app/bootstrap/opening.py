"""Opens the library for the window; where it does not open, says why and offers the ways out."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.bootstrap.library import Library, open_library, workstation_name
from app.core.errors import BitewingError
from app.core.paths import LibraryPaths
from app.domain.roles import owner
from app.jobs.change_bus import ChangeBus
from app.ui.later import part
from app.ui.theme.apply import apply_theme

log = logging.getLogger(__name__)

# What a catalogue from a backup mends.
_RESTORE_HELPS = frozenset(
    {"database.corrupt", "database.failed", "database.migration_failed", "library.catalogue_lost"}
)
# What keeps from writing, not from looking.
_READABLE = frozenset(
    {"database.corrupt", "database.failed", "disk.full", "disk.failed", "disk.read_only", "disk.permission"}
)


def open_or_explain(application: QApplication, root: Path, bus: ChangeBus) -> Library | None:
    """Open the library, restored or for reading alone where a person chose that; ``None`` when they left."""
    reading = False
    while True:
        try:
            return open_library(root, create=not reading, publish=bus.publish, kind="window")
        except BitewingError as error:
            log.warning("library did not open: %s", error.code)
            apply_theme(application, "dark")
            can_read = error.code in _READABLE and not reading
            dialog = part("LibraryFailedDialog")(
                error, root, _backups(root) if error.code in _RESTORE_HELPS else None, can_read=can_read
            )
            dialog.exec()
            if dialog.wish is not None:
                part("RestoreProgress")(owner(workstation_name()), root, dialog.wish).exec()
            elif not dialog.wants_reading:
                return None
            reading = dialog.wants_reading


def _backups(root: Path) -> list[object]:
    noted: list[object] = part("noted_backups")(LibraryPaths(root))
    return noted
