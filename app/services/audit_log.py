"""The audit log for those who may see it: proving that nothing of it was changed, and writing it out."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.core.context import JobContext
from app.core.files import translate_os_error, write_atomically
from app.core.progress import Progress
from app.domain.audit import AuditEntry
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.storage.audit import AuditReport


class AuditLog:
    """Reads the audit log of one library. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def verify(self, actor: Actor) -> AuditReport:
        """Walk every chain and say where one does not hold. Raises ``role.refused``."""
        self._door.require(actor, Action.AUDIT_VIEW)
        return self._door.store.audit.verify()

    def export(self, actor: Actor, path: Path, ctx: JobContext) -> int:
        """Write every entry as a line of JSON, chain by chain with its hashes, and return how many.

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``disk.full`` and kin.
        """
        self._door.require(actor, Action.AUDIT_VIEW)
        lines = []
        for entry in self._door.store.audit.stream():
            ctx.check()
            lines.append(json.dumps(_fields(entry), ensure_ascii=False, sort_keys=True))
            ctx.report(Progress(len(lines), None, "rows"))
        try:
            write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8"))
        except OSError as error:
            raise translate_os_error(error, path=str(path)) from error
        return len(lines)


def _fields(entry: AuditEntry) -> dict[str, Any]:
    return {**asdict(entry), "at": entry.at.isoformat()}
