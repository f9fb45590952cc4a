"""The light table as a person uses it: opening, layouts, tools, keys, failures."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage, QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGestureEvent, QPinchGesture

from app.jobs.calls import Calls
from app.ui.main_window.actions import commands as window_commands
from app.ui.viewer.actions import GROUPS, VIEWER_ACTIONS
from app.ui.viewer.commands import ViewerCommands
from app.ui.viewer.loader import FrameLoader
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.sources import MIME_IMAGES
from app.ui.viewer.tools import Tool


def opened(pane: ViewerPane, calls: Any, image_id: str = "a") -> None:
    assert pane.open_image(image_id)
    calls.answer()


def badge_texts(pane: ViewerPane) -> list[str]:
    return [badge.text for badge in pane.cell.canvas.texts.badges]


def drag(pane: ViewerPane, button: Qt.MouseButton, by: QPoint) -> None:
    canvas, start = pane.cell.canvas, QPoint(100, 100)
    QTest.mousePress(canvas, button, pos=start)
    QTest.mouseMove(canvas, start + by / 2)
    move = start + by
    event = _mouse_move(canvas, move, button)
    QApplication.sendEvent(canvas, event)
    QTest.mouseRelease(canvas, button, pos=move)


def _mouse_move(canvas: Any, place: QPoint, button: Qt.MouseButton) -> Any:
    none = Qt.KeyboardModifier.NoModifier
    there = QPointF(place)
    return QMouseEvent(QEvent.Type.MouseMove, there, QPointF(canvas.mapToGlobal(place)), button, button, none)


def wheel(pane: ViewerPane, turn: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    canvas = pane.cell.canvas
    place = QPointF(150, 100)
    event = QWheelEvent(
        place,
        QPointF(canvas.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def test_opens_at_fit_and_says_so(qtbot: Any, pane: ViewerPane, calls: Any):
    shown: list[str] = []
    pane.image_shown.connect(shown.append)
    opened(pane, calls)
    assert shown == ["a"]
    assert pane.cell.state.zoom is None
    grabbed = pane.cell.canvas.grab().toImage()
    # The left edge of the picture is black, the right edge white, the surround neither.
    middle = grabbed.height() // 2
    assert grabbed.pixelColor(3, middle).lightness() < 10
    assert grabbed.pixelColor(grabbed.width() - 4, middle).lightness() > 245


def test_an_unknown_image_is_refused(pane: ViewerPane):
    assert not pane.open_image("nobody")


def test_only_the_newest_request_is_shown(pane: ViewerPane, calls: Any, source: Any):
    shown: list[str] = []
    pane.image_shown.connect(shown.append)
    pane.open_image("a")
    pane.open_image("b")
    calls.answer()
    assert shown == ["b"]
    assert "a" not in [request[0] for request in source.requests[:1]]


def test_neighbours_are_fetched_and_then_open_from_memory(pane: ViewerPane, calls: Any, source: Any):
    opened(pane, calls, "b")
    assert {request[0] for request in source.requests} == {"a", "b", "c"}
    source.requests.clear()
    pane.open_image("c")
    assert pane.cell.has_picture
    assert source.requests == []


def test_a_large_image_shows_a_preview_first(pane: ViewerPane, calls: Any, source: Any, make_item: Any):
    pane.set_items([make_item("big", rows=4000, columns=4000)])
    pane.open_image("big")
    lane = next(iter(calls.waiting))
    work, then, _failed = calls.waiting.pop(lane)
    then(work())
    assert "Preview" in badge_texts(pane)
    assert source.requests[-1][2] is not None
    calls.answer()
    assert "Preview" not in badge_texts(pane)
    assert source.requests[-1] == ("big", 0, None)


def test_a_neighbour_on_its_way_is_waited_for_not_decoded_twice(pane: ViewerPane, calls: Any, source: Any):
    pane.open_image("a")
    lane = next(iter(calls.waiting))
    work, then, _failed = calls.waiting.pop(lane)
    then(work())
    assert len(calls.waiting) == 1
    pane.open_image("b")
    assert len(calls.waiting) == 1
    calls.answer()
    assert pane.cell.has_picture
    assert [request[0] for request in source.requests].count("b") == 1


def test_a_preview_as_large_as_the_image_is_the_image(pane: ViewerPane, calls: Any, source: Any, make_item: Any):
    pane.set_items([make_item("whole", rows=40, columns=60)])
    pane.cell.preview_above = 100
    pane.open_image("whole")
    calls.answer()
    assert [request[2] is None for request in source.requests] == [False]
    assert badge_texts(pane) == []


def test_failure_is_said_in_the_cell_and_told(qtbot: Any, pane: ViewerPane, calls: Any):
    failed: list[tuple[str, str]] = []
    pane.image_failed.connect(lambda image_id, error: failed.append((image_id, error.code)))
    opened(pane, calls, "bad")
    assert failed == [("bad", "file.truncated")]
    assert not pane.cell.has_picture
    assert pane.cell.canvas.notice is not None
    assert pane.cell.canvas.notice.tone == "danger"
    opened(pane, calls, "a")
    assert pane.cell.canvas.notice is None


def test_reading_again_after_a_failure(pane: ViewerPane, calls: Any, source: Any, monkeypatch: pytest.MonkeyPatch):
    opened(pane, calls, "bad")
    repaired = source.frame("a", 0, None)
    monkeypatch.setattr(source, "frame", lambda image_id, index, max_pixels: repaired)
    ViewerCommands(pane).run("reload")
    calls.answer()
    assert pane.cell.has_picture


def test_waiting_is_said_after_a_moment(qtbot: Any, pane: ViewerPane):
    pane.open_image("a")
    assert pane.cell.canvas.notice is None
    qtbot.waitUntil(lambda: pane.cell.canvas.notice is not None, timeout=2000)
    assert pane.cell.canvas.notice.tone == "busy"


def test_right_drag_levels_as_one_step_and_undo_takes_it_back(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    drag(pane, Qt.MouseButton.RightButton, QPoint(80, 40))
    level = pane.cell.state.level
    assert level is not None
    assert (level.width, level.center) == (960 + 80 * 2.4, 480 + 40 * 2.4)
    pane.cell.step_history(back=True)
    assert pane.cell.state.level is None
    assert not pane.cell.history.can_undo


def test_right_click_without_moving_asks_for_the_menu(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    asked: list[Any] = []
    pane.menu_requested.connect(lambda item, place: asked.append(item.image_id))
    QTest.mouseClick(pane.cell.canvas, Qt.MouseButton.RightButton, pos=QPoint(50, 50))
    assert asked == ["a"]
    assert pane.cell.state.level is None


def test_middle_drag_pans_what_is_zoomed(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    ViewerCommands(pane).run("double_size")
    for _ in range(8):
        ViewerCommands(pane).run("zoom_in")
    before = pane.cell.state.pan
    drag(pane, Qt.MouseButton.MiddleButton, QPoint(-30, 0))
    assert pane.cell.state.pan[0] > before[0]


def test_left_drag_does_what_the_tool_says(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    pane.set_tool(Tool.ZOOM)
    fit = pane.cell.canvas.view_geometry().scale
    drag(pane, Qt.MouseButton.LeftButton, QPoint(0, -60))
    assert (pane.cell.state.zoom or 0) > fit
    assert pane.cell.state.level is None


def test_wheel_walks_images_frames_and_zooms_with_control(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    wheel(pane, -120)
    calls.answer()
    assert pane.cell.item.image_id == "b"
    wheel(pane, -60)
    assert pane.cell.item.image_id == "b"
    wheel(pane, 240 + 60)
    calls.answer()
    assert pane.cell.item.image_id == "a"
    wheel(pane, 120, Qt.KeyboardModifier.ControlModifier)
    assert pane.cell.state.zoom is not None
    opened(pane, calls, "cine")
    wheel(pane, -120)
    calls.answer()
    assert (pane.cell.item.image_id, pane.cell.state.frame) == ("cine", 1)


def test_adjustments_come_back_with_the_image(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    ViewerCommands(pane).run("invert")
    opened(pane, calls, "b")
    assert not pane.cell.state.invert
    opened(pane, calls, "a")
    assert pane.cell.state.invert
    pane.cell.step_history(back=True)
    assert not pane.cell.state.invert


def test_an_image_comes_back_at_the_frame_it_was_left(pane: ViewerPane, calls: Any):
    opened(pane, calls, "cine")
    pane.cell.go_to_frame(3)
    calls.answer()
    opened(pane, calls, "a")
    opened(pane, calls, "cine")
    assert pane.cell.state.frame == 3
    assert not pane.cell.history.can_undo


def test_cine_plays_in_a_circle(qtbot: Any, pane: ViewerPane, calls: Any):
    opened(pane, calls, "cine")
    seen: list[int] = []
    pane.state_changed.connect(lambda: seen.append(pane.cell.state.frame))
    pane.cell.bar.toggle()

    def went_round() -> bool:
        calls.answer()
        return 4 in seen and 0 in seen[seen.index(4) :]

    qtbot.waitUntil(went_round, timeout=5000)
    pane.cell.bar.toggle()
    assert not pane.cell.bar.is_playing


def test_badges_say_what_changes_the_meaning(pane: ViewerPane, calls: Any, make_item: Any):
    opened(pane, calls, "raw")
    commands = ViewerCommands(pane)
    for name in ("flip_horizontal", "rotate_right", "invert"):
        commands.run(name)
    assert badge_texts(pane) == ["Mirrored: sides exchanged", "Rotated 90°", "Inverted", "For processing"]
    tones = [badge.tone for badge in pane.cell.canvas.texts.badges]
    assert tones[0] == "danger"
    commands.run("reset")
    assert badge_texts(pane) == ["For processing"]


def test_badges_stay_when_texts_are_hidden(pane: ViewerPane, calls: Any):
    opened(pane, calls, "raw")
    ViewerCommands(pane).run("corner_text")
    texts = pane.cell.canvas.texts
    assert texts.top_start == ()
    assert badge_texts(pane) == ["For processing"]


def test_scale_bar_names_its_basis(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    bar = pane.cell.canvas.texts.bar
    assert bar is not None
    assert bar.caption.endswith("mm · detector plane")
    scale = pane.cell.canvas.view_geometry().scale
    assert bar.length / scale * 0.1 == pytest.approx(float(bar.caption.split()[0]))


def test_a_volume_opens_in_its_middle(pane: ViewerPane, calls: Any, source: Any, make_item: Any):
    pane.set_items([make_item("cine", first_frame=2)])
    opened(pane, calls, "cine")
    assert pane.cell.state.frame == 2
    assert source.requests[0] == ("cine", 2, None)
    assert not pane.cell.history.can_undo


def test_a_document_has_pages_and_no_scale(pane: ViewerPane, calls: Any, make_item: Any):
    pane.set_items([make_item("cine", is_document=True)])
    opened(pane, calls, "cine")
    texts = pane.cell.canvas.texts
    assert texts.bottom_start[0] == "Page 1 of 5"
    assert texts.bar is None


def test_layouts_keep_what_stays_and_the_chosen_cell(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    pane.set_layout(2, 2)
    assert len(pane.cells) == 4
    pane.open_images(["a", "b", "c", "raw"], pane.cells[0])
    calls.answer()
    pane.choose(pane.cells[2])
    pane.set_layout(1, 1)
    assert [cell.item.image_id for cell in pane.cells] == ["c"]
    pane.set_layout(9, 9)
    assert pane.shape == (3, 4)


def test_compare_picks_the_smallest_grid(pane: ViewerPane, calls: Any):
    pane.compare(["a", "b"])
    assert pane.shape == (1, 2)
    pane.compare(["a", "b", "c"])
    assert pane.shape == (2, 2)
    calls.answer()
    assert [cell.item.image_id if cell.item else None for cell in pane.cells] == ["a", "b", "c", None]


def test_double_click_maximises_and_brings_back(pane: ViewerPane, calls: Any):
    pane.compare(["a", "b"])
    calls.answer()
    QTest.mouseDClick(pane.cells[1].canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert [cell.isHidden() for cell in pane.cells] == [True, False]
    QTest.mouseDClick(pane.cells[1].canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert [cell.isHidden() for cell in pane.cells] == [False, False]
    pane.toggle_maximised(pane.cells[0])
    pane.set_layout(2, 2)
    assert not any(cell.isHidden() for cell in pane.cells)


def test_linked_cells_zoom_together(pane: ViewerPane, calls: Any):
    pane.compare(["a", "b"])
    calls.answer()
    commands = ViewerCommands(pane)
    commands.run("link")
    pane.choose(pane.cells[0])
    commands.run("zoom_in")
    assert pane.cells[1].state.zoom == pane.cells[0].state.zoom


def test_images_dropped_on_a_cell_open_from_there_on(pane: ViewerPane, calls: Any):
    pane.set_layout(1, 2)
    data = QMimeData()
    data.setData(MIME_IMAGES, b"b\nc")
    enter = QDragEnterEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(pane.cells[0], enter)
    assert enter.isAccepted()
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    before = pane.cells[0].canvas.grab().toImage()
    QApplication.sendEvent(pane.cells[0], drop)
    # The veil that a drag lays over the cell is gone with the drop.
    assert pane.cells[0].canvas.grab().toImage() != before
    calls.answer()
    assert [cell.item.image_id for cell in pane.cells] == ["b", "c"]


def test_with_real_threads_the_last_wish_is_shown(qtbot: Any, source: Any, make_item: Any):
    calls = Calls(threads=2)
    pane = ViewerPane(FrameLoader(calls, source))
    qtbot.addWidget(pane)
    pane.resize(300, 200)
    pane.show()
    names = [f"n{number}" for number in range(40)]
    pane.set_items([make_item(name) for name in names])
    shown: list[str] = []
    pane.image_shown.connect(shown.append)
    for name in names:
        pane.open_image(name)
    qtbot.waitUntil(lambda: names[-1] in shown, timeout=5000)
    assert shown == [names[-1]]
    assert pane.cell.has_picture
    calls.shutdown()


def test_another_patient_empties_every_cell(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    pane.clear()
    assert pane.cell.item is None
    assert not pane.open_image("a")
    opened_late = [lane for lane in calls.waiting if lane[0] == "frame"]
    assert opened_late == []


def test_a_deleted_image_leaves_its_cell_a_filtered_one_stays(pane: ViewerPane, calls: Any, make_item: Any):
    opened(pane, calls)
    pane.set_items([make_item("b")], others=["a", "b"])
    assert pane.cell.item.image_id == "a"
    pane.set_items([make_item("b")])
    assert pane.cell.item is None


def test_newer_texts_do_not_fetch_the_picture_again(pane: ViewerPane, calls: Any, source: Any, make_item: Any):
    opened(pane, calls)
    source.requests.clear()
    pane.set_items([make_item("a", tooth="11")])
    assert pane.cell.canvas.texts.top_start[1] == "11"
    assert source.requests == []
    pane.set_items([make_item("a", sha256="other")])
    calls.answer()
    assert source.requests[0] == ("a", 0, None)


def test_a_thumbnail_stands_in_until_the_picture_is_there(pane: ViewerPane, calls: Any):
    thumbnail = QImage(12, 8, QImage.Format.Format_RGB32)
    thumbnail.fill(QColor("#ffffff"))
    pane.thumbnail_of = lambda image_id: thumbnail if image_id == "a" else None
    pane.open_image("a")
    canvas = pane.cell.canvas

    def middle() -> int:
        return canvas.grab().toImage().pixelColor(canvas.width() // 2, canvas.height() // 4).lightness()

    assert 60 < middle() < 200
    pane.open_image("b")
    assert middle() < 30
    calls.answer()


def test_pinch_zooms_about_its_centre(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    canvas = pane.cell.canvas
    pinch = QPinchGesture()
    pinch.setCenterPoint(QPointF(canvas.mapToGlobal(canvas.rect().center())))
    pinch.setTotalScaleFactor(2.0)
    pane.cell.gestures.begin_pinch()
    QApplication.sendEvent(canvas, QGestureEvent([pinch]))
    assert pane.cell.state.zoom == pytest.approx(2 * canvas.view_geometry().fit_scale)


def test_keys_alone_can_pan_and_level(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    commands = ViewerCommands(pane)
    commands.run("brighter")
    commands.run("more_contrast")
    level = pane.cell.state.level
    assert level is not None
    assert level.center < 480
    assert level.width < 960
    for _ in range(12):
        commands.run("zoom_in")
    before = pane.cell.state.pan
    commands.run("pan_right")
    commands.run("pan_down")
    after = pane.cell.state.pan
    assert after[0] > before[0]
    assert after[1] > before[1]


def test_every_action_has_a_slot_a_text_and_a_key_of_its_own(pane: ViewerPane):
    commands = ViewerCommands(pane)
    assert {action.slot for action in VIEWER_ACTIONS} == commands.names()
    keys = [action.shortcut for action in VIEWER_ACTIONS if action.shortcut]
    assert len(keys) == len(set(keys)) == len(VIEWER_ACTIONS)
    for action in VIEWER_ACTIONS:
        assert action.text()
        assert action.group in GROUPS
        assert not QKeySequence(action.shortcut).isEmpty()


def test_no_key_means_two_things_in_the_window(pane: ViewerPane):
    viewer = {action.shortcut for action in VIEWER_ACTIONS if action.slot not in {"undo", "redo"}}
    window = {command.key for command in window_commands() if command.key}
    assert viewer & window == set()


def test_checkable_commands_tell_their_state(pane: ViewerPane, calls: Any):
    opened(pane, calls)
    commands = ViewerCommands(pane)
    for action in VIEWER_ACTIONS:
        if action.checkable and not action.slot.startswith("tool_"):
            before = commands.checked(action.slot)
            commands.run(action.slot)
            assert commands.checked(action.slot) is not before
    commands.run("tool_zoom")
    assert [commands.checked(f"tool_{name}") for name in ("window", "pan", "zoom")] == [False, False, True]


def test_every_command_survives_an_empty_pane_and_a_picture(pane: ViewerPane, calls: Any):
    commands = ViewerCommands(pane)
    for name in sorted(commands.names()):
        commands.run(name)
    opened(pane, calls)
    for name in sorted(commands.names()):
        commands.run(name)
        calls.answer()
        pane.cell.canvas.grab()
