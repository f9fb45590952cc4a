"""Where a backup that was fetched from Drive lies until it is restored: beside the library. No network here."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def fetched_folder(root: Path) -> Path:
    """Return where downloads of the library at ``root`` lie."""
    return root.with_name(f"{root.name}.from-drive")


def remove_fetched(root: Path, path: Path) -> None:
    """Remove a download, and its folder when that is empty; a path elsewhere is none of ours."""
    folder = fetched_folder(root)
    if path.parent != folder:
        return
    try:
        path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError:
        # The restore is done; what is left is a sealed file that a person can see.
        log.warning("a backup that was fetched could not be removed")
