"""Opens the store that arguments describe, as the rest of the program uses it: for any thread, hiccups tried again."""

from __future__ import annotations

from app.core.context import JobContext
from app.transfer.stores.drive import DriveArgs, DriveStore
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.pool import PooledStore
from app.transfer.stores.retrying import RetryingStore
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_client import S3Args
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.ssh import SftpArgs
from app.transfer.stores.store import Store

CONNECTIONS = 4
StoreArgs = FolderArgs | FtpArgs | SftpArgs | S3Args | DriveArgs


def open_store(args: StoreArgs, ctx: JobContext | None = None, connections: int = CONNECTIONS) -> RetryingStore:
    """Return a store for any thread; nothing is asked yet.

    Raises
    ------
    UserError, EnvironmentFault
        ``store.no_address``, ``store.bad_trust``, ``store.plain_refused`` for an S3 address that cannot be used;
        ``store.unsealed_refused`` for Google Drive without consent.
    """
    return RetryingStore(_any_thread(args, connections), ctx)


def _any_thread(args: StoreArgs, connections: int) -> Store:
    match args:
        case FolderArgs():
            return FolderStore(args)
        case S3Args():
            return S3Store(args)
        case DriveArgs():
            return DriveStore(args)
        case FtpArgs():
            return PooledStore(lambda: FtpStore(args), connections)
        case SftpArgs():
            return PooledStore(lambda: SftpStore(args), connections)
