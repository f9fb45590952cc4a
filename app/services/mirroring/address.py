"""A mirror said in one line, for when the library that knew it is gone: ``sftp://clinic@host:22/path``.

Pure. Secrets never stand in an address: they come from standard input, and one that is there is refused.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.core.destinations import DRIVE_FOLDER, MirrorSettings
from app.core.errors import UserError

AD_HOC = "from"
_SERVERS = ("ftp", "ftps", "sftp")


def mirror_at(text: str, given: MirrorSettings | None = None) -> MirrorSettings:
    """Return the settings of the mirror at an address; ``given`` has what an address cannot say (trust, region, …).

    A folder's path, ``folder:PATH``; ``sftp://``, ``ftps://`` or ``ftp://USER@HOST:PORT/PATH`` (``//`` after the host
    begins a path from the server's root); ``s3://BUCKET/PREFIX``; ``drive:FOLDER`` on the account's Google Drive.

    Raises
    ------
    UserError
        ``mirror.bad_address``; ``mirror.secret_in_address``.
    """
    base = replace(given or MirrorSettings(), name=AD_HOC, enabled=True)
    kind, colon, rest = text.partition(":")
    if kind == "drive" and colon and not rest.startswith("//"):
        return replace(base, kind="drive", path=rest.strip("/") or DRIVE_FOLDER)
    if not colon or kind not in {"folder", "s3", *_SERVERS}:
        path = Path(text).expanduser()
        if not text or "://" in text:
            raise UserError("mirror.bad_address", text=text)
        return replace(base, kind="folder", path=str(path.absolute()))
    if kind == "folder":
        if not rest:
            raise UserError("mirror.bad_address", text=text)
        return replace(base, kind="folder", path=str(Path(rest).expanduser().absolute()))
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError as error:
        raise UserError("mirror.bad_address", text=text) from error
    if parts.password is not None:
        raise UserError("mirror.secret_in_address")
    if not host or parts.query or parts.fragment:
        raise UserError("mirror.bad_address", text=text)
    path_there = unquote(parts.path)[1:]
    if kind == "s3":
        # A bucket's name as it was written: a host's would be in small letters.
        bucket = parts.netloc.rpartition("@")[2]
        return replace(base, kind="s3", bucket=bucket, path=path_there.strip("/"))
    return replace(base, kind=kind, host=host, port=port, username=unquote(parts.username or ""), path=path_there)


def is_same_place(one: MirrorSettings, other: MirrorSettings) -> bool:
    """Whether two settings speak of the same place, whatever else they say."""
    if one.kind != other.kind:
        return False
    if one.kind == "s3":
        return (one.endpoint, one.bucket, one.path.strip("/")) == (other.endpoint, other.bucket, other.path.strip("/"))
    return (one.host, one.port, one.path.rstrip("/")) == (other.host, other.port, other.path.rstrip("/"))
