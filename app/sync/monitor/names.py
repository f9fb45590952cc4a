"""Names in a watched folder that are never images: half files of other programs, litter, links (B20)."""

from __future__ import annotations

IMPORTED_FOLDER = "imported"
_LITTER = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "ehthumbs.db"})
_ENDINGS = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".lnk", ".url", ".exe", ".filepart")
_BEGINNINGS = ("~$", ".")


def is_ignored_file(name: str) -> bool:
    """Whether a file is left alone whatever it holds."""
    folded = name.casefold()
    return folded in _LITTER or folded.endswith(_ENDINGS) or folded.startswith(_BEGINNINGS)


def is_ignored_folder(name: str, *, at_top: bool) -> bool:
    """Whether a folder is not looked into: hidden ones, the recycle bin, and where handled files go."""
    folded = name.casefold()
    return folded.startswith((".", "$recycle")) or (at_top and folded == IMPORTED_FOLDER)
