"""How a share is to be: which copy, how long, what for; and what a person must have looked at before it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QLayout,
    QLineEdit,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import UserError
from app.domain.sharing import LONGEST_CASE, new_code, seconds_of
from app.services.outgoing.model import LONGEST_SIDE, Form, OutgoingArgs, args_for
from app.services.sharing.model import ShareWish
from app.ui.formats import number, size
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import sharing as words
from app.words import t, tn

if TYPE_CHECKING:
    from app.domain.profiles import Profile
    from app.domain.sharing import Share
    from app.services.sharing.model import Prepared

WIDTH_PX = UNIT * 42
_MOST_MISFITS = 8


def lengths() -> tuple[tuple[str, str], ...]:
    """Return how long a link may be chosen to last, with words."""
    return (
        ("1h", tn("{n} hour", "{n} hours", 1)),
        ("8h", tn("{n} hour", "{n} hours", 8)),
        ("1d", tn("{n} day", "{n} days", 1)),
        ("3d", tn("{n} day", "{n} days", 3)),
        ("7d", tn("{n} day", "{n} days", 7)),
    )


class LengthBox(QComboBox):
    """Chooses how long; begins with what the settings say."""

    def __init__(self, usual: str) -> None:
        super().__init__()
        for text, said in lengths():
            self.addItem(said, text)
        if self.findData(usual) < 0:
            self.insertItem(0, usual, usual)
        self.setCurrentIndex(self.findData(usual))
        self.setAccessibleName(t("The link lasts"))

    def seconds(self) -> int | None:
        """Return the seconds chosen; ``None`` where the settings say something that cannot be."""
        try:
            return seconds_of(str(self.currentData()))
        except UserError:
            return None


class ShareOptions(QScrollArea):
    """The options of one share. GUI thread only."""

    copy_changed = Signal()
    looked_changed = Signal()

    def __init__(
        self, usual: str, limit_bytes: int, receivers: tuple[Profile, ...] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._limit_bytes = limit_bytes
        self._receivers = {profile.name: profile for profile in receivers}
        self.receiver = QComboBox()
        self.receiver.addItem(t("Anybody"), "")
        for profile in receivers:
            self.receiver.addItem(words.receiver(profile.name), profile.name)
        self.receiver.setAccessibleName(t("For whom"))
        self.receiver.activated.connect(self._on_receiver_activated)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(WIDTH_PX)
        self.optimised, self.original = (
            QRadioButton(t("A smaller picture (JPEG)")),
            QRadioButton(t("All of the picture")),
        )
        self.optimised.setToolTip(t("Up to {pixels} pixels on its longer side.", pixels=number(LONGEST_SIDE)))
        self.original.setToolTip(t("DICOM stays DICOM, with every pixel."))
        self.optimised.setChecked(True)
        self._forms = QButtonGroup(self)
        for button in (self.optimised, self.original):
            self._forms.addButton(button)
        self._forms.buttonToggled.connect(self._on_forms_toggled)
        self.identified = QCheckBox(t("Say whose it is"))
        self.identified.toggled.connect(self._on_identified_toggled)
        self.length = LengthBox(usual)
        self.lock = QCheckBox(t("Lock it with a code"))
        self.lock.setToolTip(t("A zip that opens with a code, which you tell another way than the link."))
        self.case = QLineEdit()
        self.case.setMaxLength(LONGEST_CASE)
        self.case.setPlaceholderText(t("Case or appointment (optional)"))
        self.case.setAccessibleName(t("Case reference"))
        self.checks: list[QCheckBox] = []
        self._checks_column, self._removed = QVBoxLayout(), QGridLayout()
        self._checks_column.setSpacing(UNIT // 2)
        self._misfits_column = QVBoxLayout()
        self._misfits_column.setSpacing(UNIT // 2)
        self._misfits_title = plain_label(t("Does not fit"), "heading")
        self._misfits_title.hide()
        self._look_title = plain_label(t("Please look"), "heading")
        self._sum = plain_label("", "muted", wrap=True)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, UNIT, 0)
        column.setSpacing(UNIT)
        for widget in (
            plain_label(t("For whom"), "heading"),
            self.receiver,
            plain_label(t("The copy"), "heading"),
            self.optimised,
            self.original,
            self.identified,
            self._sum,
            plain_label(t("The link lasts"), "heading"),
            self.length,
            self.lock,
            self.case,
            self._misfits_title,
        ):
            column.addWidget(widget)
        column.addLayout(self._misfits_column)
        column.addWidget(self._look_title)
        column.addLayout(self._checks_column)
        column.addWidget(plain_label(t("Left out of the copy"), "heading"))
        card = QFrame()
        card.setProperty("role", "card")
        card.setLayout(self._removed)
        self._removed.setContentsMargins(UNIT + 4, UNIT, UNIT + 4, UNIT)
        self._removed.setVerticalSpacing(UNIT // 2)
        self._removed.setColumnStretch(0, 1)
        column.addWidget(card)
        column.addStretch(1)
        self.setWidget(page)
        self._look_title.hide()

    def args(self) -> OutgoingArgs:
        """Return which copy is wanted."""
        profile = self._receivers.get(str(self.receiver.currentData()))
        if profile is not None:
            return args_for(profile, self._limit_bytes)
        form = Form.ORIGINAL if self.original.isChecked() else Form.OPTIMISED
        return OutgoingArgs(form, self.identified.isChecked(), limit_bytes=self._limit_bytes)

    def adopt(self, share: Share) -> None:
        """Choose what an earlier share was."""
        row = self.receiver.findData(share.receiver)
        if row > 0:
            self.receiver.setCurrentIndex(row)
            self._on_receiver_activated(row)
        else:
            (self.original if share.form == Form.ORIGINAL.value else self.optimised).setChecked(True)
            self.identified.setChecked(share.identified)
        self.lock.setChecked(share.locked)
        self.case.setText(share.case_reference)

    def wish(self) -> ShareWish:
        """Return how the share is to be."""
        seen = tuple(str(check.property("warning")) for check in self.checks if check.isChecked())
        code = new_code() if self.lock.isChecked() else ""
        return ShareWish(self.length.seconds(), self.case.text(), seen, code)

    @property
    def all_looked_at(self) -> bool:
        """Whether a person said of everything that must be looked at that they did."""
        return all(check.isChecked() for check in self.checks)

    def allow(self, left: Callable[[str], int]) -> None:
        """Let a person say of a warning that they looked once ``left`` has nothing more to be looked at for it."""
        for check in self.checks:
            count = left(str(check.property("warning")))
            check.setEnabled(not count)
            first = tn("First look at {n} more picture", "First look at {n} more pictures", count)
            check.setText(first if count else t("I have looked"))

    def show_prepared(self, prepared: Prepared | None) -> None:
        """Say what was left out of the copies and what is to be looked at; nothing while they are made."""
        for check in self.checks:
            check.hide()
            check.deleteLater()
        self.checks = []
        _empty(self._removed)
        _empty(self._misfits_column)
        self._list_misfits(prepared)
        counts = Counter(warning.value for copy in (prepared.copies if prepared else ()) for warning in copy.warnings)
        wanted = prepared.to_look_at if prepared else ()
        for warning in wanted:
            self._add_check(warning, counts[warning], len(prepared.copies) if prepared else 0)
        self._look_title.setVisible(bool(wanted))
        if prepared is None:
            self._sum.setText("")
            return
        notes = [words.warning(name) for name in ("first_frame",) if counts[name]]
        total = t(
            "{images}, {size} in all",
            images=tn("{n} image", "{n} images", len(prepared.copies)),
            size=size(prepared.size_bytes),
        )
        self._sum.setText(" ".join([total, *notes]))
        self._list_removed(prepared)
        self.looked_changed.emit()

    def _add_check(self, warning: str, count: int, total: int) -> None:
        check = QCheckBox(t("I have looked"))
        check.setProperty("warning", warning)
        check.setEnabled(False)
        said = words.warning(warning)
        if total > 1:
            said = t("{warning} ({count} of {total})", warning=said, count=count, total=total)
        check.setAccessibleName(said)
        check.toggled.connect(self._on_check_toggled)
        label = plain_label(said, "warn", wrap=True)
        check.destroyed.connect(label.deleteLater)
        self._checks_column.addWidget(label)
        self._checks_column.addWidget(check)
        self.checks.append(check)

    def _list_misfits(self, prepared: Prepared | None) -> None:
        found = prepared.misfits if prepared else ()
        self._misfits_title.setVisible(bool(found))
        for number_, one in found[:_MOST_MISFITS]:
            said = words.misfit(one.code, one.facts)
            if prepared is not None and len(prepared.copies) > 1:
                said = t("Image {number}: {what}", number=number_, what=said)
            self._misfits_column.addWidget(plain_label(said, "bad", wrap=True))
        if len(found) > _MOST_MISFITS:
            more = tn("and {n} more", "and {n} more", len(found) - _MOST_MISFITS)
            self._misfits_column.addWidget(plain_label(more, "muted"))

    def _list_removed(self, prepared: Prepared) -> None:
        counts: Counter[str] = Counter()
        for copy in prepared.copies:
            counts.update({item.kind: item.count for item in copy.removed})
        if not counts:
            self._removed.addWidget(plain_label(t("Nothing"), "muted"), 0, 0)
            return
        for row, (kind, count) in enumerate(counts.most_common()):
            self._removed.addWidget(plain_label(words.removed(kind), wrap=True), row, 0)
            self._removed.addWidget(plain_label(number(count), "muted"), row, 1, Qt.AlignmentFlag.AlignTrailing)

    @Slot(int)
    def _on_receiver_activated(self, _row: int) -> None:
        """Show what a receiver asks for; it alone says which copy goes out."""
        profile = self._receivers.get(str(self.receiver.currentData()))
        for widget in (self.optimised, self.original, self.identified):
            widget.setEnabled(profile is None)
        with QSignalBlocker(self._forms), QSignalBlocker(self.identified):
            is_original = profile is not None and profile.form == Form.ORIGINAL.value
            (self.original if is_original else self.optimised).setChecked(True)
            self.identified.setChecked(profile is not None and profile.identified)
        self.copy_changed.emit()

    @Slot(object, bool)
    def _on_forms_toggled(self, _button: object, on: bool) -> None:
        if on:
            self.copy_changed.emit()

    @Slot(bool)
    def _on_identified_toggled(self, _on: bool) -> None:
        self.copy_changed.emit()

    @Slot(bool)
    def _on_check_toggled(self, _on: bool) -> None:
        self.looked_changed.emit()


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
