"""The store behind a mirror's settings."""

from __future__ import annotations

from pathlib import Path

from app.core.destinations import MirrorSettings
from app.core.errors import UserError
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_client import S3Args
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.ssh import SftpArgs
from app.transfer.stores.store import Store

# Codes after which nothing more is sent until a person acts.
BLOCKING = frozenset(
    {f"store.{what}" for what in ("unauthorized", "forbidden", "full", "missing", "certificate", "clock")}
    | {f"store.{what}" for what in ("host_key_unknown", "host_key_changed", "no_encryption", "plain_refused")}
)
_PORTS = {"ftp": 21, "ftps": 21, "sftp": 22}


def open_store(mirror: MirrorSettings, settings: SettingsService, store: Catalogue) -> Store:
    """Return the store of a mirror; nothing is asked yet, but of a folder, which is marked as ours when first used.

    Raises
    ------
    UserError
        ``mirror.not_set_up`` when its address is missing; what the store says of its settings.
    BitewingError
        For a folder ``store.unreachable`` and kin.
    """
    if mirror.kind == "folder":
        return _folder(mirror, store)
    if mirror.kind == "s3":
        return _bucket(mirror, settings)
    if not mirror.host:
        raise UserError("mirror.not_set_up", destination=mirror.name)
    password = settings.secret(f"{mirror.destination}.password") or ""
    port = mirror.port or _PORTS[mirror.kind]
    if mirror.kind == "sftp":
        return SftpStore(
            SftpArgs(mirror.host, mirror.username, password, mirror.key_file, port, mirror.path, mirror.trust)
        )
    return FtpStore(
        FtpArgs(
            mirror.host,
            mirror.username or "anonymous",
            password,
            port,
            mirror.path,
            secure=mirror.kind == "ftps",
            allow_plain=mirror.allow_plain,
            trust=mirror.trust,
        )
    )


def _folder(mirror: MirrorSettings, store: Catalogue) -> Store:
    """Return a folder's store. Its marker tells the folder from the empty place where its drive is not mounted."""
    if not mirror.path or not Path(mirror.path).is_absolute():
        raise UserError("mirror.not_set_up", destination=mirror.name)
    key = f"{mirror.destination}.marker"
    with store.read():
        known = store.state.get(key)
    if isinstance(known, dict) and known.get("path") == mirror.path:
        return FolderStore(FolderArgs(Path(mirror.path), str(known.get("marker", ""))))
    found = FolderStore(FolderArgs(Path(mirror.path)))
    store.state.set(key, {"path": mirror.path, "marker": found.adopt()})
    return FolderStore(FolderArgs(Path(mirror.path), store.state.get(key)["marker"]))


def _bucket(mirror: MirrorSettings, settings: SettingsService) -> Store:
    if not mirror.bucket:
        raise UserError("mirror.not_set_up", destination=mirror.name)
    return S3Store(
        S3Args(
            mirror.bucket,
            mirror.access_key,
            settings.secret(f"{mirror.destination}.secret_key") or "",
            mirror.endpoint,
            mirror.region,
            mirror.path,
            mirror.path_style,
            trust=mirror.trust,
            allow_plain=mirror.allow_plain,
            connections=mirror.connections,
        )
    )
