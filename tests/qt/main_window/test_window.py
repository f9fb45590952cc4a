"""The whole window over a library in memory: opening, searching, filing, moving, undoing."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QDialog, QLabel, QMenu

from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError
from app.core.progress import Progress
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.image import Placement
from app.domain.roles import Action, Role
from app.ui.dialogs.deleted_images import DeletedImagesDialog
from app.ui.dialogs.move_confirm import MoveConfirmDialog
from app.ui.inbox.view import InboxView
from app.ui.tree.node_model import COUNT_ROLE
from app.ui.tree.place import Place
from app.ui.worklist.dialog import WorklistDialog


@pytest.fixture
def first(library):
    return next(iter(library.people.values()))


def words_of(widget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel))


def test_opening_a_patient_fills_header_strip_chart_and_viewer(window, first, settled, qtbot):
    window.open_place(Place(first.id))
    settled()
    assert "Hassan, Ahmed" in words_of(window.header)
    assert "P-1000" in words_of(window.header)
    assert window.table.strip.model().rowCount() == 7
    assert window.table.current is not None
    assert first.name in window.windowTitle()
    assert window.tree.view.place_of(window.tree.view.currentIndex()).patient_id == first.id


def test_the_inbox_is_counted_after_the_tree_is_there(window, library, session, settled):
    waiting = len(library.inbox.list(session.actor))
    window.tree.count_inbox()
    settled()
    assert waiting > 0
    assert window.tree.model.index(0, 0).data(COUNT_ROLE) == waiting


def test_a_fresh_demonstration_opens_its_fullest_patient(window, first, library, settled):
    window.imports.demo_filled.emit()
    settled()
    assert window.patient.patient_id == first.id
    other = list(library.people)[2]
    window.open_place(Place(other))
    settled()
    window.imports.demo_filled.emit()
    settled()
    assert window.patient.patient_id == other


def test_a_tooth_narrows_the_strip_and_shows_its_newest_image(window, first, settled):
    window.open_place(Place(first.id))
    settled()
    window.chart.teeth_chosen.emit(("8",))
    assert window.table.strip.model().rowCount() == 1
    assert window.table.current.tooth == "8"
    window.chart.teeth_chosen.emit(())
    assert window.table.strip.model().rowCount() == 7


def test_the_last_of_two_quick_choices_wins(window, library, settled):
    people = list(library.people)
    for patient_id in people[:5]:
        window.open_place(Place(patient_id))
    settled()
    assert window.patient.patient_id == people[4]


def test_another_patient_flashes_and_clears_the_viewer(window, library, settled):
    one, other = list(library.people)[:2]
    window.open_place(Place(one))
    settled()
    window.open_place(Place(other))
    settled()
    assert window.header.property("glow") is not None
    assert window.table.current is None
    assert "Haddad, Mariam" in words_of(window.header)


def test_search_to_image_without_a_mouse(window, qtbot, settled):
    window.actions_by_name["search"].trigger()
    qtbot.keyClicks(window.top.search, "hassan p-1000")
    settled()
    qtbot.keyClick(window.top.search, Qt.Key.Key_Return)
    settled()
    assert window.patient.summary.patient.chart_number == "P-1000"
    assert window.table.current is not None


def test_nobody_found_is_said(window, qtbot, settled):
    window.actions_by_name["search"].trigger()
    qtbot.keyClicks(window.top.search, "xyzzy")
    settled()
    assert "Nobody matches" in words_of(window)


def test_names_are_never_markup(window, library, session, settled):
    draft = next(iter(library.people.values())).draft()
    made = library.patients.add(None, type(draft)(family_name="<b>Bold</b>", given_name="<img src=x>"))
    window.open_place(Place(made.id))
    settled()
    for label in window.findChildren(QLabel):
        if "<b>" in label.text():
            assert label.textFormat() == Qt.TextFormat.PlainText
    assert "<b>Bold</b>" in words_of(window.header)


def test_images_that_come_are_shown_without_asking(window, library, first, settled):
    from fake_library import make_image

    window.open_place(Place(first.id))
    settled()
    image = make_image(500, first, "3")
    library.pictures[image.id] = image
    library.say(Change(Entity.IMAGE, ChangeKind.ADDED, image.id, first.id))
    settled()
    assert window.table.strip.model().rowCount() == 8


def test_delete_and_undo_and_redo(window, library, first, settled):
    window.open_place(Place(first.id))
    settled()
    gone = window.table.current.id
    window.commands.delete_images()
    settled()
    assert library.pictures[gone].deleted_at is not None
    window.commands.undo()
    settled()
    assert library.pictures[gone].deleted_at is None
    window.commands.redo()
    settled()
    assert library.pictures[gone].deleted_at is not None


def test_moving_between_patients_asks_once_with_both_in_view(window, library, first, settled, monkeypatch):
    other = list(library.people.values())[2]
    asked = []

    def answer(dialog):
        asked.append(words_of(dialog))
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(MoveConfirmDialog, "exec", answer)
    window.open_place(Place(first.id))
    settled()
    ids = [window.table.current.id]
    window.drops.images_on_place(Place(other.id, "3"), ids)
    settled()
    assert len(asked) == 1
    assert "14 Mar 1985" in asked[0]
    assert "30 Nov 1967" in asked[0]
    assert library.pictures[ids[0]].patient_id == other.id
    window.commands.undo()
    settled()
    assert library.pictures[ids[0]].patient_id == first.id
    assert library.pictures[ids[0]].tooth == "14"


def test_saying_no_moves_nothing(window, library, first, settled, monkeypatch):
    monkeypatch.setattr(MoveConfirmDialog, "exec", lambda _dialog: QDialog.DialogCode.Rejected)
    window.open_place(Place(first.id))
    settled()
    ids = [window.table.current.id]
    window.drops.images_on_place(Place(list(library.people)[2]), ids)
    settled()
    assert library.pictures[ids[0]].patient_id == first.id


def test_files_dropped_on_a_tooth_are_imported_there(window, first, settled, monkeypatch):
    started = []
    monkeypatch.setattr(window.imports, "start", started.append)
    window.open_place(Place(first.id))
    settled()
    window.chart.files_dropped.emit("8", ["/tmp/a.dcm"])
    (args,) = started
    assert args.paths == (Path("/tmp/a.dcm"),)
    assert (args.filing.patient_id, args.filing.tooth) == (first.id, "8")


def test_pasted_files_go_to_the_open_patient(window, first, settled, monkeypatch, clipboard):
    started = []
    monkeypatch.setattr(window.imports, "start", started.append)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/tmp/b.png")])
    clipboard.setMimeData(data)
    window.open_place(Place(first.id))
    settled()
    window.drops.paste()
    assert started[0].filing.patient_id == first.id


def test_the_inbox_is_filed_with_one_key_only_when_nothing_contradicts(window, library, qtbot, settled):
    window.pages.show_inbox()
    settled()
    inbox: InboxView = window.inbox
    assert not inbox._file.isEnabled()
    assert inbox._sure.isVisible()
    before = sum(image.placement is Placement.INBOX for image in library.pictures.values())
    qtbot.keyClick(inbox.list, Qt.Key.Key_Return)
    settled()
    assert sum(image.placement is Placement.INBOX for image in library.pictures.values()) == before
    inbox._sure.click()
    qtbot.keyClick(inbox.list, Qt.Key.Key_Return)
    settled()
    assert sum(image.placement is Placement.INBOX for image in library.pictures.values()) == before - 1
    window.commands.undo()
    settled()
    assert sum(image.placement is Placement.INBOX for image in library.pictures.values()) == before


def test_errors_are_toasts_not_boxes(window, session):
    session.notices.fault(BitewingError("disk.full"))
    assert len(window.toasts.texts()) == 1


def test_a_running_job_shows_progress_and_can_be_stopped(window, session, qtbot):
    begun = threading.Event()

    def engine(_args, ctx):
        for done in range(10_000):
            ctx.report(Progress(done, 10_000, "files", "x.dcm"))
            begun.set()
            ctx.wait(0.01)

    handle = session.runner.start("x", "Importing", engine)
    qtbot.waitUntil(begun.is_set)
    qtbot.waitUntil(lambda: "of 10,000" in words_of(window.status))
    with qtbot.waitSignal(handle.cancelled, timeout=3000):
        handle.cancel()
    qtbot.waitUntil(lambda: not session.runner.running())


def test_every_action_has_a_key_named_in_its_tip_and_no_key_is_taken_twice(window):
    keys = {}
    for command in window.actions_by_name.table:
        action = window.actions_by_name[command.name]
        assert command.key, command.name
        assert command.key in action.toolTip()
        keys.setdefault(action.shortcut().toString(), []).append(command.name)
    for name, action in window.table.actions.items():
        if not action.shortcut().isEmpty():
            keys.setdefault(action.shortcut().toString(), []).append(name)
    assert {key: names for key, names in keys.items() if len(names) > 1} == {}


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_a_viewer_cannot_reach_what_is_not_allowed(window, role):
    for name in ("new_patient", "import", "paste", "delete_image", "move_image"):
        assert not window.actions_by_name[name].isEnabled()


def test_a_removed_patient_is_closed(window, library, first, settled):
    window.open_place(Place(first.id))
    settled()
    del library.people[first.id]
    library.publish(ChangeSet((Change(Entity.PATIENT, ChangeKind.REMOVED, first.id, first.id),)))
    settled()
    assert window.patient.patient_id is None
    assert "No patient is open" in words_of(window.header)


def test_the_window_mirrors(right_to_left, window, first, settled):
    window.open_place(Place(first.id))
    settled()
    centre = window.table.area.mapTo(window, window.table.area.rect().center()).x()
    assert window.tree.mapTo(window, window.tree.rect().center()).x() > centre
    assert window.panels.mapTo(window, window.panels.rect().center()).x() < centre


def test_deleted_images_come_back_from_their_list(window, session, library, first, settled, qtbot):
    window.open_place(Place(first.id))
    settled()
    gone = window.table.strip.order()[:2]
    window.filer.delete(gone)
    settled()
    assert window.table.strip.model().rowCount() == 5
    dialog = DeletedImagesDialog(session, window.patient.summary, window.filer.restore, window)
    qtbot.addWidget(dialog)
    dialog.show()
    settled()
    assert dialog.list.count() == 2
    dialog.list.selectAll()
    dialog.restore_button.click()
    settled()
    assert window.table.strip.model().rowCount() == 7
    window.actions_by_name["undo"].trigger()
    settled()
    assert window.table.strip.model().rowCount() == 5


def test_a_patient_without_deleted_images_says_so(window, session, first, settled, qtbot):
    window.open_place(Place(first.id))
    settled()
    dialog = DeletedImagesDialog(session, window.patient.summary, window.filer.restore, window)
    qtbot.addWidget(dialog)
    dialog.show()
    settled()
    assert "No deleted images" in words_of(dialog.state)
    assert not dialog.restore_button.isEnabled()


@pytest.mark.parametrize("role", [Role.DENTIST, Role.VIEWER])
def test_who_may_not_restore_is_not_offered_it(window, session, first, settled):
    window.open_place(Place(first.id))
    settled()
    assert window.actions_by_name["deleted_images"].isEnabled() == session.may(Action.IMAGE_RESTORE)


def _dropped(window, widget, paths):
    """Let go of files over a widget, as the desktop would; return whether anybody took them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    middle = widget.rect().center()
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = widget.mapTo(window, middle)
    target = window
    while (child := target.childAt(target.mapFrom(window, place))) is not None:
        target = child
    while target is not window and not target.acceptDrops():
        target = target.parentWidget()
    at = target.mapFrom(window, place)
    entered = QDragEnterEvent(at, Qt.DropAction.CopyAction, data, buttons, keys)
    QGuiApplication.sendEvent(target, entered)
    if entered.isAccepted():
        QGuiApplication.sendEvent(target, QDragMoveEvent(at, Qt.DropAction.CopyAction, data, buttons, keys))
        event = QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, buttons, keys)
        QGuiApplication.sendEvent(target, event)
        return event.isAccepted()
    return False


@pytest.mark.parametrize("where", ["pane", "strip", "header", "panels"])
def test_a_file_dropped_anywhere_is_imported_for_the_open_patient(where, window, first, settled, monkeypatch, tmp_path):
    window.open_place(Place(first.id))
    settled()
    taken = []
    monkeypatch.setattr(window.imports, "import_here", lambda paths, place: taken.append((list(paths), place)))
    picture = tmp_path / "scan.png"
    picture.touch()
    widget = {
        "pane": window.table.pane,
        "strip": window.table.strip,
        "header": window.header,
        "panels": window.panels,
    }[where]
    assert _dropped(window, widget, [picture])
    assert taken == [([picture], Place(first.id))]


def test_a_notices_undo_takes_back_its_own_step_only(window, session, first, settled):
    window.open_place(Place(first.id))
    settled()
    said = []
    session.notices.said.connect(said.append)
    one, other = window.table.strip.order()[:2]
    window.filer.delete([one])
    settled()
    earlier = said[-1]
    window.filer.delete([other])
    settled()
    earlier.act()
    settled()
    assert one not in window.table.strip.order()
    assert other not in window.table.strip.order()
    said[1].act()
    settled()
    assert other in window.table.strip.order()
    assert one not in window.table.strip.order()


def test_the_worklist_opens_whom_it_names(window, first, settled):
    window.actions_by_name["worklist"].trigger()
    settled()
    dialog = window.findChild(WorklistDialog)
    assert "No worklist is set up" in words_of(dialog)
    dialog.place_requested.emit(Place(first.id))
    dialog.close()
    settled()
    assert window.patient.patient_id == first.id


def test_publishing_is_offered_where_it_is_on_and_taking_back_where_something_is_public(
    window, library, first, settled, clipboard
):
    def offered():
        menu = QMenu()
        window.publishing.fill_menu(menu)
        return {action.text(): action for action in menu.actions()}, menu

    window.open_place(Place(first.id))
    settled()
    assert offered()[0] == {}
    library.settings.mirrors = lambda: [MirrorSettings("web", publish=True)]
    entries, _menu = offered()
    assert list(entries) == ["Publish…"]
    assert entries["Publish…"].isEnabled()
    image = window.table.current
    url = "https://images.example.org/0.jpg"
    library.settings.mirrors = list
    library.outbox.may_be_public = lambda _actor, ids: frozenset(ids)
    # Asked for, and not shown yet: strangers may see it already.
    assert list(offered()[0]) == ["Move to private"]
    window.table.show_images([replace(image, public_url=url)])
    entries, _menu = offered()
    # Switched off or not: what is public can be taken back.
    assert list(entries) == ["Copy the public address", "Open the public address", "Move to private"]
    entries["Copy the public address"].trigger()
    assert clipboard.text() == url
