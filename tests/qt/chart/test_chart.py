"""The tooth chart: places, shapes, clicks, keys, drops, and that it is never mirrored."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QContextMenuEvent, QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from app.domain.tooth import PERMANENT, PRIMARY, TEETH, Notation
from app.ui.chart.chart import PrimaryRows, ToothChart
from app.ui.chart.placing import chart_places, in_rectangle, neighbour
from app.ui.chart.shapes import crown_path, root_path, shape_of
from app.ui.viewer.look import look
from app.ui.viewer.sources import MIME_IMAGES


@pytest.fixture
def chart(qtbot: Any) -> ToothChart:
    widget = ToothChart()
    qtbot.addWidget(widget)
    widget.resize(320, widget.heightForWidth(320))
    widget.show()
    return widget


def middle(chart: ToothChart, tooth: str) -> QPoint:
    return chart.place_of(tooth).center()


def click(chart: ToothChart, tooth: str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mouseClick(chart, Qt.MouseButton.LeftButton, modifiers, middle(chart, tooth))


def test_every_tooth_has_a_place_without_overlap():
    places = chart_places(400, 12, primary=True)
    assert {place.tooth for place in places.places} == set(TEETH)
    for place in places.places:
        assert place.x >= 0
        assert place.x + place.width <= 400 + 1e-6
        assert place.y + place.height <= places.height
        assert places.at(place.x + place.width / 2, place.y + place.height / 2) == place.tooth


def test_the_patients_right_is_left_and_columns_line_up():
    places = chart_places(400, 12, primary=True)
    order = [places.place(tooth).x for tooth in PERMANENT[:16]]
    assert order == sorted(order)
    for upper, lower in (("1", "32"), ("8", "25"), ("16", "17"), ("A", "T"), ("4", "A")):
        assert places.place(upper).x == pytest.approx(places.place(lower).x)
    assert places.place("8").y < places.place("25").y


@pytest.mark.parametrize("tooth", TEETH)
def test_shapes_stay_in_their_box(tooth: str):
    shape = shape_of(tooth)
    for path in (crown_path(shape), root_path(shape)):
        box = path.boundingRect()
        assert box.left() >= -0.53
        assert box.right() <= 0.53
        assert box.top() >= -0.03
        assert box.bottom() <= 1.02
    assert crown_path(shape).boundingRect().width() > root_path(shape).boundingRect().width() * 0.9


def test_molars_have_their_roots():
    assert [len(shape_of(tooth).tips) for tooth in ("14", "19", "12", "13", "8")] == [3, 2, 2, 1, 1]


def test_click_filters_and_a_second_click_lifts_the_filter(qtbot: Any, chart: ToothChart):
    chosen: list[tuple[str, ...]] = []
    chart.teeth_chosen.connect(chosen.append)
    click(chart, "14")
    click(chart, "3", Qt.KeyboardModifier.ControlModifier)
    click(chart, "14", Qt.KeyboardModifier.ControlModifier)
    click(chart, "3")
    assert chosen == [("14",), ("3", "14"), ("3",), ()]


def test_drag_chooses_several(chart: ToothChart):
    chosen: list[tuple[str, ...]] = []
    chart.teeth_chosen.connect(chosen.append)
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=middle(chart, "6"))
    QTest.mouseMove(chart, middle(chart, "8"))
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=middle(chart, "8"))
    assert chosen == [("6", "7", "8")]


def test_double_click_opens(chart: ToothChart):
    opened: list[str] = []
    chart.tooth_activated.connect(opened.append)
    QTest.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=middle(chart, "19"))
    assert opened == ["19"]
    assert chart.chosen == ("19",)


def test_arrow_keys_walk_as_drawn_and_enter_opens(chart: ToothChart):
    opened: list[str] = []
    chart.tooth_activated.connect(opened.append)
    chart.set_chosen(["8"])
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(chart, key)
    assert opened == ["23"]
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.chosen == ()
    QTest.keyClick(chart, Qt.Key.Key_Space)
    assert chart.chosen == ("23",)


def test_rows_of_keys_pass_through_primary_teeth_when_shown():
    assert neighbour("4", 0, 1, primary=True) == "A"
    assert neighbour("1", 0, 1, primary=True) == "A"
    assert neighbour("A", 0, 1, primary=True) == "T"
    assert neighbour("T", 0, 1, primary=True) == "29"
    assert neighbour("16", 1, 0, primary=True) == "16"


def test_primary_teeth_show_when_there_are_images_of_them(chart: ToothChart):
    low = chart.height()
    assert not chart.has_primary_rows
    chart.set_counts({"A": 2, "14": 1})
    assert chart.has_primary_rows
    assert chart.height() > low
    chart.set_primary_rows(PrimaryRows.HIDDEN)
    assert chart.height() == low
    chart.set_counts({})
    chart.set_primary_rows(PrimaryRows.SHOWN)
    assert {tooth for tooth in PRIMARY if chart.place_of(tooth).isValid()} == set(PRIMARY)


def test_the_context_menu_switches_primary_rows(qtbot: Any, chart: ToothChart):
    place = middle(chart, "8")
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(chart, QContextMenuEvent(reason, place, chart.mapToGlobal(place)))
    menu = chart.findChild(QMenu)
    assert [action.isChecked() for action in menu.actions()] == [True, False, False]
    menu.actions()[1].trigger()
    menu.close()
    assert chart.has_primary_rows


def test_words_for_a_tooth(chart: ToothChart):
    chart.set_counts({"14": 1, "3": 4})
    assert chart.describe("14") == "26 · upper left first molar · 1 image"
    chart.set_notation(Notation.PALMER)
    assert chart.describe("3") == "UR6 · upper right first molar · 4 images"
    chart.set_notation(Notation.UNIVERSAL)
    assert chart.describe("2") == "2 · upper right second molar · no images"
    click(chart, "3")
    assert chart.accessibleDescription() == chart.describe("3")


def test_teeth_with_images_are_tinted_and_the_chosen_one_is_full(chart: ToothChart):
    chart.set_counts({"14": 1, "3": 1})
    chart.set_chosen(["14"])
    picture = chart.grab().toImage()

    def crown(tooth: str) -> QColor:
        place = chart.place_of(tooth)
        return picture.pixelColor(place.center().x(), place.top() + round(place.height() * 0.85))

    accent = look().accent
    assert crown("14") == accent
    tinted, plain = crown("3"), crown("2")
    assert tinted != plain
    assert abs(tinted.hue() - accent.hue()) < 15


def test_right_to_left_does_not_mirror_it(chart: ToothChart):
    before = chart.grab().toImage()
    chart.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert chart.grab().toImage() == before


def drop(chart: ToothChart, data: QMimeData, tooth: str) -> None:
    enter = QDragEnterEvent(
        middle(chart, tooth), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(chart, enter)
    assert enter.isAccepted()
    event = QDropEvent(
        QPointF(middle(chart, tooth)),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(chart, event)


def test_files_and_images_dropped_on_a_tooth(chart: ToothChart):
    files: list[tuple[str, list[str]]] = []
    images: list[tuple[str, list[str]]] = []
    chart.files_dropped.connect(lambda tooth, paths: files.append((tooth, paths)))
    chart.images_dropped.connect(lambda tooth, ids: images.append((tooth, ids)))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/scans/a.dcm"), QUrl("https://example.org/b")])
    drop(chart, data, "30")
    assert files == [("30", ["/scans/a.dcm"])]
    data = QMimeData()
    data.setData(MIME_IMAGES, b"one\ntwo")
    drop(chart, data, "1")
    assert images == [("1", ["one", "two"])]


def test_a_rubber_band_touches_what_it_crosses():
    places = chart_places(400, 12, primary=False)
    assert set(in_rectangle(places, 0, 0, 400, places.height)) == set(PERMANENT)
    assert in_rectangle(places, -9, -9, -1, -1) == ()
