"""The store behind a mirror's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.core.destinations import DRIVE_FOLDER, MirrorSettings
from app.core.errors import UserError
from app.services.drive.account import DriveWay
from app.storage.catalogue import Catalogue
from app.transfer.stores.drive import DriveArgs
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.opening import StoreArgs
from app.transfer.stores.opening import open_store as open_by_arguments
from app.transfer.stores.s3_bucket import S3Bucket
from app.transfer.stores.s3_client import S3Args
from app.transfer.stores.ssh import SftpArgs
from app.transfer.stores.store import Store

# Gives a secret of the mirror by the last part of its key.
Secret = Callable[[str], str]
# Gives the Drive of the account that backups go to. Raises ``drive.not_connected`` and its kin.
AskDrive = Callable[[], DriveWay]

# Codes after which nothing more is sent until a person acts.
BLOCKING = frozenset(
    {f"store.{what}" for what in ("unauthorized", "forbidden", "full", "missing", "certificate", "clock")}
    | {f"store.{what}" for what in ("host_key_unknown", "host_key_changed", "no_encryption", "plain_refused")}
    | {"store.unsealed_refused"}
)
_PORTS = {"ftp": 21, "ftps": 21, "sftp": 22}


def _no_drive() -> DriveWay:
    raise UserError("drive.not_connected")


def open_store(mirror: MirrorSettings, secret: Secret, drive: AskDrive = _no_drive) -> Store:
    """Return the store of a mirror, for any thread; nothing is asked yet.

    Raises
    ------
    UserError
        ``mirror.not_set_up`` when its address is missing; what the store says of its settings.
    EnvironmentFault
        ``drive.revoked``; ``store.unsealed_refused``.
    """
    return open_by_arguments(_any_arguments(mirror, secret, drive), connections=mirror.connections)


def open_marked(mirror: MirrorSettings, secret: Secret, store: Catalogue, drive: AskDrive = _no_drive) -> Store:
    """Return the store of a mirror; a folder is marked as ours when it is first used, and must be that one ever after.

    The marker tells the folder from the empty place where its drive would be mounted.

    Raises
    ------
    BitewingError
        As :func:`open_store`; for a folder that is to be marked ``store.unreachable`` and kin.
    """
    arguments = _any_arguments(mirror, secret, drive)
    if isinstance(arguments, FolderArgs):
        markers = _markers(store, mirror)
        if mirror.path not in markers:
            markers[mirror.path] = FolderStore(arguments).adopt()
            store.state.set(_marker_key(mirror), markers)
        arguments = FolderArgs(arguments.path, str(markers[mirror.path]))
    return open_by_arguments(arguments, connections=mirror.connections)


def open_bucket(mirror: MirrorSettings, secret: Secret) -> S3Bucket:
    """Return the bucket of a mirror, by which links are made; nothing is asked yet.

    Raises
    ------
    UserError
        ``share.not_s3`` for a mirror of another kind; as :func:`open_store`.
    """
    arguments = _arguments(mirror, secret) if mirror.kind == "s3" else None
    if not isinstance(arguments, S3Args):
        raise UserError("share.not_s3", destination=mirror.name)
    return S3Bucket(arguments)


def mark_afresh(mirror: MirrorSettings) -> str:
    """Mark the folder that is at a mirror's place now, and return its mark. Raises ``store.unreachable`` and kin."""
    _require(mirror, bool(mirror.path) and Path(mirror.path).is_absolute())
    return FolderStore(FolderArgs(Path(mirror.path))).adopt()


def remember_marker(store: Catalogue, mirror: MirrorSettings, marker: str) -> None:
    """Let the folder with that mark be the mirror's from now on."""
    store.state.set(_marker_key(mirror), {**_markers(store, mirror), mirror.path: marker})


def _marker_key(mirror: MirrorSettings) -> str:
    return f"{mirror.destination}.marker"


def _markers(store: Catalogue, mirror: MirrorSettings) -> dict[str, str]:
    """Return the marks by place: one for each that was ever used. Coming back to one is no reason to take another
    drive for it."""
    with store.read():
        known = store.state.get(_marker_key(mirror))
    return dict(known) if isinstance(known, dict) else {}


def _arguments(mirror: MirrorSettings, secret: Secret) -> StoreArgs:
    if mirror.kind == "folder":
        _require(mirror, bool(mirror.path) and Path(mirror.path).is_absolute())
        return FolderArgs(Path(mirror.path))
    if mirror.kind == "s3":
        _require(mirror, bool(mirror.bucket))
        return S3Args(
            mirror.bucket,
            mirror.access_key,
            secret("secret_key"),
            mirror.endpoint,
            mirror.region,
            mirror.path,
            mirror.path_style,
            trust=mirror.trust,
            allow_plain=mirror.allow_plain,
            connections=mirror.connections,
        )
    _require(mirror, bool(mirror.host))
    port = mirror.port or _PORTS[mirror.kind]
    if mirror.kind == "sftp":
        return SftpArgs(
            mirror.host, mirror.username, secret("password"), mirror.key_file, port, mirror.path, mirror.trust
        )
    return FtpArgs(
        mirror.host,
        mirror.username or "anonymous",
        secret("password"),
        port,
        mirror.path,
        secure=mirror.kind == "ftps",
        allow_plain=mirror.allow_plain,
        trust=mirror.trust,
    )


def _require(mirror: MirrorSettings, is_there: bool) -> None:
    if not is_there:
        raise UserError("mirror.not_set_up", destination=mirror.name)


def _any_arguments(mirror: MirrorSettings, secret: Secret, drive: AskDrive) -> StoreArgs:
    """Return the arguments of a store of whatever kind; Google's are those of the account of the backups."""
    if mirror.kind != "drive":
        return _arguments(mirror, secret)
    way = drive()
    return DriveArgs(
        way.endpoints,
        way.client,
        way.refresh_token,
        mirror.path.strip("/") or DRIVE_FOLDER,
        mirror.allow_unsealed,
        on_revoked=way.on_revoked,
    )
