"""``bitewing info FILE``: what is this file? Needs no library; the file is read in the decoding child."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.cli import output
from app.cli.places import require_file
from app.cli.session import Session, common
from app.core.errors import BitewingError
from app.domain.facts import FileFacts
from app.domain.image import Laterality
from app.imaging.child.client import Decoder
from app.words import t


@click.command("info", help=t("Say what a file is."))
@click.argument("file", type=click.Path(path_type=Path))
@common
@click.pass_obj
def command(session: Session, file: Path) -> int:
    """Look at the file."""
    try:
        require_file(file)
        with Decoder() as decoder:
            facts = decoder.probe(file)
    except BitewingError as error:
        output.fail(str(file), error.code, error.facts)
        if session.json:
            output.emit({"error": output.refusal(error.code, error.facts)})
        return 1
    row = _row(facts)
    if session.json:
        output.emit(row)
        return 0
    for name, value in row.items():
        shown = ", ".join(f"{key} {part}" for key, part in value.items()) if isinstance(value, dict) else value
        shown = ", ".join(value) if isinstance(value, list | tuple) else shown
        output.say(f"{name}: {'–' if shown in (None, '') else shown}")
    return 0


def _row(facts: FileFacts) -> dict[str, Any]:
    identity = facts.identity
    spacing, window = facts.spacing, facts.window
    return {
        "kind": facts.kind.value,
        "rows": facts.rows,
        "columns": facts.columns,
        "frames": facts.frames,
        "bits": facts.bits,
        "photometric": facts.photometric,
        "transfer_syntax": facts.transfer_syntax_uid,
        "sop_class": facts.sop_class_uid,
        "modality": output.known(facts.modality),
        "patient": {
            "id": output.known(identity.patient_id),
            "name": output.known(identity.name),
            "birth_date": identity.birth_date.isoformat() if identity.birth_date else None,
        },
        "teeth": facts.teeth,
        "laterality": None if facts.laterality is Laterality.UNKNOWN else facts.laterality.value,
        "window": {"center": window[0], "width": window[1]} if window else None,
        "spacing": {"row": spacing.row, "column": spacing.column, "source": spacing.source} if spacing else None,
        "content": facts.content_label,
        "notes": facts.notes,
    }
