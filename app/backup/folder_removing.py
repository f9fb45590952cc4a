"""Removes a snapshot from a backup folder, then the contents that no other snapshot speaks of."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from app.backup.folder_layout import PART, FolderLayout
from app.backup.folder_reading import snapshots_of
from app.core.file_lock import exclusively
from app.core.files import fsync_directory

log = logging.getLogger(__name__)

_PATIENCE_S = 60.0
USED = "objects.txt"


def remove_snapshot(snapshot: Path) -> int:
    """Remove one snapshot and return how many contents went with it. Raises OSError.

    The snapshot loses its name first: a removal that is cut off leaves contents that nobody speaks of, never a
    snapshot without its contents. Contents stay when it is not sure what the other snapshots need.
    """
    layout = FolderLayout(snapshot.parent.parent)
    with exclusively(layout.lock, _PATIENCE_S):
        if snapshot.is_dir():
            doomed = snapshot.with_name(f".{snapshot.name}{PART}")
            snapshot.rename(doomed)
            fsync_directory(layout.snapshots)
            shutil.rmtree(doomed)
        return _sweep(layout)


def _sweep(layout: FolderLayout) -> int:
    """Remove contents that no snapshot names."""
    used: set[str] = set()
    for snapshot in snapshots_of(layout.root):
        try:
            used.update((snapshot / USED).read_text("ascii").split())
        except OSError:
            log.warning("a snapshot does not say what it needs; nothing is swept")
            return 0
    removed = 0
    for shard in layout.objects.iterdir():
        if not shard.is_dir():
            continue
        for entry in shard.iterdir():
            if entry.name not in used:
                entry.unlink(missing_ok=True)
                removed += 1
    return removed
