"""What a stranger who read the code found wrong with destinations in the window: each was a failing test first."""

from __future__ import annotations

import threading

from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication

from app.core.errors import EnvironmentFault
from app.ui.destinations.dialog import DestinationsDialog
from app.ui.settings.destination_form import DestinationForm
from app.ui.settings.dialog import SettingsDialog


def choose(form, kind):
    box = form.editors["kind"].widget
    box.setCurrentIndex(box.findData(kind))


def answer(kind, name="nas", **texts):
    form = QApplication.activeModalWidget()
    assert isinstance(form, DestinationForm)
    choose(form, kind)
    for last, text in texts.items():
        form.editors[last].widget.setText(text)
    form.editors["enabled"].widget.setChecked(True)
    if form.name.isEnabled():
        form.name.setText(name)
    form.ok.click()


def test_a_password_typed_before_another_change_is_kept(qtbot, session, library):
    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    dialog.show()
    editor = next(one for one in dialog.destinations if one.topic == "mirror")
    QTimer.singleShot(0, lambda: answer("sftp", host="files.example.org", username="clinic", password="s3cret"))
    editor.add()
    QTimer.singleShot(0, lambda: answer("sftp", path="/images"))
    editor._on_edit_clicked()
    dialog._save.click()
    assert library.settings.secret("mirror.nas.password") == "s3cret"


def test_removed_and_added_again_has_not_the_old_password(qtbot, session, library):
    library.settings.set_destination(
        session.actor, "mirror", "nas", {"kind": "sftp", "host": "old.example.org"}, {"password": "old secret"}
    )
    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    dialog.show()
    editor = next(one for one in dialog.destinations if one.topic == "mirror")
    editor.list.setCurrentRow(0)
    editor._on_remove_clicked()
    QTimer.singleShot(0, lambda: answer("ftp", host="new.example.org"))
    editor.add()
    dialog._save.click()
    [mirror] = library.settings.mirrors()
    assert mirror.host == "new.example.org"
    assert library.settings.secret("mirror.nas.password") is None


def test_saving_twice(qtbot, session, library, monkeypatch):
    for name in ("gone", "stays"):
        library.settings.set_destination(session.actor, "mirror", name, {"kind": "sftp", "host": "a"}, {})
    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    dialog.show()
    editor = next(one for one in dialog.destinations if one.topic == "mirror")
    editor.list.setCurrentRow(1)
    QTimer.singleShot(0, lambda: answer("sftp", host="b", password="x"))
    editor._on_edit_clicked()
    editor.list.setCurrentRow(0)
    editor._on_remove_clicked()
    kept = type(library.settings).set_destination
    failed = []

    def once(self, *arguments):
        if not failed:
            failed.append(1)
            raise EnvironmentFault("secrets.no_store")
        return kept(self, *arguments)

    monkeypatch.setattr(type(library.settings), "set_destination", once)
    dialog._save.click()
    dialog._save.click()
    print(dialog.problem.text())
    assert not dialog.isVisible()


def test_closed_while_a_connection_is_tried(qtbot, session, library, tmp_path, monkeypatch):
    (tmp_path / "nas").mkdir()
    library.settings.set_destination(
        session.actor, "mirror", "nas", {"path": str(tmp_path / "nas"), "enabled": True}, {}
    )
    go_on = threading.Event()
    monkeypatch.setattr("app.ui.destinations.queue_pane.try_connection", lambda *_: (go_on.wait(10), ["x"])[1])
    dialog = DestinationsDialog(session, first="mirror")
    dialog.show()
    qtbot.waitUntil(lambda: dialog.queue.isVisible())
    dialog.queue.try_it()
    with qtbot.captureExceptions() as exceptions:
        dialog.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qtbot.wait(50)
        go_on.set()
        qtbot.wait(500)
    assert exceptions == []


def test_scroll_and_choice_stay(qtbot, session, library, tmp_path):
    (tmp_path / "nas").mkdir()
    library.settings.set_destination(
        session.actor, "mirror", "nas", {"path": str(tmp_path / "nas"), "enabled": True}, {}
    )
    dialog = DestinationsDialog(session, first="mirror")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.queue.list.topLevelItemCount() == 3)
    dialog.queue.list.setCurrentItem(dialog.queue.list.topLevelItem(2))
    dialog.reload()
    qtbot.waitUntil(lambda: not session.calls.waiting())
    qtbot.wait(200)
    assert dialog.queue.list.currentItem() is not None


def test_one_slow_image_is_not_offline(qtbot, session, library, tmp_path):
    from datetime import timedelta

    from app.core.clock import utc_now
    from app.storage.outbox import EntryState
    from app.ui.destinations.states import destination_state

    (tmp_path / "nas").mkdir()
    library.settings.set_destination(
        session.actor, "mirror", "nas", {"path": str(tmp_path / "nas"), "enabled": True}, {}
    )
    [entry, *_rest] = library.store.outbox.take("mirror.nas", utc_now(), 1)
    library.store.outbox.settle(
        entry, EntryState.WAITING, "store.altered", {}, utc_now(), utc_now() + timedelta(hours=1)
    )
    [one] = library.watchdog.destinations(session.actor)
    print(destination_state(one))
    assert "offline" not in destination_state(one)[1]
