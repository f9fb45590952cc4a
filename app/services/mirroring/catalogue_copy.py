"""The catalogue's copy in a mirror: a sealed snapshot beside the images, so that they can become a library again.

What is sealed is a backup of the database alone (its manifest carries the audit heads, keyed). The backup password
seals it; without one it lies as clear as the images beside it in a folder, or where an admin allowed that
(``mirror.NAME.clear_catalogue``); else the library's key seals it, which then has to be kept; else it stays here.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from datetime import datetime, timedelta
from pathlib import Path

from app.backup.sealed_file import seal_file
from app.backup.zip_reading import ZipArchive, entry_facts
from app.backup.zip_writing import ZipWriter
from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.core.files import sha256_file
from app.core.secrets import Sealer, system_secret_store
from app.domain.changes import Entity
from app.domain.roles import Action, Actor
from app.services.backup_source import DATABASE, source_of
from app.services.backups import PASSWORD_KEY
from app.services.door import Door
from app.services.settings import SettingsService
from app.services.workroom import private_folder
from app.transfer.stores.store import Stat, Store

log = logging.getLogger(__name__)

FOLDER = "bitewing-catalogue"
KEPT = 2
BY_PASSWORD, BY_KEY, IN_CLEAR = "password", "key", "nothing"
# Between two copies in the background, and at least; never more than a twentieth of the time goes into them.
EVERY = timedelta(minutes=15)
NIGHTLY = timedelta(hours=24)
_SHARE = 20
_NAME = re.compile(r"[0-9]{8}T[0-9]{12}Z-[0-9a-f]{16}\.(sealed|zip)")
_PURPOSE = "mirror-catalogue"


class CatalogueKeeper:
    """Keeps the copies of one library's catalogue. Any thread."""

    def __init__(self, door: Door, settings: SettingsService) -> None:
        self._door = door
        self._settings = settings

    def is_due(self, mirror: MirrorSettings, trigger: str) -> bool:
        """Whether the catalogue changed since its last copy, and that is long enough ago (or somebody asked)."""
        with self._door.store.read():
            last = self._door.store.state.get(catalogue_key(mirror))
            seq = self._door.store.changes.last()
        if not isinstance(last, dict) or not isinstance(last.get("at"), int):
            return True
        if last.get("seq") == seq:
            return False
        age = timedelta(milliseconds=epoch_ms(utc_now()) - last["at"])
        took = timedelta(milliseconds=int(last.get("took_ms") or 0))
        return trigger != "schedule" or age < timedelta(0) or age >= min(NIGHTLY, max(EVERY, took * _SHARE))

    def keep(self, actor: Actor, mirror: MirrorSettings, store: Store, ctx: JobContext) -> str:
        """Put a copy of the catalogue as it is now into the mirror, prove it, let go of old ones; return its name.

        Raises
        ------
        UserError
            ``mirror.catalogue_unsealed`` where it would lie in clear on somebody's server.
        BitewingError
            As every call of a store; ``secrets.no_key``; ``disk.full`` and kin.
        """
        opener, password = self._opener(mirror)
        began = time.monotonic()
        with self._door.store.read():
            seq = self._door.store.changes.last()
        with private_folder(self._door.store) as work:
            path = self._made(work, opener, password, ctx)
            ending = "zip" if password is None else "sealed"
            name = new_name(self._door.store.library_id, utc_now(), ending)
            digest, size = sha256_file(path)
            stat = store.put(path, name, ctx)
            known = _sha256_of(stat)
            proven = (known, stat.size) if known else _read_back(store, name, work, ctx)
            if proven != (digest, size):
                raise TransientFault("store.altered", name=name)
        for old in copies_in(store, self._door.store.library_id)[KEPT:]:
            store.delete(old)
        took_ms = round((time.monotonic() - began) * 1000)
        fields = {"at": epoch_ms(utc_now()), "seq": seq, "name": name, "sha256": digest, "size": size}
        self._door.store.state.set(catalogue_key(mirror), {**fields, "took_ms": took_ms})
        with self._door.writing(actor, Action.ARCHIVE_PUSH) as unit:
            unit.audit(Entity.BACKUP, mirror.destination, catalogue=digest, bytes=size, sealed_by=opener)
        return name

    def is_good(self, mirror: MirrorSettings, store: Store, work: Path, ctx: JobContext, *, deep: bool) -> bool | None:
        """Whether the newest copy is there as it was written; ``None`` where none was written yet.

        One that is not is made anew with the next round. Raises as every call of a store.
        """
        with self._door.store.read():
            last = self._door.store.state.get(catalogue_key(mirror))
        if not isinstance(last, dict) or not isinstance(last.get("name"), str):
            return None
        stat = store.stat(last["name"])
        good = stat is not None and stat.size == last.get("size")
        if good and deep:
            good = _read_back(store, last["name"], work, ctx) == (last.get("sha256"), last.get("size"))
        elif good and stat is not None:
            good = _sha256_of(stat) in (None, last.get("sha256"))
        if not good:
            self._door.store.state.set(catalogue_key(mirror), None)
        return good

    def _opener(self, mirror: MirrorSettings) -> tuple[str, str | None]:
        password = self._settings.secret(PASSWORD_KEY)
        if password:
            return BY_PASSWORD, password
        if mirror.kind == "folder" or mirror.clear_catalogue:
            return IN_CLEAR, None
        key = key_password(self._door.store.library_id)
        if key is None:
            raise UserError("mirror.catalogue_unsealed", destination=mirror.name)
        return BY_KEY, key

    def _made(self, work: Path, opener: str, password: str | None, ctx: JobContext) -> Path:
        source = source_of(self._door.store, self._settings, work, DATABASE, encrypted=password is not None)
        plain = work / "catalogue.zip"
        with ZipWriter(plain) as writer:
            manifest = writer.write(source, ctx, source.bytes)
            archive = ZipArchive(plain)
            archive.close()
            if entry_facts(plain) != writer.entries or archive.manifest != manifest:
                raise EnvironmentFault("backup.not_verified", member=plain.name)
            writer.settle()
        if password is None:
            return plain
        sealed = work / "catalogue.sealed"
        seal_file(plain, sealed, password, opener)
        return sealed


def new_name(library_id: str, moment: datetime, ending: str) -> str:
    """Return a name that no other copy has."""
    return f"{FOLDER}/{library_id}/{moment:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(8)}.{ending}"


def copies_in(store: Store, library_id: str) -> list[str]:
    """Return the names of a library's catalogue copies, newest first. Raises as every call of a store."""
    found = [entry.name for entry in store.list(f"{FOLDER}/{library_id}") if not entry.is_folder]
    return sorted((name for name in found if _NAME.fullmatch(name.rpartition("/")[2])), reverse=True)


def libraries_in(store: Store) -> list[str]:
    """Return the ids of the libraries whose catalogues lie in a mirror. Raises as every call of a store."""
    return sorted(entry.name.rpartition("/")[2] for entry in store.list(FOLDER) if entry.is_folder)


def key_password(library_id: str) -> str | None:
    """Return what stands for a password where the library's key seals; ``None`` where this account has no key."""
    return Sealer(system_secret_store(), library_id).mac(_PURPOSE, library_id.encode("ascii"))


def _sha256_of(stat: Stat) -> str | None:
    return stat.digest.value if stat.digest is not None and stat.digest.algorithm == "sha256" else None


def _read_back(store: Store, name: str, work: Path, ctx: JobContext) -> tuple[str, int]:
    """Return digest and size of what lies there, computed here: some stores prove nothing but the size."""
    path = work / "read-back"
    store.get(name, path, ctx)
    found = sha256_file(path)
    path.unlink()
    return found


def catalogue_key(mirror: MirrorSettings) -> str:
    """Return where it is remembered what lies in a mirror."""
    return f"{mirror.destination}.catalogue"
