"""Which module of ``error_texts`` has the words for a code: by the part of the code before its dot."""

from __future__ import annotations

from collections.abc import Callable

from app.words.error_texts import (
    agent,
    backups,
    checks,
    decoding,
    dimse,
    disks,
    drive,
    export,
    files,
    identity,
    images,
    library,
    lists,
    migration,
    mirrors,
    monitor,
    outbox,
    pacs,
    patients,
    program,
    proof,
    publishing,
    receiving,
    sharing,
    stores,
    treatments,
    watch,
    worklist,
)
from app.words.error_texts.templates import ErrorTemplates


def templates_for(code: str) -> ErrorTemplates | None:
    """Return the templates of a code, in the language in use."""
    topic = TOPICS.get(code.partition(".")[0])
    return topic().get(code) if topic else None


TOPICS: dict[str, Callable[[], dict[str, ErrorTemplates]]] = {
    "agent": agent.texts,
    "file": files.texts,
    "decoder": decoding.texts,
    "dicom": decoding.texts,
    "photo": decoding.texts,
    "document": decoding.texts,
    "frame": decoding.texts,
    "archive": decoding.texts,
    "identity": identity.texts,
    "outbox": outbox.texts,
    "mirror": mirrors.texts,
    "pacs": pacs.texts,
    "store": stores.texts,
    "receive": receiving.texts,
    "dimse": dimse.texts,
    "publish": publishing.texts,
    "worklist": worklist.texts,
    "image": images.texts,
    "case": images.texts,
    "import": images.texts,
    "patient": patients.texts,
    "tooth": patients.texts,
    "role": patients.texts,
    "csv": lists.texts,
    "disk": disks.texts,
    "drive": drive.texts,
    "library": library.texts,
    "database": library.texts,
    "settings": library.texts,
    "secrets": library.texts,
    "cancelled": library.texts,
    "export": export.texts,
    "share": sharing.texts,
    "program": program.texts,
    "job": program.texts,
    "check": checks.texts,
    "drill": proof.texts,
    "proof": proof.texts,
    "treatment": treatments.texts,
    "watch": watch.texts,
    "monitor": monitor.texts,
    "backup": backups.texts,
    "restore": backups.texts,
    "inbox": images.texts,
    "move": images.texts,
    "migrate": migration.texts,
}
