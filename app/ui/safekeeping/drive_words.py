"""How Google Drive stands, as a lamp and a sentence: grey, green, amber while offline, red with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.ui.formats import isolated, joined, moment, size
from app.ui.status.chip import Health
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.drive.account import Standing
    from app.storage.drive import DriveRecord

REVOKED = "drive.revoked"


def standing_words(standing: Standing, *, briefly: bool = False) -> tuple[Health, str]:
    """Return how the connection stands; ``briefly``: beside a page that says the rest."""
    if standing.is_revoked:
        return fault_words(EnvironmentFault(REVOKED), briefly=briefly)
    if standing.is_connected:
        return Health.GOOD, t("Connected.")
    if not standing.has_client:
        return Health.OFF, t("Not connected. Enter the client ID and the client secret first.")
    return Health.OFF, t("Not connected.")


def fault_words(error: BitewingError, *, briefly: bool = False) -> tuple[Health, str]:
    """Return what went wrong: amber for what passes by itself."""
    words = error_words.words_for(error)
    said = words.title if briefly else " ".join(part for part in (words.explanation, words.what_to_do) if part)
    return (Health.WAITING if isinstance(error, TransientFault) else Health.FAILED), said


def last_words(last: DriveRecord | None) -> tuple[Health, str]:
    """Return how the last upload ended."""
    if last is None:
        return Health.OFF, t("No backup was sent yet.")
    when = isolated(moment(last.finished_at or last.started_at))
    why = error_words.reason(last.code) if last.code else ""
    if last.state.value == "completed":
        what = joined(tn("{n} image", "{n} images", last.images), size(last.bytes))
        return Health.GOOD, joined(t("Last backup arrived whole: {date}", date=when), what)
    if last.state.value == "failed":
        return Health.FAILED, f"{t('The last backup did not arrive ({date}).', date=when)} {why}".strip()
    if last.state.value == "waiting":
        return Health.WAITING, f"{t('The last backup is half there and goes on.')} {why}".strip()
    return Health.WAITING, t("A backup is on its way.")
