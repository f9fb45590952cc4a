"""What a start does about a restore that was cut off: a few system calls when there was none."""

from __future__ import annotations

from pathlib import Path

from app.backup.swap import needs_settling, settle
from app.storage.presence import claim_of


def settle_restore(root: Path) -> None:
    """Finish or clear what a dead restore left beside ``root``; one that is under way is left alone."""
    if not needs_settling(root):
        return
    claim = claim_of(root)
    try:
        if claim.acquire():
            settle(root)
            claim.release(remove=True)
    except OSError:
        # A folder that cannot be written cannot have been restored to.
        return
