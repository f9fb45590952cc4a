"""Notices as small cards in the window's corner; they leave by themselves and stop nobody.

Errors stay until they are put away or much longer, because they must be read.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.ui.notices import Notice, NoticeKind
from app.ui.states import plain_label, set_margins
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import t

WIDTH_PX = 360
MOST = 4
_STAY_MS = {NoticeKind.INFO: 5000, NoticeKind.DONE: 6000, NoticeKind.WARNING: 12000, NoticeKind.ERROR: 30000}


class Toast(QFrame):
    """One notice."""

    def __init__(self, notice: Notice, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "toast")
        self.setProperty("kind", notice.kind.value)
        self.setFixedWidth(WIDTH_PX)
        self._notice = notice
        words = QVBoxLayout()
        words.setSpacing(UNIT // 2)
        title = plain_label(notice.title, "heading", wrap=True, selectable=True)
        words.addWidget(title)
        if notice.text:
            words.addWidget(plain_label(notice.text, "muted", wrap=True, selectable=True))
        if notice.action and notice.act is not None:
            button = QPushButton(notice.action)
            button.clicked.connect(self._on_action_clicked)
            words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setToolTip(t("Close"))
        close.setAccessibleName(t("Close"))
        close.clicked.connect(self.close)
        row = QHBoxLayout(self)
        set_margins(row, UNIT * 2, UNIT, UNIT, UNIT + 4)
        row.setSpacing(UNIT)
        row.addLayout(words, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(" ".join((notice.title, notice.text)))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.close)
        self._timer.start(_STAY_MS[notice.kind])

    @Slot()
    def _on_action_clicked(self) -> None:
        if self._notice.act is not None:
            self._notice.act()
        self.close()


class ToastRack(QObject):
    """Stacks toasts over a widget, newest at the bottom."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._toasts: list[Toast] = []
        over.installEventFilter(self)

    @Slot(object)
    def show_notice(self, notice: Notice) -> None:
        """Show one more; the oldest goes when there are too many."""
        toast = Toast(notice, self._over)
        toast.destroyed.connect(self._on_toast_destroyed)
        toast.installEventFilter(self)
        self._toasts.append(toast)
        while len(self._toasts) > MOST:
            self._toasts.pop(0).close()
        toast.show()
        self._place()

    def texts(self) -> list[str]:
        """Return what is on show, for screen readers and tests."""
        return [toast.accessibleName() for toast in self._toasts]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the stack in its corner."""
        if event.type() == QEvent.Type.Resize and watched is self._over:
            self._place()
        if event.type() == QEvent.Type.Close and watched in self._toasts:
            self._toasts.remove(watched)
            self._place()
        return False

    @Slot()
    def _on_toast_destroyed(self) -> None:
        self._place()

    def _place(self) -> None:
        bottom = self._over.height() - UNIT * 6
        mirrored = self._over.layoutDirection() == Qt.LayoutDirection.RightToLeft
        # At the near side, over the tooth chart: the far corner holds the buttons that decide things.
        left = self._over.width() - WIDTH_PX - UNIT * 2 if mirrored else UNIT * 2
        for toast in reversed(self._toasts):
            toast.adjustSize()
            height = max(toast.sizeHint().height(), toast.heightForWidth(WIDTH_PX))
            bottom -= height
            toast.setGeometry(left, bottom, WIDTH_PX, height)
            toast.raise_()
            bottom -= UNIT
