"""A lost library's catalogue from its copy in a mirror, proven and put in place; its files are pulled afterwards.

The library is closed, so this is a function and not a service of one. What comes from a mirror is judged as if an
enemy had written it: nothing of it is used before its seal, manifest, schema and every path in it were looked at.
"""

from __future__ import annotations

import contextlib
import glob
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.backup.archive import Archive
from app.backup.manifest import CATALOGUE, is_harmless
from app.backup.sealed_file import open_sealed, opener_of
from app.backup.unpacking import write_member
from app.backup.zip_reading import ZipArchive
from app.core.context import JobContext
from app.core.errors import BitewingError, UserError
from app.core.files import translate_os_error
from app.domain.roles import Actor
from app.services.backup_source import DATABASE
from app.services.mirroring.catalogue_copy import BY_KEY, copies_in, key_password, libraries_in
from app.services.restoring import RestoreArgs, RestoreReport, restore_library
from app.storage.schema_proof import odd_parts_of
from app.storage.snapshot import files_of, is_sound
from app.transfer.stores.store import Store

# An older copy is taken where the newest has these; a wrong password is the user's to mend.
_NEXT = frozenset({"backup.damaged", "backup.not_a_backup", "store.not_there", "store.altered"})


@dataclass(frozen=True, slots=True)
class RebuildArgs:
    """Which library is rebuilt where. ``library_id``: whose, where several have catalogues at the mirror."""

    root: Path
    password: str | None = None
    library_id: str | None = None
    foreign: bool = False


def rebuild_catalogue(actor: Actor, args: RebuildArgs, store: Store, ctx: JobContext) -> RestoreReport:
    """Bring a catalogue back to ``args.root``, which has none.

    Raises
    ------
    RefusedError
        ``role.refused``.
    UserError
        ``mirror.no_catalogue``, ``mirror.several_libraries`` (fact ``ids``); ``backup.wrong_password``,
        ``backup.password_needed``, ``backup.damaged``, ``backup.hostile``, ``backup.newer``, ``backup.foreign``.
    BitewingError
        As every call of a store; ``library.in_use``, ``disk.full`` and kin. Nothing is changed then.
    """
    library_id = _whose(store, args.library_id)
    names = copies_in(store, library_id)
    if not names:
        raise UserError("mirror.no_catalogue")
    failed: BitewingError | None = None
    for name in names:
        ctx.check()
        try:
            with _opened(args, store, name, library_id, ctx) as archive:
                return restore_library(actor, RestoreArgs(args.root, archive, args.foreign), ctx)
        except BitewingError as error:
            if error.code not in _NEXT:
                raise
            failed = failed or error
    assert failed is not None
    raise failed


def sweep_leftovers(root: Path) -> None:
    """Remove what rebuilding a library there left behind when it was killed: a catalogue in clear among it."""
    if not root.parent.is_dir():
        return
    for leftover in root.parent.glob(f"{glob.escape(_prefix(root))}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _prefix(root: Path) -> str:
    return f".{root.name}.pulling-"


def _whose(store: Store, wanted: str | None) -> str:
    found = libraries_in(store)
    if wanted is not None:
        found = [one for one in found if one == wanted]
    if not found:
        raise UserError("mirror.no_catalogue")
    if len(found) > 1:
        raise UserError("mirror.several_libraries", ids=", ".join(found))
    return found[0]


@contextlib.contextmanager
def _opened(args: RebuildArgs, store: Store, name: str, library_id: str, ctx: JobContext) -> Iterator[Archive]:
    """Fetch a copy into a private folder beside the library, open and judge it."""
    parent = args.root.parent
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=parent, prefix=_prefix(args.root))
    except OSError as error:
        raise translate_os_error(error, path=str(parent)) from error
    with folder:
        fetched, plain = Path(folder.name) / "fetched", Path(folder.name) / "catalogue.zip"
        store.get(name, fetched, ctx)
        opener = opener_of(fetched)
        if opener is None:
            plain = fetched
        else:
            password = args.password
            if opener == BY_KEY and password is None:
                password = key_password(library_id)
                if password is None:
                    raise UserError("mirror.key_needed")
            open_sealed(fetched, plain, password)
        with contextlib.closing(ZipArchive(plain)) as archive:
            _judge(archive, Path(folder.name), library_id, ctx)
            yield archive


def _judge(archive: Archive, folder: Path, library_id: str, ctx: JobContext) -> None:
    """Prove that the catalogue is whole, says whose it is, has our schema alone, and names only files of a library."""
    heading = archive.manifest.heading
    if heading.contents != DATABASE or heading.library_id != library_id:
        raise UserError("backup.hostile", member=CATALOGUE)
    member = next(member for member in archive.manifest.members if member.path == CATALOGUE)
    copy = folder / "looked-at.db"
    write_member(archive, member, copy, ctx)
    if not is_sound(copy):
        raise UserError("backup.damaged", member=CATALOGUE)
    if odd_parts_of(copy, folder / "ours.db"):
        raise UserError("backup.hostile", member=CATALOGUE)
    for item in files_of(copy):
        ctx.check()
        if not isinstance(item.path, str) or not is_harmless(item.path):
            raise UserError("backup.hostile", member=str(item.path)[:200])
    copy.unlink()
