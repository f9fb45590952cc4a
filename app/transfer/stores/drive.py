"""A store on Google Drive. A file is there once Google's digest of it is the one it says itself it ought to have.

So nothing half, and nothing that broke on its way, is ever under a name; a file that replaces another has the name
from the moment it is whole, and the other goes after that. Two that were written at once are settled alike by
everybody who looks (:mod:`app.transfer.stores.drive_labels`).
"""

from __future__ import annotations

import builtins
import mimetypes
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault, TransientFault, UserError
from app.transfer.drive.drive import Drive
from app.transfer.drive.endpoints import Endpoints
from app.transfer.drive.line import Client
from app.transfer.drive.remote import RemoteFile
from app.transfer.drive.uploading import CHUNK_BYTES, Outgoing
from app.transfer.stores.blocks import receiving, require_digest, require_size, sending
from app.transfer.stores.checking import space_warnings, try_out
from app.transfer.stores.drive_errors import translated
from app.transfer.stores.drive_folders import DriveFolders
from app.transfer.stores.drive_labels import Labels, Sent, holder, in_order, is_folder, is_whole, name_of, turn_of
from app.transfer.stores.drive_recent import Recent
from app.transfer.stores.names import checked, checked_folder
from app.transfer.stores.store import Capabilities, Digest, Entry, OnBlock, Stat, System

# A page of names of the longest kind stays well below what is read of one answer.
_PAGE = 500
_QUIET = JobContext.silent()
# Brings a file into the folder of that id; gets what came of bringing it into one that is in the bin.
Bring = Callable[[str, RemoteFile | None], RemoteFile]


@dataclass(frozen=True, slots=True)
class DriveArgs:
    """Whose Drive it is and where in it.

    ``allow_unsealed``: an administrator's recorded consent that images lie there as they are; only sealed archives
    go to Google without it. ``path``: the base folder. ``on_revoked``: hears that Google has ended the sign-in.
    """

    endpoints: Endpoints
    client: Client
    refresh_token: str = field(repr=False)
    path: str
    allow_unsealed: bool = False
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0
    on_revoked: Callable[[], object] = field(default=lambda: None, repr=False)


class DriveStore:
    """A folder on somebody's Drive. Any thread. Keeps :class:`app.transfer.stores.store.Store`."""

    capabilities = Capabilities(has_hash=True, atomic_rename=True, free_space=True, any_thread=True)

    def __init__(self, args: DriveArgs) -> None:
        """Make ready; nothing is asked yet.

        Raises
        ------
        UserError
            ``store.no_address`` without a base folder.
        EnvironmentFault
            ``store.unsealed_refused``; ``store.bad_name`` for the base folder.
        """
        base = args.path.strip("/")
        if not base:
            raise UserError("store.no_address")
        if not args.allow_unsealed:
            raise EnvironmentFault("store.unsealed_refused")
        self._args = args
        self._labels = Labels(checked_folder(base))
        timeout = httpx.Timeout(args.timeout_s, connect=args.connect_timeout_s)
        # Who uses a store tries again: see RetryingStore.
        self._drive = Drive(args.endpoints, args.client, args.refresh_token, tries_again=False, timeout=timeout)
        self._folders = DriveFolders(self._drive, self._labels)
        self._recent = Recent()
        # The sessions of large uploads that were cut off, by what they bring where.
        self._begun: dict[str, str] = {}

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Upload a file; proven by Google's digest before it has the name. See the protocol."""
        checked(name)
        sent = _measured(source, ctx)
        with self._session(name):
            before = in_order(self._claiming(name, ctx))
            if sent.size > CHUNK_BYTES and (found := holder(before)) and found.properties["sha256"] == sent.sha256:
                # The answer that it has arrived was lost: it is not sent all over again.
                self._remove(before[:-1], ctx)
                if on_block is not None:
                    on_block(sent.size)
                return _stat(name, found)
            properties = self._labels.file(name, _next_turn(before), sent)

            def upload(folder: str, in_bin: RemoteFile | None) -> RemoteFile:
                if in_bin is not None:
                    self._drive.delete(in_bin.id, ctx)
                metadata = {"name": posixpath.basename(name), "appProperties": properties, "parents": [folder]}
                outgoing = Outgoing(source, sent.size, metadata, _kind_of(name))
                return self._uploaded(outgoing, f"{folder} {properties}", ctx, on_block)

            made = self._in_folder(posixpath.dirname(name), upload, ctx)
            self._recent.note(made.id, name)
            if not is_whole(made):
                self._remove([made], ctx)
                raise TransientFault("store.altered", name=name)
            self._remove(before, ctx)
        return _stat(name, made)

    def _uploaded(self, outgoing: Outgoing, what: str, ctx: JobContext, on_block: OnBlock | None) -> RemoteFile:
        """Send a file; a large one goes on where an attempt to bring the very same there was cut off."""
        counted, session = 0, self._begun.pop(what, "")

        def count(done: int) -> None:
            nonlocal counted
            if on_block is not None and done > counted:
                counted, more = done, done - counted
                on_block(more)
            ctx.check()

        def begun(address: str) -> None:
            nonlocal session
            session = address

        try:
            return self._drive.upload(outgoing, session, lambda: None, ctx, begun, count)
        except TransientFault:
            if outgoing.size > CHUNK_BYTES and session:
                self._begun[what] = session
            raise
        except OSError as error:
            raise EnvironmentFault("file.unreadable") from error

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Download a file; proven by its digest. See the protocol."""
        checked(name)
        with self._session(name):
            found = self._holder(name, ctx)
            if found is None:
                raise EnvironmentFault("store.not_there", name=name)
            with self._drive.content(found.id, ctx) as blocks, receiving(target, ctx, on_block) as sink:
                for block in blocks:
                    sink.write(block)
                require_size(name, found.size, sink.received)
                require_digest(name, found.properties["sha256"], sink.digest("sha256"))
        return Stat(name, found.size, found.created_at, Digest("sha256", found.properties["sha256"]))

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file, Google's digest included. See the protocol."""
        checked(name)
        with self._session(name):
            found = self._holder(name, _QUIET)
        return _stat(name, found) if found is not None else None

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder, a few hundred a request. See the protocol."""
        folder = checked_folder(folder)
        wanted = self._labels.to_all() if recursive else self._labels.to_content(folder)
        start = f"{folder}/" if folder else ""
        claims: dict[str, list[RemoteFile]] = {}
        folders: set[str] = set()

        def belongs(name: str) -> bool:
            return name.startswith(start) and (recursive or posixpath.dirname(name) == folder)

        with self._session(folder):
            for one in self._listed(wanted, belongs, _QUIET):
                name = name_of(one)
                if is_folder(one):
                    folders.add(name)
                elif name.startswith(start):
                    claims.setdefault(name, []).append(one)
        for name in folders:
            yield Entry(name, 0, is_folder=True)
        for name, files in claims.items():
            if (found := holder(files)) is not None:
                yield Entry(name, found.size, modified=found.created_at)

    def delete(self, name: str) -> bool:
        """Delete a file, and whatever else claims its name, for good. See the protocol."""
        checked(name)
        with self._session(name):
            found = self._claiming(name, _QUIET)
            self._remove(found, _QUIET)
        return holder(found) is not None

    def rename(self, old: str, new: str) -> None:
        """Give a file another name and folder, in one step. See the protocol."""
        checked(old), checked(new)
        with self._session(old):
            claiming = in_order(self._claiming(old, _QUIET))
            found = holder(claiming)
            if found is None:
                raise EnvironmentFault("store.not_there", name=old)
            if old == new:
                return
            before = self._claiming(new, _QUIET)
            properties = self._labels.renamed(found.properties, new, _next_turn(before))
            metadata = {"name": posixpath.basename(new), "appProperties": properties}

            def move(folder: str, in_bin: RemoteFile | None) -> RemoteFile:
                lies_in = next(iter((in_bin or found).parents), "")
                return self._drive.change(found.id, metadata, _QUIET, (lies_in, folder))

            self._in_folder(posixpath.dirname(new), move, _QUIET)
            self._recent.note(found.id, new)
            self._remove([*claiming[:-1], *before], _QUIET)

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._session():
            self._drive.account(_QUIET)

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small file, and tell how much room the account has. See the protocol."""
        try_out(self, ctx)
        with self._session():
            free = self._drive.account(ctx).free
        return System("drive", "Google Drive", free, warnings=space_warnings(free))

    def sweep(self, older_than: timedelta) -> int:
        """Remove files that broke on their way and those that another of their name has replaced. See the protocol.

        Uploads that nobody finished are nowhere to be seen: Google lets go of them after about a week.
        """
        oldest, claims = utc_now() - older_than, dict[str, list[RemoteFile]]()
        with self._session():
            for one in self._listed(self._labels.to_all(), lambda _name: False, _QUIET):
                claims.setdefault(name_of(one), []).append(one)
            useless = [one for files in claims.values() for one in files if one is not holder(files)]
            return sum(self._drive.delete(one.id, _QUIET) for one in useless if one.created_at <= oldest)

    def close(self) -> None:
        """Close the connections. See the protocol."""
        self._drive.close()

    def _claiming(self, name: str, ctx: JobContext) -> builtins.list[RemoteFile]:
        """Return every file that says it has this name."""
        return self._listed(self._labels.to_file(name), lambda one: one == name, ctx)

    def _listed(
        self, wanted: Mapping[str, str], belongs: Callable[[str], bool], ctx: JobContext
    ) -> builtins.list[RemoteFile]:
        """Return what Google lists, corrected by what was done here just now."""

        def look(file_id: str) -> RemoteFile | None:
            try:
                return self._drive.get(file_id, ctx)
            except EnvironmentFault as fault:
                if fault.code != "drive.not_there":
                    raise
                return None

        return self._recent.corrected(self._drive.list(wanted, ctx, _PAGE), belongs, look)

    def _holder(self, name: str, ctx: JobContext) -> RemoteFile | None:
        return holder(self._claiming(name, ctx))

    def _remove(self, files: Iterable[RemoteFile], ctx: JobContext) -> None:
        """Delete files of one name, the one that has it last: interrupted, no older one comes to light."""
        for one in in_order(files):
            self._drive.delete(one.id, ctx)
            self._recent.note(one.id, None)

    def _in_folder(self, folder: str, bring: Bring, ctx: JobContext) -> RemoteFile:
        """Bring a file into a folder; once more where somebody took away the folder that is remembered."""
        in_bin: RemoteFile | None = None
        try:
            made = bring(self._folders.ensure(folder, ctx), None)
            if not made.trashed:
                return made
            in_bin = made
        except EnvironmentFault as fault:
            if fault.code != "drive.not_there":
                raise
        self._folders.forget()
        return bring(self._folders.ensure(folder, ctx), in_bin)

    @contextmanager
    def _session(self, name: str = "") -> Iterator[None]:
        """Translate what goes wrong; say so where Google has ended the sign-in."""
        try:
            with translated(name):
                yield
        except BitewingError as error:
            if isinstance(error.__cause__, BitewingError) and error.__cause__.code == "drive.revoked":
                self._args.on_revoked()
            raise


def _measured(source: Path, ctx: JobContext) -> Sent:
    """Return what a file is. Raises ``file.*`` and Cancelled."""
    with sending(source, ctx, None, "sha256", "md5") as reader:
        for _block in reader.blocks():
            pass
        return Sent(reader.sent, reader.digest("sha256"), reader.digest("md5"))


def _next_turn(files: Iterable[RemoteFile]) -> int:
    return max(map(turn_of, files), default=0) + 1


def _kind_of(name: str) -> str:
    """Return the MIME type by which Google shows a picture as one."""
    if name.endswith(".dcm"):
        return "application/dicom"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _stat(name: str, found: RemoteFile) -> Stat:
    known = Digest("sha256", found.sha256.lower()) if found.sha256 else Digest("md5", found.md5.lower())
    return Stat(name, found.size, found.created_at, known)
