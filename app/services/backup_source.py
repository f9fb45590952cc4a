"""What a backup takes from a library: a copy of the catalogue, the files it speaks of, the keyed audit heads.

The one place that says so, for backups by hand and schedule and for the copy of the catalogue in a mirror.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path

from app import __version__
from app.backup.manifest import Heading
from app.backup.source import Source, Wanted
from app.core.clock import utc_now
from app.core.errors import EnvironmentFault
from app.core.secrets import Sealer, system_secret_store
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue
from app.storage.snapshot import copy_catalogue, facts_of, files_of

log = logging.getLogger(__name__)

DATABASE = "database"


def source_of(store: Catalogue, settings: SettingsService, work: Path, contents: str, *, encrypted: bool) -> Source:
    """Copy the catalogue into ``work`` and return what a backup of these ``contents`` is made of.

    Raises
    ------
    EnvironmentFault
        ``disk.full``, ``database.corrupt``, …
    """
    copy = work / "bitewing.db"
    copy_catalogue(store.database, copy)
    facts = facts_of(copy)
    wanted = (
        ()
        if contents == DATABASE
        else tuple(Wanted(item.image_id, item.path, item.sha256, item.bytes) for item in files_of(copy))
    )
    heading = Heading(
        library_id=facts.library_id,
        clinic=settings.clinic().clinic_name,
        created_at=utc_now(),
        program=__version__,
        schema=facts.schema,
        contents=contents,
        encrypted=encrypted,
    )
    heads = json.dumps(facts.heads, sort_keys=True).encode("utf-8")
    sealer = Sealer(system_secret_store(), store.library_id)
    try:
        mac = sealer.mac("audit-heads", heads)
    except EnvironmentFault as error:
        log.warning("audit heads not keyed: %s", error.code)
        mac = None
    workstation = {key: value for key, value in asdict(settings.workstation()).items() if key != "unknown"}

    def place_of(image_id: str) -> Path | None:
        """Return where a file is that moved while the backup ran."""
        with store.read():
            record = store.images.get(image_id)
        return None if record is None else store.paths.root / record.path

    return Source(
        store.paths.root,
        copy,
        json.dumps(workstation, ensure_ascii=False, default=str).encode("utf-8"),
        wanted,
        heading,
        place_of,
        facts.counts,
        facts.heads,
        mac,
    )
