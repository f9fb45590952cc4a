"""Archives that speak only DIMSE in the window: set up and tried out, their recalls decided by a person."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.core.context import JobContext
from app.domain.roles import Role
from app.ui.destinations.dialog import DestinationsDialog
from app.ui.settings.destination_form import DestinationForm
from app.ui.settings.destinations import DestinationsEditor
from app.ui.settings.dialog import SettingsDialog
from tests.certificates import self_signed
from tests.integration.archive.dimse_peers import dcmqrscp
from tests.servers import tls_before

QUIET = JobContext.silent()


@pytest.fixture
def peer(tool, tmp_path):
    with dcmqrscp(tool, tmp_path / "peer") as running:
        yield running


@pytest.fixture
def form(qtbot, session):
    editor = DestinationsEditor("dimse", session)
    made = DestinationForm(session, "dimse", None, frozenset(), editor.try_out)
    qtbot.addWidget(made)
    qtbot.addWidget(editor.widget)
    made.show()
    return made


def enter(form, **values) -> None:
    for last, value in values.items():
        widget = form.editors[last].widget
        if isinstance(value, bool):
            widget.setChecked(value)
        elif isinstance(value, int):
            widget.setValue(value)
        else:
            widget.setText(value)


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def settled(qtbot, session) -> None:
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=20_000)


def test_it_is_tried_out_before_it_is_used(qtbot, form, peer, library):
    form.name.setText("pacs")
    enter(form, host=peer.host, port=peer.port, aet="NOBODY")
    form.test()
    qtbot.waitUntil(lambda: "does not answer to the AE title" in form.problem.text(), timeout=10_000)
    enter(form, aet="ARCHIVE", worklist=True)
    form.test()
    qtbot.waitUntil(lambda: "takes images, answers queries" in form.found.text(), timeout=10_000)
    assert f"{peer.host}:{peer.port}" in form.found.text()
    assert "not encrypted" in form.found.text()
    assert "does not answer questions for the worklist" in form.found.text()
    assert library.settings.dimse_archives() == []


def test_another_computer_in_plain_text_needs_consent(qtbot, form):
    form.name.setText("pacs")
    enter(form, host="192.0.2.7", port=104, aet="ARCHIVE")
    form.test()
    qtbot.waitUntil(lambda: "would not be encrypted" in form.problem.text(), timeout=5000)


def test_a_strange_certificate_is_shown_and_trusted(qtbot, form, peer, tmp_path):
    made = self_signed(tmp_path / "pki")
    with tls_before(peer.port, made.both) as port:
        form.name.setText("pacs")
        enter(form, host="127.0.0.1", port=port, aet="ARCHIVE", tls=True)
        form.test()
        qtbot.waitUntil(form.trust_button.isVisible, timeout=10_000)
        form.trust_button.click()
        qtbot.waitUntil(lambda: "encrypted (TLS)" in form.found.text(), timeout=10_000)
        assert form.editors["trust"].value().replace(":", "").lower().endswith(made.fingerprint[-8:].lower())


def test_the_archive_page_has_their_list(qtbot, session, library):
    library.settings.set_destination(
        library.owner(), "dimse", "pacs", {"host": "10.0.0.9", "port": 104, "aet": "PACS"}, {}
    )
    dialog = SettingsDialog(session, page="dimse")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog._list.currentItem().text() == "Archive"
    [listed] = [editor for editor in dialog.destinations if editor.topic == "dimse"]
    assert listed.list.isVisible()
    # It stands far below, and is what was asked for.
    qtbot.waitUntil(lambda: not listed.list.visibleRegion().isEmpty())
    assert "PACS" in listed.list.item(0).text()
    listed.list.setCurrentRow(0)
    listed._on_remove_clicked()
    dialog._on_save_clicked()
    assert library.settings.dimse_archives() == []


def parked(library, peer) -> list:
    """Send everything, delete it here, and have its recall parked."""
    actor = library.owner()
    values = {"host": peer.host, "port": peer.port, "aet": peer.called_aet}
    library.settings.set_destination(actor, "dimse", "pacs", values, {})
    library.archive.push(actor, QUIET)
    images = [image.id for image in library.images.list(actor)]
    library.images.delete(actor, images)
    library.archive.push(actor, QUIET)
    return images


def test_a_recall_is_decided(qtbot, session, library, peer):
    images = parked(library, peer)
    dialog = DestinationsDialog(session, first="dimse.pacs")
    qtbot.addWidget(dialog)
    dialog.show()
    pane = dialog.queue
    qtbot.waitUntil(lambda: pane.list.topLevelItemCount() == len(images))
    assert not pane.settle_button.isVisible()
    pane.list.setCurrentItem(pane.list.topLevelItem(0))
    assert pane.settle_button.isEnabled()
    assert "Ask its administrator to remove the image." in texts(dialog)
    chosen = pane.list.topLevelItem(0).data(0, 256)
    pane.settle_button.click()
    qtbot.waitUntil(lambda: pane.list.topLevelItemCount() == len(images) - 1, timeout=10_000)
    [copy] = library.outbox.copies(library.owner(), chosen.image_id)
    assert copy.how == "by hand"
    pane.list.setCurrentItem(pane.list.topLevelItem(0))
    pane.retry_button.click()
    qtbot.waitUntil(lambda: library.outbox.queues(library.owner())[0].waiting == 1, timeout=10_000)
    settled(qtbot, session)
    qtbot.waitUntil(lambda: not pane.settle_button.isVisible(), timeout=10_000)
    pane.try_it()
    qtbot.waitUntil(lambda: "takes images, answers queries" in texts(dialog), timeout=10_000)


class TestForAViewer:
    @pytest.fixture
    def role(self) -> Role:
        return Role.VIEWER

    def test_may_not_decide(self, qtbot, session, library, peer):
        parked(library, peer)
        dialog = DestinationsDialog(session, first="dimse.pacs")
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog.queue.list.topLevelItemCount() > 0)
        dialog.queue.list.setCurrentItem(dialog.queue.list.topLevelItem(0))
        assert not dialog.queue.settle_button.isEnabled()
        assert not dialog.queue.retry_button.isEnabled()
