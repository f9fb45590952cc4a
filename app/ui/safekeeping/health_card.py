"""How safe the library is, in three lines: the newest backup, the next one, the last trial of restoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout

from app.ui.formats import day, isolated, joined, moment, size
from app.ui.states import plain_label
from app.ui.status.chip import Dot, Health
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.backup_health import BackupHealth


class HealthCard(QFrame):
    """Three lamps with a line each."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(UNIT * 2, UNIT + 4, UNIT * 2, UNIT + 4)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(UNIT // 2)
        self._grid.setColumnStretch(2, 1)
        self._lines = []
        for row, title in enumerate(_titles()):
            lamp, text = Dot(), plain_label("–", wrap=True)
            self._grid.addWidget(lamp, row, 0, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(plain_label(title, "muted"), row, 1)
            self._grid.addWidget(text, row, 2)
            self._lines.append((lamp, text))

    def show_health(self, health: BackupHealth) -> None:
        """Show how safe the library is."""
        for (lamp, text), (_title, colour, words) in zip(self._lines, backup_lines(health), strict=True):
            lamp.set_health(colour)
            text.setText(words)


def backup_lines(health: BackupHealth) -> list[tuple[str, Health, str]]:
    """Return how safe the library is, as title, colour and words of each line."""
    found = (_last(health), _next(health), _drill(health))
    return [(title, *line) for title, line in zip(_titles(), found, strict=True)]


def _titles() -> tuple[str, str, str]:
    return t("Newest backup"), t("Next backup"), t("Last trial of restoring")


def _last(health: BackupHealth) -> tuple[Health, str]:
    if health.last is None:
        return (Health.WAITING if health.is_overdue else Health.OFF), t("none yet")
    record = health.last
    words = joined(moment(record.created_at), tn("{n} image", "{n} images", record.images), size(record.bytes))
    return (Health.WAITING if health.is_overdue else Health.GOOD), words


def _next(health: BackupHealth) -> tuple[Health, str]:
    if health.next_at is None:
        return Health.OFF, t("by hand only; choose a folder and a time in the settings")
    return Health.GOOD, moment(health.next_at)


def _drill(health: BackupHealth) -> tuple[Health, str]:
    drill = health.last_drill
    if drill is None:
        return (Health.WAITING if health.drill_is_overdue else Health.OFF), t("never tried")
    if not drill.ok:
        return Health.FAILED, t("{date}: failed", date=isolated(day(drill.at)))
    passed = t("{date}: passed", date=isolated(day(drill.at)))
    return (Health.WAITING if health.drill_is_overdue else Health.GOOD), joined(
        passed, tn("{n} file compared", "{n} files compared", drill.files)
    )
