"""A store on an FTP server: explicit FTPS with verified certificates, or plain FTP by consent.

Files are uploaded under another name, their size is asked for, then they are renamed. Where a server does not
replace by renaming, the old file is deleted first, after the new one was proven (RELIABILITY E30).
"""

from __future__ import annotations

import ftplib
import logging
import posixpath
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault, TransientFault
from app.transfer.stores.blocks import Source, receiving, require_size, sending
from app.transfer.stores.checking import try_out
from app.transfer.stores.ftp_errors import is_refused, translated
from app.transfer.stores.ftp_lines import limit_waits, send_all
from app.transfer.stores.ftp_link import BLOCK_BYTES, FtpArgs, Link
from app.transfer.stores.ftp_listing import Line
from app.transfer.stores.interrupting import interruptible
from app.transfer.stores.names import checked, checked_folder, is_part, is_shown, joined, part_name
from app.transfer.stores.store import Capabilities, Entry, OnBlock, Stat, System

_log = logging.getLogger(__name__)
# Servers hang up on the silent after some minutes; before a command meets that, one without meaning does.
_ASK_AFTER_S = 20.0


class FtpStore:
    """One connection, opened when needed and again after a fault. One thread at a time; see ``PooledStore``.

    Keeps :class:`app.transfer.stores.store.Store`.
    """

    capabilities = Capabilities()

    def __init__(self, args: FtpArgs) -> None:
        self._args = args
        self._link: Link | None = None
        self._used = 0.0

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Upload a file; proven by its size. See the protocol."""
        checked(name)
        with sending(source, ctx, on_block) as reader, self._session(name, ctx) as link:
            final, part = self._path(link, name), self._path(link, part_name(name))
            try:
                self._upload(link, reader, part)
                require_size(name, reader.sent, _known(link.file_size(part)))
                if is_shown(name):
                    self._make_folders(link, posixpath.dirname(final))
                    self._show(link, part, posixpath.dirname(final))
                self._move(link, part, final, name)
            except (EOFError, TimeoutError):
                # The line is dead; what is left there is swept later.
                raise
            except BaseException:
                self._discard(part)
                raise
            return Stat(name, reader.sent)

    def _upload(self, link: Link, reader: Source, part: str) -> None:
        try:
            connection = link.transfercmd(f"STOR {part}")
        except ftplib.error_perm as error:
            if not is_refused(error):
                raise
            # Its folder is not there yet, most likely; if it is something else, it is said again.
            self._make_folders(link, posixpath.dirname(part))
            connection = link.transfercmd(f"STOR {part}")
        try:
            limit_waits(connection, self._args.timeout_s)
            if not reader.pour(connection):
                for block in reader.blocks(BLOCK_BYTES):
                    send_all(connection, block)
        except OSError:
            # The server hung up; often it says why.
            link.break_off(connection)
            link.voidresp()
            raise
        except BaseException:
            # Stopped from this side, the line is well: end it in order, so that the rest can be taken away.
            self._end(link, connection)
            raise
        link.finish(connection)

    def _end(self, link: Link, connection: socket.socket) -> None:
        try:
            link.finish(connection)
        except (ftplib.Error, OSError, EOFError) as error:
            _log.info("a stopped upload ended badly: %s", type(error).__name__)
            if not isinstance(error, ftplib.Error):
                # The line is dead after all: to wait for it once more is no use; what is left there is swept later.
                self.close()

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Download a file; proven by its size. See the protocol."""
        checked(name)
        with self._session(name, ctx) as link:
            path = self._path(link, name)
            size = link.file_size(path)
            if size is None:
                raise EnvironmentFault("store.not_there", name=name)
            with receiving(target, ctx, on_block) as sink:
                connection = link.transfercmd(f"RETR {path}")
                try:
                    while block := connection.recv(BLOCK_BYTES):
                        sink.write(block)
                except BaseException:
                    # The server is still sending: this connection cannot be used for anything else.
                    link.break_off(connection)
                    self.close()
                    raise
                link.finish(connection)
                require_size(name, size, sink.received)
            return Stat(name, size)

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file. See the protocol."""
        checked(name)
        with self._session(name) as link:
            path = self._path(link, name)
            size = link.file_size(path)
            return None if size is None else Stat(name, size, link.modified(path))

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder, one listing a folder. See the protocol."""
        for entry in self._walk(checked_folder(folder), recursive=recursive):
            if not is_part(entry.name):
                yield entry

    def _walk(self, folder: str, *, recursive: bool) -> Iterator[Entry]:
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            with self._session(current) as link:
                lines = link.listing(self._path(link, current)) or []
            for entry in (_entry(current, line) for line in lines):
                if entry.is_folder and recursive:
                    waiting.append(entry.name)
                else:
                    yield entry

    def delete(self, name: str) -> bool:
        """Delete a file. See the protocol."""
        checked(name)
        with self._session(name) as link:
            path = self._path(link, name)
            try:
                link.delete(path)
            except ftplib.error_perm as error:
                if is_refused(error) and link.file_size(path) is None:
                    return False
                raise
            return True

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what has the name. See the protocol."""
        checked(old), checked(new)
        with self._session(old) as link:
            before = self._path(link, old)
            if link.file_size(before) is None:
                raise EnvironmentFault("store.not_there", name=old)
            self._move(link, before, self._path(link, new), new)

    def _move(self, link: Link, old: str, new: str, name: str) -> None:
        try:
            link.rename(old, new)
        except ftplib.error_perm as error:
            if not is_refused(error):
                raise
        else:
            return
        # Either the name is taken and this server does not replace, or its folder is not there.
        if link.file_size(new) is not None:
            link.delete(new)
        else:
            self._make_folders(link, posixpath.dirname(new))
        link.rename(old, new)

    def _show(self, link: Link, part: str, folder: str) -> None:
        """Let a web server of another account read a file and its folder, whatever rights new ones get here."""
        for path, mode in ((part, "644"), (folder, "755")):
            try:
                link.voidcmd(f"SITE CHMOD {mode} {path}")
            except ftplib.error_perm as error:
                # Many servers do not know it; the public address says whether it is seen.
                _log.info("rights not given at an FTP server: %.3s", error)

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._session() as link:
            link.voidcmd("NOOP")

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small file. See the protocol."""
        try_out(self, ctx)
        with self._session() as link:
            software = (link.welcome or "").removeprefix("220").strip(" -")
            return System(
                "ftps" if self._args.secure else "ftp",
                software=software,
                fingerprint=link.fingerprint,
                warnings=() if self._args.secure else ("store.plain",),
            )

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished. See the protocol."""
        parts = [entry for entry in self._walk("", recursive=True) if is_part(entry.name)]
        removed = 0
        for entry in parts:
            found = self.stat(entry.name)
            modified = entry.modified or (found.modified if found else None)
            if modified is not None and modified <= utc_now() - older_than:
                removed += self.delete(entry.name)
        return removed

    def close(self) -> None:
        """Hang up. See the protocol."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    @contextmanager
    def _session(self, name: str = "", ctx: JobContext | None = None) -> Iterator[Link]:
        """Give the connection for some commands; after a fault of the line it is not used again."""
        link = self._connected()
        try:
            with interruptible(ctx or JobContext.silent(), link.hang_up), translated(name):
                yield link
        except (TransientFault, Cancelled):
            self.close()
            raise
        finally:
            self._used = time.monotonic()

    def _connected(self) -> Link:
        if self._link is not None and time.monotonic() - self._used > _ASK_AFTER_S:
            try:
                self._link.voidcmd("NOOP")
            except (ftplib.Error, OSError, EOFError) as error:
                _log.info("an idle FTP connection had ended: %s", type(error).__name__)
                self.close()
        if self._link is None:
            self._link = Link(self._args)
        return self._link

    def _path(self, link: Link, name: str) -> str:
        return joined(link.base(), link.wire(name))

    def _make_folders(self, link: Link, folder: str) -> None:
        missing = []
        while folder not in {"", "/"}:
            try:
                link.mkd(folder)
            except ftplib.error_perm as error:
                if not is_refused(error):
                    raise
                try:
                    link.cwd(folder)
                except ftplib.error_perm:
                    missing.append(folder)
                    folder = posixpath.dirname(folder)
                    continue
            break
        for path in reversed(missing):
            try:
                link.mkd(path)
            except ftplib.error_perm:
                # Another connection may have been first; otherwise it is not allowed.
                link.cwd(path)

    def _discard(self, part: str) -> None:
        """Take an unfinished upload away where the line still stands; elsewhere :meth:`sweep` will."""
        link = self._link
        if link is None:
            return
        try:
            link.delete(part)
        except (ftplib.Error, OSError, EOFError) as error:
            _log.info("an unfinished upload stays until it is swept: %s", type(error).__name__)
            self.close()


def _entry(folder: str, line: Line) -> Entry:
    name = joined(folder, line.name.decode("utf-8", "surrogateescape"))
    return Entry(name, line.size, line.is_folder, line.modified)


def _known(size: int | None) -> int:
    return -1 if size is None else size
