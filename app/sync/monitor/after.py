"""What becomes of a file whose image is in the library: it stays, moves to ``imported/`` or is deleted.

Nothing is replaced, and nothing is touched that changed since it was handed over.
"""

from __future__ import annotations

import os
from pathlib import Path

from app.core.files import sha256_file
from app.domain.watch_rules import After
from app.sync.monitor.listing import Seen, look_at
from app.sync.monitor.names import IMPORTED_FOLDER

_TRIES = 10_000


def put_away(root: Path, relative: str, seen: Seen, after: After, proof: Path | None) -> bool:
    """Do what the rule says; whether the file is gone from its place.

    Parameters
    ----------
    proof
        The stored file in the library. A source is deleted only when both have the same bytes now.

    Raises
    ------
    OSError
        When the folder cannot be changed; the file is still there then.
    """
    path = root / relative
    if after is After.LEAVE or look_at(path) != seen:
        return False
    if after is After.DELETE:
        if proof is None or sha256_file(proof)[0] != sha256_file(path)[0] or look_at(path) != seen:
            return False
        path.unlink()
        return True
    if (root / IMPORTED_FOLDER).is_symlink():
        # It would lead out of the folder that an admin chose.
        raise PermissionError(IMPORTED_FOLDER)
    _move(path, root / IMPORTED_FOLDER / relative)
    return True


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    for number in range(_TRIES):
        place = target if number == 0 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        try:
            _rename_without_replacing(source, place)
        except FileExistsError:
            if not source.samefile(place):
                continue
            # A move that was cut off between its two steps: only the second is left to do.
            source.unlink()
        return
    raise FileExistsError(str(target))


def _rename_without_replacing(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (exFAT, some shares, Windows): nobody else writes into "imported".
        if target.exists():
            raise FileExistsError(str(target)) from None
        source.rename(target)
        return
    source.unlink()
