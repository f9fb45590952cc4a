"""Paths that were typed: those that are there, and those that are not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def existing(paths: Iterable[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the paths that exist and those that do not, in order."""
    there: list[Path] = []
    missing: list[Path] = []
    for path in paths:
        (there if path.exists() or path.is_symlink() else missing).append(path)
    return tuple(there), tuple(missing)
