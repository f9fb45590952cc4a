"""The built-in help: found by typing, true to the words of the window, in the direction of the language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.ui.help.dialog import HelpDialog
from app.ui.help.topics import topics
from app.words import set_language

SOURCE = Path(__file__).resolve().parents[3] / "app"


@pytest.fixture(autouse=True)
def _english():
    set_language("en")
    yield
    set_language("en")


def test_typing_finds_a_topic(qtbot):
    dialog = HelpDialog()
    qtbot.addWidget(dialog)
    assert dialog.list.count() == len(topics())
    assert topics()[0].title in dialog.page.toPlainText()
    dialog.search.setText("sealed PASSWORD")
    assert [dialog.list.item(row).text() for row in range(dialog.list.count())] == ["Backups"]
    assert "cannot be opened by anybody" in dialog.page.toPlainText()
    dialog.search.setText("xylophone")
    assert dialog.list.count() == 0
    assert "has these words" in dialog.page.toPlainText()
    dialog.search.setText("")
    dialog.show_topic("restore")
    assert "Bringing things back" in dialog.page.toPlainText()


def test_what_it_quotes_is_written_so_in_the_window():
    everything = "\n".join(
        path.read_text("utf-8") for path in SOURCE.rglob("*.py") if path.parent.name != "help"
    ).casefold()
    quoted = {word for topic in topics() for text in topic.paragraphs for word in re.findall("“([^”]+)”", text)}
    assert len(quoted) > 5
    assert [words for words in sorted(quoted) if f'"{words.casefold()}"' not in everything] == []


def test_every_topic_is_said_in_arabic_too():
    english = topics()
    set_language("ar")
    arabic = topics()
    assert [topic.name for topic in arabic] == [topic.name for topic in english]
    for here, there in zip(english, arabic, strict=True):
        assert here.title != there.title
        assert all(one != other for one, other in zip(here.paragraphs, there.paragraphs, strict=True))
