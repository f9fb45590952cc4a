"""Where shares lie: the bucket of the mirror that was chosen for them, apart from everything that a mirror keeps.

A share remembers its bucket's address; who we are there is what the settings say now.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings
from app.core.errors import UserError
from app.domain.sharing import Share
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.opening import open_bucket
from app.services.settings import SettingsService
from app.transfer.stores.retrying import RetryingStore
from app.transfer.stores.s3_bucket import S3Bucket
from app.transfer.stores.store import Store

# Folders that no mirror lists, verifies or removes anything in (services.mirroring.remote.FOLDERS).
SHARED, RECEIVED = "shared", "received"
# As new_name makes them; below the name of an upload link lie the files that came by it.
_NAME = re.compile(r"shared/[0-9a-f]{48}(\.[a-z0-9]{2,5})?$|received/[0-9a-f]{48}(?=/)")
_ADDRESS = ("endpoint", "region", "bucket", "path", "path_style")
# Somebody may be waiting: a second attempt, and then it is said.
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class SharePlace:
    """An open bucket: ``links`` signs, ``store`` carries."""

    links: S3Bucket
    store: Store


class SharePlaces:
    """Finds and opens them. Any thread."""

    def __init__(self, settings: SettingsService, mirrors: MirrorConnector) -> None:
        self._settings = settings
        self._mirrors = mirrors

    def chosen(self) -> MirrorSettings:
        """Return the mirror that shares go to; it need not be switched on as a mirror.

        Raises
        ------
        UserError
            ``share.no_destination``, ``share.not_s3``.
        """
        name = self._settings.clinic().share_destination.removeprefix(f"{MIRROR}.")
        for mirror in self._settings.mirrors():
            if name and mirror.name == name:
                if mirror.kind != "s3":
                    raise UserError("share.not_s3", destination=mirror.name)
                return mirror
        raise UserError("share.no_destination")

    def of(self, share: Share) -> MirrorSettings:
        """Return the mirror of a share, at the address that it had then. Raises ``share.no_destination``."""
        for mirror in self._settings.mirrors():
            if mirror.destination == share.destination:
                place = share.place
                return replace(
                    mirror,
                    kind="s3",
                    endpoint=place["endpoint"],
                    region=place["region"],
                    bucket=place["bucket"],
                    path=place["path"],
                    path_style=place["path_style"] == str(True),
                )
        raise UserError("share.no_destination")

    @contextlib.contextmanager
    def open(self, mirror: MirrorSettings, ctx: JobContext) -> Iterator[SharePlace]:
        """Give the bucket. Raises as :func:`open_bucket`."""
        bucket = open_bucket(mirror, self._mirrors.secret_of(mirror))
        with contextlib.closing(bucket):
            yield SharePlace(bucket, RetryingStore(bucket, ctx, _ATTEMPTS))


def address_of(mirror: MirrorSettings) -> dict[str, str]:
    """Return what says where a bucket is."""
    return {key: str(getattr(mirror, key)) for key in _ADDRESS}


def link_key(share_id: str) -> str:
    """Return the name under which the link of a share is kept sealed."""
    return f"share.{share_id}.link"


def page_key(share_id: str) -> str:
    """Return the name under which the link of an upload page is kept sealed."""
    return f"share.{share_id}.page"


def name_of(entry: str) -> str | None:
    """Return the name of the share that an object belongs to; ``None`` where others use folders called like ours."""
    found = _NAME.match(entry)
    return found[0] if found else None


def new_name(folder: str, suffix: str) -> str:
    """Return a name that nobody can guess (192 bits) and that says nothing of anybody."""
    return f"{folder}/{secrets.token_hex(24)}{suffix}"
