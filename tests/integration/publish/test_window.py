"""Publishing in the window, over the real library: the risk first, the picture first, the way back always there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog

from app.bootstrap.library import Library
from app.core.errors import EnvironmentFault
from app.domain.image import Filing
from app.domain.publication import PublicState
from app.domain.roles import Actor, Role
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.sync.report import ImportArgs
from app.ui.publishing import public_dialog
from app.ui.publishing.consent import PublishConsentDialog
from app.ui.publishing.public_dialog import PublicImagesDialog
from app.ui.publishing.publish_dialog import PublishDialog
from app.ui.session import Session
from app.ui.settings.destination_fields import Destination
from app.ui.settings.destination_form import DestinationForm
from app.words import set_language
from tests import planted
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo
from tests.integration.publish.test_lifecycle import newest


@pytest.fixture
def session(qapp: QApplication, publishing: Library) -> Iterator[Session]:
    set_language("en")
    bus, calls, runner = ChangeBus(), Calls(), JobRunner()
    settings = publishing.settings
    yield Session(publishing, OWNER, calls, runner, bus, settings.clinic(), settings.workstation())
    bus.stop()
    assert runner.shutdown(5.0)
    calls.shutdown()


@pytest.fixture
def settled(qtbot, session: Session) -> Callable[[], None]:
    return lambda: qtbot.waitUntil(lambda: not session.calls.waiting(), timeout=10_000)


def test_from_the_picture_to_the_list_and_back(
    qtbot, session: Session, settled, publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    whose = patient(publishing)
    image = photo(publishing, whose, tmp_path / "in")
    dialog = PublishDialog(session, publishing.patients.summary(OWNER, whose.id), [image.id])
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.ok.isEnabled()
    settled()
    # The picture is there, what may be seen in it is said, and nothing goes before somebody looked.
    assert dialog.views.currentWidget() is dialog.preview
    assert dialog.preview.left() == 0
    assert "recognised" in dialog.warnings.text()
    assert "EXIF" in dialog.facts.text()
    assert not dialog.ok.isEnabled()
    dialog.looked.setChecked(True)
    # Of another copy nothing was said yet; what cannot be made cannot be agreed to.
    dialog.form.setCurrentIndex(1)
    dialog.prepare()
    assert not dialog.looked.isChecked()
    settled()
    assert (dialog.looked.isEnabled(), dialog.ok.isEnabled()) == (False, False)
    dialog.form.setCurrentIndex(0)
    dialog.prepare()
    settled()
    dialog.looked.setChecked(True)
    dialog.ok.click()
    settled()
    assert dialog.result() == QDialog.DialogCode.Accepted
    publishing.publishing.send(OWNER, QUIET)
    url = str(newest(publishing, image.id).publication.url)
    assert web.get(url)[0] == 200
    overview = PublicImagesDialog(session)
    qtbot.addWidget(overview)
    overview.show()
    settled()
    assert overview.list.topLevelItemCount() == 1
    overview.list.setCurrentItem(overview.list.topLevelItem(0))
    assert overview.open_button.isEnabled()
    overview.private_button.click()
    settled()
    # Not green before it is proven: it stands in the list as what may still be seen.
    assert overview.list.topLevelItem(0).text(3) == "being moved to private"
    # Asked for again at once, by who does not want to wait.
    overview.list.setCurrentItem(overview.list.topLevelItem(0))
    assert overview.private_button.isEnabled()
    publishing.publishing.send(OWNER, QUIET)
    overview.reload()
    settled()
    assert overview.list.topLevelItemCount() == 0
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE
    overview.close()


def test_every_picture_is_looked_at_whichever_file_it_is_in(
    qtbot, session: Session, settled, publishing: Library, tmp_path: Path
) -> None:
    whose = patient(publishing)
    path = tmp_path / "in" / "frames.dcm"
    path.parent.mkdir()
    planted.planted_frames(path, (3, 64, 80))
    publishing.imports.run(OWNER, ImportArgs((path,), Filing(patient_id=whose.id)), QUIET)
    for waiting in publishing.inbox.list(OWNER):
        publishing.inbox.file(OWNER, waiting.id, Filing(patient_id=whose.id))
    [frames] = publishing.images.list(OWNER)
    second = photo(publishing, whose, tmp_path / "more")
    dialog = PublishDialog(
        session, publishing.patients.summary(OWNER, whose.id), [second.id, frames.id, "no image of that name"]
    )
    qtbot.addWidget(dialog)
    dialog.form.setCurrentIndex(1)
    dialog.prepare()
    dialog.show()
    settled()
    # As objects of DICOM: the photograph cannot be one, the other has three pictures, of which one is shown.
    assert (dialog.list.count(), dialog.list.currentRow()) == (3, 1)
    assert (dialog.preview.left(), dialog.looked.isEnabled()) == (2, False)
    assert "2 more pictures" in dialog.looked.text()
    dialog.preview.onwards.click()
    settled()
    dialog.list.setCurrentRow(0)
    assert (dialog.views.currentWidget(), "DICOM" in dialog.reason.text()) == (dialog.reason, True)
    dialog.list.setCurrentRow(1)
    assert dialog.views.currentWidget() is dialog.preview
    assert not dialog.looked.isEnabled()
    dialog.preview.onwards.click()
    settled()
    assert (dialog.preview.left(), dialog.looked.isEnabled()) == (0, True)
    # As pictures: the first of each.
    dialog.form.setCurrentIndex(0)
    dialog.prepare()
    settled()
    assert (dialog.preview.left(), dialog.looked.isEnabled()) == (1, False)
    dialog.list.setCurrentRow(1 - dialog.list.currentRow())
    settled()
    assert (dialog.preview.left(), dialog.looked.isEnabled()) == (0, True)
    # Made anew from either row: what was seen of other copies does not count.
    for row in (1, 0):
        dialog.list.setCurrentRow(row)
        settled()
        dialog.prepare()
        settled()
        assert (dialog.list.count(), dialog.preview.left(), dialog.looked.isEnabled()) == (3, 1, False)
    dialog.close()


def test_nobody_without_the_right_takes_anything_back(
    qtbot, session: Session, settled, publishing: Library, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    prepared = publishing.publishing.prepare(OWNER, [image.id], QUIET)
    publishing.publishing.publish(OWNER, prepared, looked=True)
    session.actor = Actor("r", "r", Role.RECEPTIONIST, "test")
    overview = PublicImagesDialog(session)
    qtbot.addWidget(overview)
    overview.show()
    settled()
    overview.list.setCurrentItem(overview.list.topLevelItem(0))
    assert (overview.show_button.isEnabled(), overview.private_button.isEnabled()) == (True, False)
    overview.close()


def test_what_could_not_be_taken_back_is_said(
    qtbot, session: Session, settled, publishing: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whose = patient(publishing)
    prepared = publishing.publishing.prepare(
        OWNER, [photo(publishing, whose, tmp_path / "in", seed).id for seed in (7, 8)], QUIET
    )
    publishing.publishing.publish(OWNER, prepared, looked=True)
    monkeypatch.setattr(public_dialog, "_MOST", 1)
    overview = PublicImagesDialog(session)
    qtbot.addWidget(overview)
    overview.show()
    settled()
    # No count that ends where the list does.
    assert overview.list.topLevelItemCount() == 1
    assert "More than 1" in overview._count.text()
    overview.list.setCurrentItem(overview.list.topLevelItem(0))
    with monkeypatch.context() as broken:
        broken.setattr(type(publishing.store.publications), "withdraw", _full)
        overview.private_button.click()
        settled()
    assert "1 image could not be moved to private" in overview.problem.text()
    overview.close()


def _full(*_arguments: object) -> None:
    raise EnvironmentFault("disk.full")


def test_the_risk_is_agreed_to_before_it_is_switched_on(
    qtbot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent = PublishConsentDialog()
    qtbot.addWidget(consent)
    assert not consent.ok.isEnabled()
    consent.understood.setChecked(True)
    assert consent.ok.isEnabled()
    asked: list[int] = []

    def answered(answer: QDialog.DialogCode) -> None:
        monkeypatch.setattr(PublishConsentDialog, "exec", lambda _self: asked.append(1) or answer)

    known = Destination("new", {"kind": "folder", "path": "/x", "publish": False})
    form = DestinationForm(session, "mirror", known, frozenset(), lambda _wanted: [])
    qtbot.addWidget(form)
    form.editors["publish"].widget.setChecked(True)
    answered(QDialog.DialogCode.Rejected)
    form.ok.click()
    assert (form.destination, asked) == (None, [1])
    answered(QDialog.DialogCode.Accepted)
    form.ok.click()
    assert form.destination is not None
    assert form.destination.values["publish"] is True
    # What was agreed to before is not asked again.
    stored = Destination(PLACE, {"kind": "folder", "path": "/x", "publish": True})
    again = DestinationForm(session, "mirror", stored, frozenset(), lambda _wanted: [])
    qtbot.addWidget(again)
    again.ok.click()
    assert (again.destination is not None, len(asked)) == (True, 2)
    session.library.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    session.library.settings.set(OWNER, f"mirror.{PLACE}.publish", "true")
    consents = [
        entry.details["on"]
        for entry in session.library.store.audit.list(limit=50)
        if entry.entity_id == f"mirror.{PLACE}.publish"
    ]
    assert consents == [True, False, True]
