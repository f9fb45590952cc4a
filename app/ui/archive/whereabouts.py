"""Where an image is beside the library, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.formats import isolated, joined, moment
from app.words import t

if TYPE_CHECKING:
    from app.services.outbox import Whereabouts


def whereabouts_text(found: Whereabouts) -> str:
    """Return a line for each copy and for each thing that is on its way; empty when there is none."""
    lines = [
        joined(t("Archive"), t("proven {date}", date=isolated(moment(copy.confirmed_at)))) for copy in found.copies
    ]
    for entry in found.entries:
        if entry.wish.value == "remove":
            words = t("is being called back")
        elif entry.state.value == "parked":
            words = t("waits for a decision")
        else:
            words = t("waits to be sent")
        lines.append(joined(t("Archive"), words))
    return "\n".join(lines)
