"""The archive's browser over a real Orthanc: lists that grow, designed states, opening without importing, fetching."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QLabel

from app.domain.patient import PatientDraft
from app.domain.roles import Role
from app.jobs.calls import Calls
from app.ui.archive.browser import ArchiveBrowser
from app.ui.archive.delegate import WhoDelegate
from app.ui.main_window.window import MainWindow
from app.ui.main_window.wishes import Wishes, WishFulfiller
from tests.integration.archive.conftest import connect, orthanc_server, server  # noqa: F401 - fixtures
from tests.integration.archive.test_browse import put, series
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer, free_port

STUDY = "1.2.826.0.9.1"


@pytest.fixture
def filled(server: OrthancServer, tmp_path: Path) -> OrthancServer:  # noqa: F811
    """Seventy studies on as many days, and one of two series."""
    paths = [
        radiograph(
            tmp_path / "many" / f"{number}.dcm",
            number,
            PatientName=f"Family^Given{number:02d}",
            PatientID=f"P{number}",
            StudyInstanceUID=f"1.2.826.0.8.{number}",
            StudyDate=f"2026{1 + number % 9:02d}{1 + number % 28:02d}",
        )
        for number in range(70)
    ]
    known = {"PatientName": "Vera^Volume", "PatientID": "V1", "StudyDate": "20261101"}
    put(server, [*paths, *series(tmp_path, 1, 3, **known), *series(tmp_path, 2, 2, **known)])
    return server


@pytest.fixture
def browser(qtbot, session, library, filled) -> ArchiveBrowser:
    connect(library, filled.url)
    made = ArchiveBrowser(session)
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    return made


def settled(qtbot, session) -> None:
    def is_quiet() -> bool:
        return not session.runner.running() and not session.calls.waiting()

    qtbot.waitUntil(is_quiet, timeout=20_000)
    qtbot.wait(250)
    qtbot.waitUntil(is_quiet, timeout=20_000)


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def names(browser) -> list[str]:
    model = browser.found.model
    return [model.study(row).found.patient_name for row in range(model.rowCount())]


def search(qtbot, session, browser, **fields: str) -> None:
    browser.form.clear()
    for name, text in fields.items():
        getattr(browser.form, name).setText(text)
    qtbot.keyClick(browser.form.name, Qt.Key.Key_Return)
    settled(qtbot, session)


def test_newest_first_and_more_while_it_is_scrolled(qtbot, session, browser):
    model = browser.found.model
    assert names(browser)[0] == "Vera^Volume"
    assert 0 < model.rowCount() < 71
    assert "scroll for older ones" in texts(browser)
    while model.canFetchMore(QModelIndex()):
        browser.found.table.scrollToBottom()
        model.fetchMore(QModelIndex())
        settled(qtbot, session)
    assert len(names(browser)) == len(set(names(browser))) == 71
    days = [model.study(row).found.study_date for row in range(71)]
    assert days == sorted(days, reverse=True)
    assert "71 studies" in texts(browser)


def test_pictures_come_for_what_is_in_sight(qtbot, session, browser):
    from app.ui.archive.results import PICTURE_ROLE

    model = browser.found.model
    qtbot.waitUntil(lambda: model.index(0, 0).data(PICTURE_ROLE) is not None, timeout=10_000)
    shown = browser.found.table.rowAt(browser.found.table.viewport().height() - 1)
    assert shown > 0
    assert model.index(model.rowCount() - 1, 0).data(PICTURE_ROLE) is None
    assert isinstance(browser.found.table.itemDelegateForColumn(0), WhoDelegate)
    assert not browser.grab().isNull()


def test_search_by_fields_and_what_a_date_is(qtbot, session, browser):
    search(qtbot, session, browser, name="given1 FAMILY")
    assert set(names(browser)) == {f"Family^Given{number}" for number in range(10, 20)}
    search(qtbot, session, browser, patient_id="V1")
    assert names(browser) == ["Vera^Volume"]
    search(qtbot, session, browser, since="2026-09-01", until="2026-09-30")
    assert len(names(browser)) == 7
    browser.form.since.setText("yesterday")
    browser.form.search()
    assert "not a date" in texts(browser)
    assert browser.form.since.property("invalid") == "true"
    search(qtbot, session, browser, name="nobody at all")
    assert "Nothing found" in texts(browser)
    assert not browser.open_button.isEnabled()
    assert not browser.fetch_button.isEnabled()
    assert "No study is chosen" in texts(browser)


def test_whose_it_is_stands_there_plainly(qtbot, session, library, browser):
    search(qtbot, session, browser, patient_id="V1")
    said = texts(browser.pane)
    assert "Vera, Volume" in said
    assert "No. V1" in said
    assert "Not a patient here yet" in said
    library.patients.add(library.owner(), PatientDraft("Vera", "Volume", "V1", date(1980, 2, 1)))
    search(qtbot, session, browser, patient_id="V1")
    assert "This is a patient of yours: Vera, Volume · V1." in texts(browser.pane)
    patient = library.patients.resolve(library.owner(), "V1")
    library.patients.edit(
        library.owner(), patient.id, PatientDraft("Other", "Person", "V1", date(1980, 2, 1)), patient.version
    )
    search(qtbot, session, browser, patient_id="V1")
    assert "waits in the inbox" in texts(browser.pane)


def test_fetching_what_is_chosen(qtbot, session, library, browser):
    search(qtbot, session, browser, patient_id="V1")
    tree = browser.pane.tree
    assert tree.topLevelItemCount() == 2
    assert browser.fetch_button.text() == "Fetch into the library"
    first = tree.topLevelItem(0)
    first.setExpanded(True)
    settled(qtbot, session)
    assert first.childCount() == 3
    first.child(1).setSelected(True)
    assert browser.fetch_button.text() == "Fetch this image"
    browser.fetch()
    settled(qtbot, session)
    assert "Vera, Volume: 1 imported" in texts(browser)
    assert browser.found.model.study(0).held == 1
    first = browser.pane.tree.topLevelItem(0)
    second = browser.pane.tree.topLevelItem(1)
    first.setSelected(True)
    second.setSelected(True)
    assert browser.fetch_button.text() == "Fetch 2 series"
    places = []
    browser.place_requested.connect(lambda place, image_id: places.append((place, image_id)))
    browser.fetch()
    settled(qtbot, session)
    assert "4 imported" in texts(browser)
    assert "1 already here" in texts(browser)
    assert browser.found.model.data(browser.found.model.index(0, 5)) == "all"
    browser.strip.show_button.click()
    patient = library.patients.resolve(library.owner(), "V1")
    assert places[0][0].patient_id == patient.id
    assert len(library.images.list(library.owner(), patient_id=patient.id)) == 5


def test_offline_is_amber_words_and_never_a_box(qtbot, session, library, browser):
    library.settings.set(library.owner(), "orthanc.url", f"http://127.0.0.1:{free_port()}")
    settled(qtbot, session)
    qtbot.waitUntil(lambda: "offline" in texts(browser), timeout=10_000)
    assert "Nothing answers at the archive's address." in texts(browser)
    assert browser.found._state.property("role") == "warn"
    assert names(browser) == []
    library.settings.set(library.owner(), "orthanc.url", "")
    settled(qtbot, session)
    assert "No archive is set up." in texts(browser)


def test_opened_in_the_viewer_without_importing(qtbot, session, library, filled):
    connect(library, filled.url)
    pictures = Calls()
    window = MainWindow(session, pictures)
    qtbot.addWidget(window)
    window.show()
    try:
        WishFulfiller(window).fulfil(Wishes(study=STUDY))
        qtbot.waitUntil(lambda: window.table.pane.cell.has_picture, timeout=10_000)
        settled(qtbot, session)
        said = texts(window.header)
        assert "Vera, Volume" in said
        assert "From the archive, not in the library" in said
        assert len(window.table.strip.order()) == 5
        assert window.table.current is None
        assert not window.actions_by_name["delete_image"].isEnabled()
        assert len(library.images.list(library.owner())) == 3
        [work] = [path for path in library.paths.incoming.iterdir() if path.suffix == ".work"]
        assert len(list(work.iterdir())) == 5
        # Somebody of the library: the study's files go.
        doe = library.patients.resolve(library.owner(), "17")
        WishFulfiller(window).fulfil(Wishes(patient="17"))
        qtbot.waitUntil(lambda: window.patient.patient_id == doe.id, timeout=10_000)
        qtbot.waitUntil(lambda: not work.exists(), timeout=10_000)
        assert "From the archive" not in texts(window.header)
        # A study that the library has is opened there.
        WishFulfiller(window).fulfil(Wishes(study="1.2.3.4"))
        settled(qtbot, session)
        assert window.patient.patient_id == doe.id
    finally:
        settled(qtbot, session)
        pictures.shutdown()
        session.calls.drop_all()


def test_news_stand_on_the_command(qtbot, session, library, filled, tmp_path):
    connect(library, filled.url)
    library.news.look(library.owner())
    put(filled, [radiograph(tmp_path / "new.dcm", 500, StudyInstanceUID="1.2.9.9")])
    assert library.news.look(library.owner()) == 1
    pictures = Calls()
    window = MainWindow(session, pictures)
    qtbot.addWidget(window)
    window.show()
    try:
        window.status.refresh()
        settled(qtbot, session)
        assert window.actions_by_name["browse_archive"].text() == "Browse the archive… (1 new)"
        assert "1 new study" in window.status._archive.accessibleName()
        window.archive.show_browser()
        settled(qtbot, session)
        window.status.refresh()
        settled(qtbot, session)
        assert window.actions_by_name["browse_archive"].text() == "Browse the archive…"
        # What it opens is not hidden behind it, and what was found is there the next time.
        browser = window.archive._browser
        window.archive.open_study("1.2.9.9")
        assert not browser.isVisible()
        qtbot.waitUntil(lambda: window.table.pane.cell.has_picture, timeout=10_000)
        settled(qtbot, session)
        window.archive.show_browser()
        assert window.archive._browser is browser
        assert browser.isVisible()
        assert len(names(browser)) > 10
        browser.close()
        assert window.archive._browser is None
    finally:
        settled(qtbot, session)
        pictures.shutdown()
        session.calls.drop_all()


class TestForAReceptionist:
    @pytest.fixture
    def role(self) -> Role:
        return Role.RECEPTIONIST

    def test_the_command_is_off(self, qtbot, session, library):
        pictures = Calls()
        window = MainWindow(session, pictures)
        qtbot.addWidget(window)
        window.show()
        assert not window.actions_by_name["browse_archive"].isEnabled()
        pictures.shutdown()
        session.calls.drop_all()
