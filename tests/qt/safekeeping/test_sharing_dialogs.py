"""Sharing in the window: what goes out is looked at, a link is made, every link can be ended; offline is no box."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import httpx
import pytest
import pyzipper
from PySide6.QtGui import QGuiApplication

from app.bootstrap.background import Background
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.sharing import ShareState
from app.services.outgoing.model import Form, OutgoingArgs
from app.services.sharing.model import ShareWish
from app.sync.report import ImportArgs
from app.ui.destinations.whereabouts import whereabouts_text
from app.ui.sharing.dialog import ShareDialog
from app.ui.sharing.links_dialog import LinksDialog
from app.ui.sharing.qr import qr_pixmap
from tests import planted
from tests.integration.sharing.conftest import _front, front, s3, set_up  # noqa: F401 - fixtures

QUIET = JobContext.silent()


@pytest.fixture
def role():
    from app.domain.roles import Role

    return Role.DENTIST


@pytest.fixture
def images(session):
    return [image.id for image in session.library.images.list(session.actor)]


def quiet(qtbot, session) -> None:
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=30_000)


def rows(dialog) -> list[list[str]]:
    tree = dialog.list
    return [[tree.topLevelItem(row).text(column) for column in range(5)] for row in range(tree.topLevelItemCount())]


def test_without_a_storage_it_says_what_to_do(qtbot, session, images):
    dialog = ShareDialog(session, None, images)
    qtbot.addWidget(dialog)
    dialog.show()
    with qtbot.waitSignal(dialog.settings_requested) as asked:
        dialog.nowhere.findChildren(type(dialog.leave))[0].setEnabled(True)
        dialog.nowhere.findChildren(type(dialog.leave))[0].click()
    assert asked.args == ["share"]
    assert not dialog.share_button.isVisible()


def look_through(qtbot, session, dialog) -> None:
    """Go through everything that goes out, then say so."""
    quiet(qtbot, session)
    for _ in range(len(dialog.preview._places)):
        dialog.preview.onwards.click()
        quiet(qtbot, session)
    for check in dialog.options.checks:
        assert check.isEnabled()
        check.setChecked(True)


def test_from_looking_to_a_link_and_its_end(qtbot, session, images, front, clipboard):  # noqa: F811
    library = session.library
    set_up(library, front, "window")
    dialog = ShareDialog(session, None, images[:2])
    qtbot.addWidget(dialog)
    dialog.show()
    quiet(qtbot, session)
    # Nothing goes before a person said that they looked, and they cannot say so before they could.
    assert not dialog.share_button.isEnabled()
    assert front.asked == []
    assert [check.isEnabled() for check in dialog.options.checks] == [False] * len(dialog.options.checks)
    look_through(qtbot, session, dialog)
    assert dialog.share_button.isEnabled()
    dialog.options.original.setChecked(True)
    quiet(qtbot, session)
    assert not dialog.share_button.isEnabled()
    look_through(qtbot, session, dialog)
    front.is_away = True
    dialog.share_button.click()
    assert not dialog.options.isEnabled()
    quiet(qtbot, session)
    assert "cannot be reached" in dialog.problem.text()
    assert dialog.problem.property("role") == "warn"
    front.is_away = False
    dialog.options.case.setText("A-7")
    dialog.options.lock.setChecked(True)
    dialog.share_button.click()
    quiet(qtbot, session)
    url = dialog.card.address.text()
    assert httpx.get(url).headers["content-type"] == "application/zip"
    with pyzipper.AESZipFile(io.BytesIO(httpx.get(url).content)) as archive:
        assert archive.read(archive.namelist()[0], pwd=dialog.card.code.text().encode())
    dialog.card.copy.click()
    assert QGuiApplication.clipboard().text() == url
    assert not dialog.card.qr.pixmap().isNull()
    dialog.reject()
    (share,) = [one.share for one in library.sharing.list(session.actor) if one.url]
    assert (share.form, share.case_reference) == (Form.ORIGINAL.value, "A-7")
    with library.store.read():
        created = library.store.audit.list(action="share.create", limit=10)
    assert "text_possible" in next(entry.details["seen"] for entry in created if entry.details.get("seen"))
    assert "shared by a link" in whereabouts_text(library.outbox.whereabouts(session.actor, images[0]))
    links = LinksDialog(session)
    qtbot.addWidget(links)
    links.show()
    quiet(qtbot, session)
    for typed, hidden in (("a-7", False), ("1 Feb 1980", False), ("a-8", True), ("", False)):
        links.filter.setText(typed)
        assert links.list.topLevelItem(0).isHidden() is hidden
        assert (links.chosen() is None) is hidden or typed == ""
    links.list.setCurrentItem(links.list.topLevelItem(0))
    newest = rows(links)[0]
    assert newest[3:] == ["Doe, Jane · 1 Feb 1980 · 17", "A-7"]
    assert "left" in newest[2]
    links.revoke_button.click()
    quiet(qtbot, session)
    qtbot.waitUntil(lambda: rows(links)[0][2] == "revoked", timeout=5000)
    assert httpx.get(url).status_code in {403, 404}
    assert whereabouts_text(library.outbox.whereabouts(session.actor, images[0])) == ""
    assert [one.url for one in library.sharing.list(session.actor)] == [None] * 2
    with qtbot.waitSignal(links.again_requested) as asked:
        links.renew_button.click()
    # Nothing goes again unseen: the same wishes, looked at anew.
    assert not [one.url for one in library.sharing.list(session.actor) if one.url]
    again = ShareDialog(session, None, list(asked.args[0].image_ids), again=asked.args[0])
    qtbot.addWidget(again)
    again.show()
    quiet(qtbot, session)
    assert (again.options.original.isChecked(), again.options.lock.isChecked()) == (True, True)
    assert again.options.case.text() == "A-7"
    assert not again.share_button.isEnabled()
    look_through(qtbot, session, again)
    again.share_button.click()
    quiet(qtbot, session)
    # A lock is for one share: the new one has another code.
    assert again.card.code.text() not in {"", dialog.card.code.text()}
    assert httpx.get(again.card.address.text()).status_code == 200
    again.reject()
    links.invite_button.click()
    quiet(qtbot, session)
    assert "<input" in httpx.get(links.card.address.text()).text
    assert [one.share.state for one in library.sharing.list(session.actor)][:2] == [ShareState.LIVE] * 2
    links.reject()


def test_closing_while_copies_are_made_leaves_nothing(qtbot, session, images, front):  # noqa: F811
    library = session.library
    set_up(library, front, "window")
    before = sorted(library.paths.incoming.rglob("*"))
    dialog = ShareDialog(session, None, images)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.options.identified.setChecked(True)
    dialog.reject()
    quiet(qtbot, session)
    assert not [path for path in library.paths.incoming.rglob("*.jpg") if path not in before]


def test_every_frame_is_seen_before_anybody_can_say_so(qtbot, session, front, tmp_path):  # noqa: F811
    library, actor = session.library, session.actor
    set_up(library, front, "window")
    volume = tmp_path / "a.dcm"
    planted.planted_frames(volume, (3, 900, 2000))
    ids = []
    patient = library.patients.add(actor, PatientDraft("Doe", "Jane", "77"))
    library.imports.run(actor, ImportArgs((volume,), Filing(patient.id)), QUIET, lambda item: ids.append(item.image_id))
    dialog = ShareDialog(session, None, ids)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.options.original.setChecked(True)
    quiet(qtbot, session)
    preview = dialog.preview
    assert preview.caption.text().startswith("1 of 3")
    assert [preview.left(name) for name in ("text_possible", "several_pictures")] == [2, 2]
    preview.onwards.click()
    quiet(qtbot, session)
    assert "1 more picture" in dialog.options.checks[0].text()
    assert not dialog.options.checks[0].isEnabled()
    preview.onwards.click()
    quiet(qtbot, session)
    assert all(check.isEnabled() for check in dialog.options.checks)
    # Pixel by pixel, what is in view is what the file holds.
    assert preview.picture.look.whole.shape == (900, 2000)
    preview.closer.setChecked(True)
    grabbed = preview.picture.grab().toImage()
    left, top = 1000 - grabbed.width() // 2, 450 - grabbed.height() // 2
    shown = [grabbed.pixelColor(x, 100).red() for x in range(100)]
    assert shown == preview.picture.look.whole[top + 100, left : left + 100].tolist()
    # What cannot be drawn was not looked at.
    with library.sharing.prepare(actor, ids, OutgoingArgs(Form.ORIGINAL), QUIET) as broken:
        broken.copies[0].path.write_bytes(b"no image")
        preview.show_copies(broken.copies)
        quiet(qtbot, session)
        assert preview.picture.look is None
        assert preview.left("several_pictures") == 3
    dialog.reject()


def test_closing_while_it_is_sent_leaves_no_link(qtbot, session, images, front, monkeypatch):  # noqa: F811
    library = session.library
    set_up(library, front, "window")
    begun, go_on = threading.Event(), threading.Event()
    real = type(library.sharing)._give_out

    def late(*args):
        begun.set()
        assert go_on.wait(10)
        return real(*args)

    monkeypatch.setattr(type(library.sharing), "_give_out", late)
    dialog = ShareDialog(session, None, images[:1])
    qtbot.addWidget(dialog)
    dialog.show()
    look_through(qtbot, session, dialog)
    dialog.options.lock.setChecked(True)
    dialog.share_button.click()
    qtbot.waitUntil(begun.is_set, timeout=10_000)
    dialog.reject()
    go_on.set()
    quiet(qtbot, session)
    (share,) = [one.share for one in library.sharing.list(session.actor)]
    assert share.state is ShareState.ENDED


def test_the_code_is_that_of_the_link():
    import cv2
    import numpy as np

    text = f"https://files.example.org/shared/{'0123456789abcdef' * 3}.jpg?X-Amz-Signature={'f' * 64}"
    image = qr_pixmap(text, 400).toImage().convertToFormat(qr_pixmap(text, 400).toImage().Format.Format_Grayscale8)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    read, _points, _straight = cv2.QRCodeDetector().detectAndDecode(pixels[:, : image.width()].copy())
    assert read == text


def test_the_background_collects_and_ends(qtbot, session, bus, images, front, tmp_path, monkeypatch):  # noqa: F811
    library, owner = session.library, session.library.owner()
    monkeypatch.setattr("app.services.sharing.keeping.EVERY_S", 0.2)
    monkeypatch.setattr("app.services.sharing.pacing.SHORTEST", timedelta(seconds=0.2))
    set_up(library, front, "background")
    background = Background(library, owner, session.runner, session.calls, bus, "agent")
    background.start()
    try:
        invited = library.sharing.invite(owner, ShareWish(), QUIET)
        planted.planted_jpeg(tmp_path / "a.jpg")
        fields = {**invited.fields, "key": invited.fields["key"].replace("${filename}", "a")}
        files = {"file": ("a.jpg", (tmp_path / "a.jpg").read_bytes())}
        assert httpx.post(invited.url, data=fields, files=files).status_code == 204
        qtbot.waitUntil(lambda: len(library.inbox.list(owner)) == 1, timeout=15_000)
        front.is_away = True
        assert library.sharing.revoke(owner, invited.share.id, QUIET).state is ShareState.ENDING
        front.is_away = False
        # A link to send by stays closed and watched; its page goes at once.
        qtbot.waitUntil(lambda: httpx.get(invited.page).status_code in {403, 404}, timeout=15_000)
    finally:
        assert background.stop(10.0)
