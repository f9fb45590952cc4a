"""What the tree asks of the library, in the tree's own terms.

Every call here is one short indexed query (0.03–5 ms); the model may make them in the window's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core.errors import UserError
from app.ui.tree.nodes import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.patient import PatientSummary
    from app.ui.session import Session

PAGE_ROWS = 500
RECENT_ROWS = 8


class TreeSource:
    """Reads patients, counts and the inbox for the tree. Any thread."""

    def __init__(self, session: Session) -> None:
        self._library = session.library
        self._actor = session.actor

    def recent(self) -> list[PatientSummary]:
        """Return the patients opened last, newest first."""
        found: list[PatientSummary] = self._library.patients.recent(self._actor, RECENT_ROWS)
        return found

    def page(self, after: Any) -> tuple[list[PatientSummary], Any]:
        """Return the next patients by name and the key to go on from (``None`` at the end)."""
        rows: list[PatientSummary] = self._library.patients.page(self._actor, after, PAGE_ROWS)
        if len(rows) < PAGE_ROWS:
            return rows, None
        return rows, rows[-1].patient

    def counts(self, patient_id: str) -> Counts:
        """Return images by filing tooth and type."""
        counts: Counts = self._library.images.tooth_counts(self._actor, patient_id)
        return counts

    def summary(self, patient_id: str) -> PatientSummary | None:
        """Return a patient's row, or ``None`` when there is no such patient any more."""
        try:
            found: PatientSummary = self._library.patients.summary(self._actor, patient_id)
        except UserError as error:
            if error.code == "patient.none":
                return None
            raise
        return None if found.patient.deleted_at or found.patient.merged_into else found

    def inbox_count(self) -> int:
        """Return how many images wait in the inbox."""
        return len(self._library.inbox.list(self._actor))

    def image_ids(self, patient_id: str, tooth: str | None, image_type: str | None) -> Sequence[str]:
        """Return the images of a row, for dragging it somewhere else."""
        images = self._library.images.list(self._actor, patient_id=patient_id, tooth=tooth, image_type=image_type)
        # The service also finds images that only show the tooth; a row of the tree holds those filed there.
        return [image.id for image in images if tooth is None or image.tooth == tooth]
