"""What speaks for a proposed patient, in words."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.proposals import Reason
from app.ui.formats import joined
from app.words import t


def reasons_text(reasons: Sequence[Reason]) -> str:
    """Return the reasons as one line."""
    words = {
        Reason.CHOSEN: t("was chosen before"),
        Reason.STUDY: t("the rest of the study is theirs"),
        Reason.PICTURE: t("has the same picture already"),
        Reason.PATIENT_ID: t("same chart number"),
        Reason.NAME: t("same name"),
        Reason.BIRTH_DATE: t("same birth date"),
    }
    return joined(*(words[reason] for reason in reasons))
