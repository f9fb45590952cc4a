"""How the chips of safe-keeping look: colour, a few words, and the reason for the tool tip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.clock import utc_now
from app.ui.formats import day, isolated, ltr, number, size
from app.ui.status.chip import Health
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.backup_health import BackupHealth
    from app.services.monitor import FolderStatus

State = tuple[Health, str, str]


def backup_state(health: BackupHealth) -> State:
    """Return how the backups stand; amber says in the tool tip what to do."""
    if health.drive.is_revoked:
        words = error_words.describe("drive.revoked")
        return Health.FAILED, words.title, f"{words.explanation} {words.what_to_do}"
    if health.last is None:
        if health.is_overdue:
            first = t("A backup is planned but none was made yet; make the first one now.")
            return Health.WAITING, t("none yet"), first
        return Health.OFF, t("none yet"), t("No backups are made. Choose a folder and a time in the settings.")
    local = health.last.created_at.astimezone()
    is_today = local.date() == utc_now().astimezone().date()
    when = f"{local:%H:%M}" if is_today else day(local)
    text = f"{when} · {size(health.last.bytes)}"
    if health.is_overdue:
        return Health.WAITING, text, t("The newest good backup is older than planned. Is its drive connected?")
    if health.last_drill is not None and not health.last_drill.ok:
        return Health.FAILED, text, t("The last trial of restoring failed. Make a new backup and try again.")
    if health.drill_is_overdue:
        return Health.WAITING, text, t("Restoring was not tried for a long time. Try it now: it takes a few minutes.")
    return Health.GOOD, text, t("Newest good backup: {date}", date=isolated(ltr(f"{day(local)} {local:%H:%M}")))


def folders_state(folders: Sequence[FolderStatus]) -> State:
    """Return how the watched folders stand."""
    today = sum(folder.today for folder in folders)
    waiting = sum(folder.waiting for folder in folders)
    away = [folder.rule.path for folder in folders if not folder.present]
    text = t("{count} today", count=number(today)) if today else t("none today")
    if away:
        gone = tn("{n} folder away", "{n} folders away", len(away))
        return Health.WAITING, gone, "\n".join((t("Looked for all the time; nothing is lost:"), *map(ltr, away)))
    lines = [ltr(folder.rule.path) for folder in folders]
    if waiting:
        lines.append(tn("{n} file is still being written", "{n} files are still being written", waiting))
    return Health.GOOD, text, "\n".join(lines)
