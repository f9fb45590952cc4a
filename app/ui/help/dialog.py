"""The built-in help: topics on the near side, the page beside them, found by typing."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QTextBrowser, QWidget

from app.ui.dialogs.frame import DialogFrame
from app.ui.help.topics import Topic, topics
from app.ui.search.line import SearchLine
from app.ui.theme.stylesheet import UNIT
from app.words import t

_TOPIC = Qt.ItemDataRole.UserRole


class HelpDialog(DialogFrame):
    """Stays open beside the work. GUI thread only."""

    def __init__(self, parent: QWidget | None = None, *, topic: str = "") -> None:
        super().__init__(t("Help"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._topics = topics()
        self.search = SearchLine()
        self.search.setPlaceholderText(t("Search the help"))
        self.search.textChanged.connect(self._fill)
        self.body.addWidget(self.search)
        self.list = QListWidget()
        self.list.setProperty("role", "boxed")
        self.list.setAccessibleName(t("Topics"))
        self.list.setFixedWidth(UNIT * 28)
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.page = QTextBrowser()
        self.page.setProperty("role", "boxed")
        self.page.setAccessibleName(t("Help"))
        self.page.document().setDocumentMargin(UNIT * 2)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        row.addWidget(self.list)
        row.addWidget(self.page, 1)
        self.body.addLayout(row, 1)
        self.add_cancel(t("Close"))
        self.resize(UNIT * 110, UNIT * 70)
        self._fill("")
        self.show_topic(topic or self._topics[0].name)

    def show_topic(self, name: str) -> None:
        """Open the page of that name."""
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_TOPIC).name == name:
                self.list.setCurrentItem(item)

    @Slot(str)
    def _fill(self, words: str) -> None:
        self.list.clear()
        for topic in self._topics:
            if topic.matches(words):
                item = QListWidgetItem(topic.title)
                item.setData(_TOPIC, topic)
                self.list.addItem(item)
        if self.list.count():
            self.list.setCurrentRow(0)
        else:
            self.page.setPlainText(t("Nothing in the help has these words."))

    @Slot(QListWidgetItem, QListWidgetItem)
    def _on_current_changed(self, current: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if current is not None:
            self.page.setHtml(_html(current.data(_TOPIC)))


def _html(topic: Topic) -> str:
    direction = "rtl" if QWidget().layoutDirection() == Qt.LayoutDirection.RightToLeft else "ltr"
    body = "".join(f"<p style='line-height:130%'>{html.escape(text)}</p>" for text in topic.paragraphs)
    return f"<div dir='{direction}'><h2>{html.escape(topic.title)}</h2>{body}</div>"
