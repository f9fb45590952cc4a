"""The filmstrip: order, thumbnails in sight only, selection, dragging, right-to-left."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QListView

from app.core.errors import BitewingError, EnvironmentFault
from app.ui.filmstrip.model import KEPT_THUMBNAILS, SHOWN_ROLE, STATE_ROLE, THUMBNAIL_ROLE, FilmstripModel, StripItem
from app.ui.filmstrip.view import Filmstrip
from app.ui.viewer.sources import MIME_IMAGES

START = datetime(2026, 11, 12, 10, 42, tzinfo=UTC)


def jpeg() -> bytes:
    picture = QImage(40, 30, QImage.Format.Format_RGB32)
    picture.fill(QColor("#808080"))
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "JPEG")
    return bytes(data.data())


class Thumbnails:
    """Counts what is asked for; images whose id starts with ``x`` have none, with ``f`` fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._jpeg = jpeg()

    def thumbnail(self, image_id: str) -> bytes | None:
        self.asked.append(image_id)
        if image_id.startswith("f"):
            raise EnvironmentFault("file.missing")
        return None if image_id.startswith("x") else self._jpeg


class NowCalls:
    """Answers at once."""

    def ask(self, _lane: Hashable, work: Callable[[], Any], then: Any, failed: Any = None) -> None:
        try:
            result = work()
        except BitewingError as error:
            failed(error)
        else:
            then(result)

    def drop(self, _lane: Hashable) -> None:
        """Nothing waits here."""

    def busy(self, _lane: Hashable) -> bool:
        return False


def items(count: int) -> list[StripItem]:
    return [StripItem(f"i{n:04}", START - timedelta(days=n), f"day {n}", "x-ray") for n in range(count)]


@pytest.fixture
def source() -> Thumbnails:
    return Thumbnails()


@pytest.fixture
def strip(qtbot: Any, source: Thumbnails) -> Filmstrip:
    widget = Filmstrip(NowCalls(), source)
    qtbot.addWidget(widget)
    widget.resize(700, widget.comfortable_height())
    widget.show()
    return widget


def test_newest_first_and_undated_last(source: Thumbnails):
    model = FilmstripModel(NowCalls(), source)
    undated = StripItem("i9", None, "", "document")
    model.set_items([undated, *reversed(items(3))])
    assert [model.item(row).image_id for row in range(4)] == ["i0000", "i0001", "i0002", "i9"]
    assert model.data(model.index(0)) == "day 0 · x-ray"


def test_only_thumbnails_in_sight_are_fetched(qtbot: Any, strip: Filmstrip, source: Thumbnails):
    strip.set_items(items(5000))
    qtbot.waitUntil(lambda: len(source.asked) >= 6, timeout=2000)
    assert source.asked[:3] == ["i0000", "i0001", "i0002"]
    assert len(source.asked) < 25
    before = len(source.asked)
    strip.horizontalScrollBar().setValue(strip.horizontalScrollBar().maximum())
    qtbot.waitUntil(lambda: "i4999" in source.asked, timeout=2000)
    assert len(source.asked) - before < 25


def test_thumbnails_kept_are_bounded(source: Thumbnails):
    model = FilmstripModel(NowCalls(), source)
    model.set_items(items(KEPT_THUMBNAILS + 50))
    model.want(range(KEPT_THUMBNAILS + 50))
    held = [row for row in range(model.rowCount()) if model.data(model.index(row), THUMBNAIL_ROLE) is not None]
    assert len(held) == KEPT_THUMBNAILS
    assert 0 not in held


def test_images_without_a_thumbnail_say_so_and_are_not_asked_again(source: Thumbnails):
    model = FilmstripModel(NowCalls(), source)
    model.set_items([StripItem(name, START, "", "") for name in ("f", "ok", "x")])
    model.want(range(3))
    model.want(range(3))
    assert source.asked == ["f", "ok", "x"]
    assert [model.data(model.index(row), STATE_ROLE) for row in (0, 2)] == ["none", "none"]
    model.forget_thumbnail("x")
    model.want(range(3))
    assert source.asked[-1] == "x"


def test_click_chooses_and_double_click_activates(qtbot: Any, strip: Filmstrip):
    strip.set_items(items(8))
    chosen: list[str] = []
    activated: list[str] = []
    strip.image_chosen.connect(chosen.append)
    strip.image_activated.connect(activated.append)
    place = strip.visualRect(strip.model().index(2, 0)).center()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: chosen == ["i0002"], timeout=2000)
    QTest.mouseDClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.keyClick(strip, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: chosen == ["i0002", "i0003"], timeout=2000)
    assert activated == ["i0002"]


def test_following_the_viewer_tells_nobody(strip: Filmstrip):
    strip.set_items(items(50))
    told: list[Any] = []
    strip.image_chosen.connect(told.append)
    strip.selection_changed.connect(told.append)
    strip.follow(["i0040", "i0041", "nobody"], chosen="i0041")
    QApplication.processEvents()
    # What lies in other cells is marked, not chosen: deleting the choice must not delete it.
    assert strip.selected_ids() == ["i0041"]
    assert [strip.model().index(row, 0).data(SHOWN_ROLE) for row in (39, 40, 41)] == [False, True, True]
    assert strip.viewport().rect().intersects(strip.visualRect(strip.model().index(40, 0)))
    assert told == []


def test_several_can_be_chosen_while_the_viewer_follows(qtbot: Any, strip: Filmstrip):
    strip.set_items(items(8))
    chosen: list[str] = []

    def open_and_follow(image_id: str) -> None:
        chosen.append(image_id)
        strip.follow([image_id], image_id)

    strip.image_chosen.connect(open_and_follow)
    for row, modifier in ((1, Qt.KeyboardModifier.NoModifier), (3, Qt.KeyboardModifier.ControlModifier)):
        place = strip.visualRect(strip.model().index(row, 0)).center()
        QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, modifier, place)
        qtbot.waitUntil(lambda row=row: chosen[-1:] == [f"i{row:04}"], timeout=2000)
    assert strip.selected_ids() == ["i0001", "i0003"]


def test_what_is_dragged_away_does_not_open_first(strip: Filmstrip, monkeypatch: pytest.MonkeyPatch):
    strip.set_items(items(8))
    chosen: list[str] = []
    carried: list[list[str]] = []
    strip.image_chosen.connect(chosen.append)
    # The drag itself runs the platform's own loop; only what it would carry matters here.
    monkeypatch.setattr(QListView, "startDrag", lambda view, _actions: carried.append(view.selected_ids()))
    place = strip.visualRect(strip.model().index(2, 0)).center()
    QTest.mousePress(strip.viewport(), Qt.MouseButton.LeftButton, pos=place)
    for step in (10, 30, 60):
        there = QPointF(place + QPoint(0, -step))
        move = QMouseEvent(
            QEvent.Type.MouseMove,
            there,
            QPointF(strip.viewport().mapToGlobal(there.toPoint())),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(strip.viewport(), move)
    QApplication.processEvents()
    assert carried[0] == ["i0002"]
    assert chosen == []


def test_choice_survives_new_images(strip: Filmstrip):
    strip.set_items(items(5))
    strip.follow(["i0003"])
    strip.set_items([StripItem("new", START + timedelta(days=1), "", ""), *items(5)])
    assert strip.selected_ids() == ["i0003"]
    assert strip.order()[0] == "new"


def test_dragging_carries_image_ids(strip: Filmstrip):
    strip.set_items(items(5))
    model = strip.model()
    data = model.mimeData([model.index(3, 0), model.index(1, 0)])
    assert bytes(data.data(MIME_IMAGES).data()) == b"i0001\ni0003"


def test_right_to_left_starts_at_the_right(strip: Filmstrip):
    strip.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    strip.set_items(items(3))
    first, second = (strip.visualRect(strip.model().index(row, 0)) for row in (0, 1))
    assert first.left() > second.left()


def test_paints_pictures_placeholders_and_the_empty_state(qtbot: Any, strip: Filmstrip):
    strip.set_items([], "No x-rays of this tooth")
    strip.grab()
    strip.set_items(
        [
            *items(2),
            StripItem("x1", START - timedelta(days=9), "", "", is_document=True),
            StripItem("x2", START - timedelta(days=10), "", "", frames=400),
        ]
    )
    qtbot.waitUntil(lambda: strip.model().index(0, 0).data(THUMBNAIL_ROLE) is not None, timeout=2000)
    strip.follow(["i0000"])
    picture = strip.grab().toImage()
    centre = strip.visualRect(strip.model().index(0, 0)).center()
    assert abs(picture.pixelColor(centre.x(), centre.y() - 10).lightness() - 128) < 8
