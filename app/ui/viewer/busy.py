"""What a cell says while its picture is on its way: opening, or fetched from elsewhere with how much is here."""

from __future__ import annotations

from app.ui.viewer.overlay_paint import Notice
from app.words import numbers, t


def busy_notice(came: tuple[int, int] | None) -> Notice:
    """Return the notice; ``came`` is how many bytes of how many are here, where a file is fetched."""
    if came is None:
        return Notice(t("Opening the image…"), tone="busy")
    done, total = came
    detail = t("{done} of {total}", done=numbers.size(done), total=numbers.size(total))
    return Notice(t("Its file is missing here and is brought back from a copy…"), detail, tone="busy")
