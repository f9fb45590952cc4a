"""Files and rows together, with who did it: the way every image comes in or moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.domain.image import ImageRecord
from app.domain.naming import file_name
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit

Say = Callable[[Unit, ImageRecord], None]
Settle = Callable[[Unit, ImageRecord], ImageRecord]


class Shelf:
    """Puts images in their places. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def arrive(
        self,
        actor: Actor,
        action: Action,
        record: ImageRecord,
        source: Path,
        settle: Settle,
        say: Say,
        ctx: JobContext,
    ) -> ImageRecord:
        """Copy ``source`` to the directory of ``record`` and catalogue it in one transaction with ``say``.

        Parameters
        ----------
        record
            What is catalogued when a crash cuts this off after the copy.
        settle
            Gets it inside the transaction and returns what is catalogued instead; may raise to undo all.

        Raises
        ------
        EnvironmentFault
            ``disk.full``, ``file.changed``, …: neither file nor row is there then.
        Cancelled
            While copying; likewise.
        """
        named = replace(record, filename=file_name(epoch_ms(utc_now()), record.mime_type))
        arrival = self._door.store.filing.arrival(named, source, lambda _bytes: ctx.check())
        with arrival as placed, self._door.writing(actor, action) as unit:
            placed.record = settle(unit, placed.record)
            placed.write_rows()
            say(unit, placed.record)
        return placed.record

    def move(
        self,
        actor: Actor,
        action: Action,
        before: ImageRecord,
        after: ImageRecord,
        say: Say,
        settle: Callable[[Unit], None] | None = None,
    ) -> ImageRecord:
        """Move an image's file to the directory of ``after`` and write its row in one transaction with ``say``.

        ``settle`` is called first in that transaction; it may raise to undo all.

        Raises
        ------
        UserError
            ``image.changed_elsewhere``; ``patient.none`` when the patient was retired meanwhile.
        EnvironmentFault
            ``file.missing``, ``disk.full``, …: the image is where it was then.
        """
        with self._door.store.filing.moving(before, after) as placed, self._door.writing(actor, action) as unit:
            if settle is not None:
                settle(unit)
            if after.patient_id is not None:
                unit.living_patient(after.patient_id)
            placed.write_rows()
            say(unit, placed.record)
        return placed.record
