"""Mirrors in the settings: asked for by kind, tried out before they are used, stored with the rest or not at all."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLineEdit

from app.core.errors import EnvironmentFault
from app.services.settings import SettingChanges
from app.ui.settings.destination_form import DestinationForm
from app.ui.settings.destinations import DestinationsEditor
from app.ui.settings.dialog import SettingsDialog
from tests.drive_stand_in import drive_stand_in
from tests.integration.drive.conftest import connect, point


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "nas"
    folder.mkdir()
    return folder


@pytest.fixture
def form(qtbot, session):
    editor = DestinationsEditor("mirror", session)
    made = DestinationForm(session, "mirror", None, frozenset({"taken"}), editor.try_out)
    qtbot.addWidget(made)
    qtbot.addWidget(editor.widget)
    made.show()
    return made


def choose(form, kind) -> None:
    box = form.editors["kind"].widget
    box.setCurrentIndex(box.findData(kind))


def type_in(form, last, text) -> None:
    line = form.editors[last].widget
    assert isinstance(line, QLineEdit)
    line.setText(text)


def test_each_kind_is_asked_what_it_needs(form):
    shown = {}
    for kind in ("folder", "ftp", "ftps", "sftp", "s3", "drive"):
        choose(form, kind)
        shown[kind] = {last for last, editor in form.editors.items() if editor.widget.isVisible()}
    assert {"host", "password", "bucket", "trust", "connections"} & shown["folder"] == set()
    assert {"host", "password", "allow_plain"} <= shown["ftp"]
    assert "allow_plain" not in shown["ftps"]
    assert {"trust", "key_file"} <= shown["sftp"]
    assert {"bucket", "secret_key", "endpoint"} <= shown["s3"]
    assert "host" not in shown["s3"]
    assert shown["drive"] == {"kind", "path", "allow_unsealed", "layout", "interval", "connections", "enabled"}
    assert all("allow_unsealed" not in fields for kind, fields in shown.items() if kind != "drive")


def test_a_folder_is_tried_out(qtbot, form, place, library):
    form.name.setText("nas")
    type_in(form, "path", str(place))
    form.test()
    qtbot.waitUntil(lambda: "written, read and deleted" in form.found.text(), timeout=5000)
    # Nothing stays there from a trial, and nothing is stored by it.
    assert list(place.iterdir()) == []
    assert library.settings.mirrors() == []


def test_google_drive_needs_an_account_and_consent(qtbot, form, library):
    form.name.setText("cloud")
    choose(form, "drive")
    assert form.editors["path"].widget.placeholderText().strip("\u2066\u2069") == "Bitewing mirror"

    def tried(words):
        form.test()
        qtbot.waitUntil(lambda: words in form.problem.text() + form.found.text(), timeout=5000)

    tried("signed in to Google")
    with drive_stand_in() as google:
        connect(point(library, google))
        tried("nobody has allowed that")
        assert google.tree() == {}
        form.editors["allow_unsealed"].widget.setChecked(True)
        tried("16 GB free")
        # Nothing stays there from a trial.
        assert google.tree() == {}
    form.ok.click()
    assert form.destination.values["allow_unsealed"]


def test_what_cannot_be_is_said(qtbot, form, library, tmp_path):
    for name, words in (("", "short name"), ("né", "short name"), ("taken", "already"), ("Taken", "already")):
        form.name.setText(name)
        form.ok.click()
        assert words in form.problem.text()
    form.name.setText("nas")
    for path, words in (
        (str(library.paths.root / "inside"), "within each other"),
        (str(library.paths.root.parent), "within each other"),
        ("", "address is missing"),
        (str(tmp_path / "not-there"), "Nothing answers"),
    ):
        type_in(form, "path", path)
        form.test()
        qtbot.waitUntil(lambda words=words: words in form.problem.text(), timeout=5000)
    assert form.destination is None


def test_added_changed_and_removed_by_saving(qtbot, session, library, place):
    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    dialog.show()
    [editor] = [one for one in dialog.destinations if one.topic == "mirror"]
    assert editor.widget.isVisible()

    def answer(kind, **texts):
        form = QApplication.activeModalWidget()
        assert isinstance(form, DestinationForm)
        choose(form, kind)
        for last, text in texts.items():
            type_in(form, last, text)
        form.editors["enabled"].widget.setChecked(True)
        if form.name.isEnabled():
            form.name.setText("nas")
        form.ok.click()

    QTimer.singleShot(0, lambda: answer("folder", path=str(place)))
    editor.add()
    assert editor.changes() != SettingChanges()
    assert library.settings.mirrors() == []
    dialog._save.click()
    [mirror] = library.settings.mirrors()
    assert (mirror.name, mirror.kind, mirror.path, mirror.enabled) == ("nas", "folder", str(place), True)
    [queue] = [queue for queue in library.outbox.queues(session.actor) if queue.enabled]
    assert (queue.name, queue.waiting) == ("mirror.nas", 3)

    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    [editor] = [one for one in dialog.destinations if one.topic == "mirror"]
    assert editor.changes() == SettingChanges()
    assert str(place) in editor.list.item(0).text()
    editor.list.setCurrentRow(0)
    QTimer.singleShot(0, lambda: answer("sftp", host="files.example.org", username="clinic", password="s3cret words"))
    editor._on_edit_clicked()
    dialog._save.click()
    [mirror] = library.settings.mirrors()
    assert (mirror.kind, mirror.host) == ("sftp", "files.example.org")
    assert library.settings.secret("mirror.nas.password") == "s3cret words"

    dialog = SettingsDialog(session, page="mirror")
    qtbot.addWidget(dialog)
    [editor] = [one for one in dialog.destinations if one.topic == "mirror"]
    editor.list.setCurrentRow(0)
    editor._on_remove_clicked()
    dialog._save.click()
    assert library.settings.mirrors() == []
    assert not library.settings.has_secret("mirror.nas.password")
    assert [queue.name for queue in library.outbox.queues(session.actor)] == []


def test_all_of_it_is_saved_or_nothing(qtbot, session, library, place, monkeypatch):
    settings, actor = library.settings, session.actor
    settings.set_destination(actor, "mirror", "nas", {"path": str(place), "enabled": True}, {"password": "old words"})
    toml = library.paths.workstation_toml

    def stored() -> tuple[object, ...]:
        secret = settings.secret("mirror.nas.password")
        return settings.list(actor), toml.read_bytes() if toml.exists() else None, secret

    before = stored()
    dialog = SettingsDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.editor("clinic.name").widget.setText("Changed")
    dialog.editor("display.touch_targets").widget.setChecked(True)
    dialog.editor("backup.password").widget.setText("a long enough password")
    [editor] = [one for one in dialog.destinations if one.topic == "mirror"]
    editor.list.setCurrentRow(0)
    editor._on_remove_clicked()
    # The last thing that is written cannot be.
    with monkeypatch.context() as patch:

        def full(*_values):
            raise EnvironmentFault("disk.full")

        patch.setattr(library.store.secrets, "set", full)
        dialog._save.click()
    assert "no room left" in dialog.problem.text()
    assert dialog.isVisible()
    assert stored() == before
    assert not settings.has_secret("backup.password")
    dialog._save.click()
    assert (settings.clinic().clinic_name, settings.workstation().touch_targets) == ("Changed", True)
    assert settings.secret("backup.password") == "a long enough password"
    assert settings.mirrors() == []
