"""Names in a remote store: relative, ``/`` between the parts, never out of the base folder.

Checked before anything is sent, so that no server's reading of ``..``, of a backslash or of a line break in a
command (FTP) matters.
"""

from __future__ import annotations

import posixpath
import re
import secrets
import unicodedata

from app.core.errors import EnvironmentFault
from app.domain.publication import FOLDER

_LONGEST_PART_BYTES = 255
_LONGEST_NAME_BYTES = 1024  # S3's limit; the others allow more
_PLAIN = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}(?<!\.)/){0,7}[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}(?<!\.)")
_DRIVE = re.compile(r"[A-Za-z]:")
_PART = re.compile(r"bitewing-[0-9a-f]{32}\.part")


def checked(name: str) -> str:
    """Return ``name`` when it is a safe relative name.

    Raises
    ------
    EnvironmentFault
        ``store.bad_name``.
    """
    if _PLAIN.fullmatch(name):
        # What the program itself names its files; thousands of them a minute.
        return name
    parts = name.split("/")
    safe = (
        name
        and not _DRIVE.match(name)
        and "\\" not in name
        and not any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name)
        and all(part and part.strip(".") and not part.endswith((" ", ".")) for part in parts)
        and all(len(part.encode("utf-8", "surrogatepass")) <= _LONGEST_PART_BYTES for part in parts)
        and len(name.encode("utf-8", "surrogatepass")) <= _LONGEST_NAME_BYTES
    )
    if not safe:
        raise EnvironmentFault("store.bad_name", name=name)
    return name


def checked_folder(folder: str) -> str:
    """Return the name of a folder, ``""`` for the base. Raises as :func:`checked`."""
    return checked(folder.rstrip("/")) if folder else ""


def joined(base: str, name: str) -> str:
    """Return a checked name below ``base`` as servers take it."""
    return posixpath.join(base, name) if name else base


def part_name(name: str) -> str:
    """Return a new name for an upload to ``name``, in the same folder; nobody can guess it.

    Beside the folder that anybody may read, for what goes there: what a broken line leaves behind is shown to nobody.
    """
    folder = "" if is_shown(name) else posixpath.dirname(name)
    return posixpath.join(folder, f"bitewing-{secrets.token_hex(16)}.part")


def is_shown(name: str) -> bool:
    """Whether a file is for a web server to show, which may run under another account."""
    return name.startswith(f"{FOLDER}/")


def is_part(name: str) -> bool:
    """Whether this is the name of an upload that is not finished."""
    return _PART.fullmatch(posixpath.basename(name)) is not None
