"""Takes a picture of every screen in every look, to be looked at by a person: ``python -m tests.screens OUT``.

Fills a demonstration library (kept in OUT for the next time), puts a few files into its inbox, and grabs
each screen in light and dark, English and Arabic, small, usual and 4K. Names of looks may follow OUT.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOOKS = {
    "dark": ("dark", "en", (1440, 900), 1),
    "light": ("light", "en", (1440, 900), 1),
    "arabic": ("dark", "ar", (1440, 900), 1),
    "arabic-light": ("light", "ar", (1440, 900), 1),
    "small": ("dark", "en", (1366, 768), 1),
    "small-arabic": ("light", "ar", (1366, 768), 1),
    "4k": ("dark", "en", (1920, 1080), 2),
}
PATIENT = "BW-1001"
QUIET_MS = 900
LONGEST_MS = 15_000


def main(out: Path, looks: list[str]) -> int:
    """Prepare the library once, then take the pictures of each look in a process of its own."""
    out.mkdir(parents=True, exist_ok=True)
    library = out / "library"
    if not library.exists():
        _fill(library, out / "strays")
    for look in looks or list(LOOKS):
        scale = LOOKS[look][3]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
        environment.setdefault("BITEWING_SECRETS_FILE", str(out / "secrets.json"))
        command = [sys.executable, "-m", "tests.screens", "--one", look, str(out)]
        subprocess.run(command, env=environment, check=True)
    return 0


def _fill(library: Path, strays: Path) -> None:
    """Make the clinic, and files without a sure patient for its inbox."""
    import pydicom
    from PIL import Image

    subprocess.run([sys.executable, "-m", "app", "demo", "--library", str(library), "--json"], check=True)
    strays.mkdir(exist_ok=True)
    images = library / "dental_images"
    for number, photo in enumerate(sorted(images.rglob("*.jpg"))[:3]):
        Image.open(photo).resize((900, 600)).save(strays / f"IMG_20{number}.jpg", quality=82)
    for number, path in enumerate(sorted(images.rglob("*/xray/*.dcm"))[:2]):
        dataset = pydicom.dcmread(path)
        dataset.PatientBirthDate = "19700101"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number + 1}"
        dataset.save_as(strays / f"sensor-{number}.dcm")
    (strays / "notes.txt").write_text("not an image")
    (strays / "empty.jpg").touch()
    subprocess.run([sys.executable, "-m", "app", "import", str(strays), "--library", str(library)], check=False)
    _keep_safe(library, strays)


def _keep_safe(library: Path, strays: Path) -> None:
    """Watch a folder, make backups, try restoring."""

    def bitewing(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "app", *words, "--library", str(library)], check=True)

    sensor, safe = strays.parent / "sensor", strays.parent / "backups"
    (sensor / "Hassan_Ahmed").mkdir(parents=True)
    safe.mkdir()
    for number, photo in enumerate(sorted(strays.glob("*.jpg"))[:2]):
        shutil.copy(photo, sensor / "Hassan_Ahmed" / f"IMG_{number}.jpg")
    shutil.copy(next(strays.glob("*.dcm")), sensor / "image.dcm")
    rule = {"path": str(sensor), "rule": "folder:{family}_{given}", "after": "move"}
    away = {"path": str(strays.parent / "camera"), "rule": "dicom"}
    bitewing("settings", "set", "monitor.folders", json.dumps([rule, away]))
    bitewing("settings", "set", "backup.folder", str(safe))
    bitewing("settings", "set", "backup.schedule", "daily")
    bitewing("backup", "create", str(safe / "before-the-holidays.zip"))
    bitewing("backup", "create", f"{safe}/")
    bitewing("backup", "drill")
    bitewing("backup", "create", str(safe / "by-hand.zip"), "--database-only")
    (safe / "by-hand.zip").write_bytes((safe / "by-hand.zip").read_bytes()[:-300])


def take(look: str, out: Path) -> int:
    """Take every picture of one look."""
    from PySide6.QtWidgets import QApplication

    from app.bootstrap.library import open_library
    from app.bootstrap.program import Program, speak
    from app.bootstrap.window import WindowArgs
    from app.jobs.change_bus import ChangeBus
    from app.jobs.collector import Collector
    from app.jobs.crash_hooks import CrashHooks
    from app.ui.main_window.window import MainWindow
    from app.ui.theme.apply import apply_theme

    theme, code, size, _scale = LOOKS[look]
    application = QApplication(sys.argv[:1])
    collector = Collector(application)
    speak(code)
    for name in ("library", "empty"):
        bus, root = ChangeBus(), out / name
        library = open_library(root, create=True, publish=bus.publish)
        library.settings.set_value(library.owner(), "display.theme", theme)
        library.settings.set_value(library.owner(), "display.language", code)
        program = Program(application, library, bus, CrashHooks(), WindowArgs(library=root, size=size), collector)
        program.show()
        window = next(w for w in application.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible())
        window.resize(*size)
        shots = _full(window, out) if name == "library" else _empty(window)
        photographer = Photographer(window, out / look, shots)
        photographer.work()
        application.exec()
    apply_theme(application, theme)
    _first_run(application, out / look)
    shutil.rmtree(out / "empty", ignore_errors=True)
    return 0


def _full(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Go through the screens of a filled library, yielding what to grab."""
    from app.ui.later import part
    from app.ui.tree.place import Place

    session, pages = window.session, window.pages
    patient = session.library.patients.resolve(session.actor, PATIENT)
    yield "start", window
    images = session.library.images.list(session.actor, patient_id=patient.id)
    xray = next(image for image in images if image.view.value == "periapical")
    window.open_place(Place(patient.id, "14"), xray.id)
    yield "main", window
    volume = next((image for image in images if image.frames > 1), None)
    if volume is not None:
        window.open_place(Place(patient.id), volume.id)
        yield "volume", window
    window.panels.show_treatments()
    yield "treatments", window
    treatment = window.panels.treatments.chosen()
    edit = part("TreatmentDialog")(session, window.patient.summary, treatment, window)
    edit.show()
    yield "treatment", edit
    edit.close()
    window.panels.show_activity()
    pages.show_inbox()
    yield "inbox", window
    pages.show_inbox()
    summary = session.library.patients.summary(session.actor, patient.id)
    dialog = part("ImportDialog")(session, window.imports, summary, window)
    dialog.add_paths([out / "strays"])
    dialog.show()
    yield "import-scanned", dialog
    dialog.close()
    session.library.images.delete(session.actor, [image.id for image in images[:2]])
    for name, make in {
        "settings": lambda: part("SettingsDialog")(session, window),
        "patient": lambda: part("PatientDialog")(session, summary, window),
        "merge": lambda: part("MergeDialog")(session, summary, window),
        "about": lambda: part("AboutDialog")(window),
        "csv": lambda: part("CsvImportDialog")(session, window),
        "deleted": lambda: part("DeletedImagesDialog")(session, summary, window.filer.restore, window),
        "move": lambda: part("MoveDialog")(session, summary, 2, xray, window),
    }.items():
        shown = make()
        shown.show()
        yield name, shown
        shown.close()
    session.library.images.restore(session.actor, [image.id for image in images[:2]])
    yield from _safe(window, out)


def _safe(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Go through the screens of safe-keeping."""
    from app.core.context import JobContext
    from app.core.errors import EnvironmentFault
    from app.ui.later import part
    from tests.case_screens import case_screens
    from tests.drive_screens import drive_screens
    from tests.publish_screens import publish_screens
    from tests.sharing_screens import sharing_screens

    session = window.session
    yield from case_screens(window)
    backups = part("BackupsDialog")(session, window.backups, window)
    backups.show()
    yield "backups", backups
    restore = part("RestoreDialog")(out / "backups" / "before-the-holidays.zip", out / "library", window)
    restore.show()
    yield "restore", restore
    restore.close()
    one = part("PatientRestoreDialog")(session, out / "backups" / "before-the-holidays.zip", window)
    one.show()
    yield "restore-patient", one
    one.close()
    backups.close()
    found = session.library.backups.list(session.actor)
    damaged = part("LibraryFailedDialog")(EnvironmentFault("database.corrupt"), out / "library", found, can_read=True)
    damaged.show()
    yield "library-damaged", damaged
    damaged.close()
    actor = session.actor
    session.library.settings.set(actor, "orthanc.url", "https://127.0.0.1:1")
    session.library.settings.set(actor, "orthanc.enabled", "true")
    session.library.archive.push(actor, JobContext.silent())
    place = out / "nas"
    place.mkdir(exist_ok=True)
    session.library.settings.set_destination(actor, "mirror", "nas", {"path": str(place), "enabled": True}, {})
    session.library.mirrors.sync(actor, JobContext.silent())
    overview = part("DashboardDialog")(session, window.backups, window)
    overview.show()
    yield "overview", overview
    overview.close()
    for first in ("orthanc", "mirror.nas", ""):
        destinations = part("DestinationsDialog")(session, window, first=first)
        destinations.show()
        yield f"destinations-{first or 'all'}", destinations
        destinations.close()
    yield from _mirror_windows(session)
    browser = part("ArchiveBrowser")(session, lambda: None, window)
    browser.show()
    yield "browse-offline", browser
    browser.close()
    window.status.refresh()
    yield "offline", window
    yield from _browsed(window, out)
    session.library.settings.set(actor, "orthanc.enabled", "false")
    for topic in ("orthanc", "mirror"):
        page = part("SettingsDialog")(session, window, page=topic)
        page.show()
        yield f"settings-{topic}", page
        page.close()
    yield from _destination_forms(session)
    yield from _dimse(window, out)
    yield from _worklist(window, out)
    helping = part("HelpDialog")(window, topic="restore")
    helping.show()
    yield "help", helping
    helping.close()
    log = part("LogDialog")(session, window)
    log.show()
    yield "log", log
    log.close()
    for page in ("monitor", "backup"):
        settings = part("SettingsDialog")(session, window, page=page)
        settings.show()
        yield f"settings-{page}", settings
        settings.close()
    yield from drive_screens(window)
    yield from publish_screens(window, out)
    yield from sharing_screens(window)
    migration = part("MigrationDialog")(session, window, source=_old_program(out))
    migration.show()
    yield "migration", migration
    migration.close()
    from app.domain.watch_rules import parse_rule

    rule = parse_rule(session.library.settings.workstation().monitor_folders[0])
    folder = part("FolderRuleDialog")(session, rule, window)
    folder.show()
    yield "folder-rule", folder
    folder.close()


def _destination_forms(session: object) -> Iterator[tuple[str, object]]:
    """Show what is asked of a mirror, kind by kind."""
    from app.ui.later import part
    from app.ui.settings.destination_fields import Destination

    for kind in ("sftp", "s3"):
        known = Destination(kind, {"kind": kind, "host": "files.example.org", "enabled": True})
        form = part("DestinationForm")(session, "mirror", known, frozenset(), lambda _wanted: [])
        form.show()
        yield f"mirror-{kind}", form
        form.close()


def _mirror_windows(session: object) -> Iterator[tuple[str, object]]:
    """Show what a mirror's next round would do while many removals are held, a paused mirror, and its runs."""
    from app.core.context import JobContext
    from app.ui.destinations.history_dialog import HistoryDialog
    from app.ui.destinations.plan_dialog import PlanDialog
    from app.ui.later import part

    library, actor = session.library, session.actor
    library.verification.run(actor, JobContext.silent(), "nas")
    every = [image.id for image in library.images.list(actor)][:55]
    library.images.delete(actor, every)
    for kind, name in ((PlanDialog, "mirror-plan"), (HistoryDialog, "mirror-history")):
        made = kind(session, "mirror.nas")
        made.show()
        yield name, made
        made.close()
    library.images.restore(actor, every)
    library.settings.set(actor, "mirror.nas.paused", "true")
    paused = part("DestinationsDialog")(session, None, first="mirror.nas")
    paused.show()
    yield "mirror-paused", paused
    paused.close()
    library.settings.set(actor, "mirror.nas.paused", "false")
    library.mirrors.sync(actor, JobContext.silent())


def _dimse(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Show an archive that speaks only DIMSE, where dcmtk is installed: tried out, in the settings, to be decided."""
    from app.ui.later import part
    from app.ui.settings.destination_fields import Destination
    from tests.integration.archive.dimse_peers import dcmqrscp

    if shutil.which("dcmqrscp") is None:
        return
    session = window.session
    library, actor = session.library, session.actor
    with dcmqrscp(lambda name: name, out / f"dcmqrscp-{os.getpid()}") as peer:
        values = {"host": peer.host, "port": peer.port, "aet": peer.called_aet, "worklist": True}
        library.settings.set_destination(actor, "dimse", "hospital", values, {})
        page = part("SettingsDialog")(session, window, page="dimse")
        page.show()
        yield "settings-dimse", page
        editor = page.destinations[0]
        known = Destination("hospital", {**values, "enabled": True})
        form = part("DestinationForm")(session, "dimse", known, frozenset(), editor.try_out)
        form.show()
        form.test()
        yield "dimse-form", form
        form.close()
        page.close()
        images = [image.id for image in library.images.list(actor)][:3]
        _until_sent(library, "dimse.hospital")
        library.images.delete(actor, images)
        _until_sent(library, "dimse.hospital")
        destinations = part("DestinationsDialog")(session, window, first="dimse.hospital")
        destinations.show()
        yield "dimse-queue", destinations
        pane = destinations.queue
        pane.list.setCurrentItem(pane.list.topLevelItem(0))
        pane.try_it()
        yield "dimse-decide", destinations
        destinations.close()
        library.images.restore(actor, images)
    library.settings.forget(actor, "dimse", "hospital")


def _until_sent(library: object, name: str) -> None:
    """Wait for the background, which sends in threads of its own."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        waits = {queue.name: queue.waiting for queue in library.outbox.queues(library.owner())}
        if not waits.get(name):
            return
        time.sleep(0.1)


def _worklist(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Show the worklist of the day, where dcmtk is installed, and what a taken entry looks like."""
    from app.ui.later import part
    from tests.integration.archive.test_worklist import worklist_server

    session = window.session
    dialog = part("WorklistDialog")(session, window)
    dialog.show()
    yield "worklist-none", dialog
    dialog.close()
    if shutil.which("wlmscpfs") is None:
        return
    library, actor = session.library, session.actor
    folder = out / f"wlmscpfs-{os.getpid()}"
    folder.mkdir()
    with worklist_server(lambda name: name, folder) as peer:
        values = {"host": peer.host, "port": peer.port, "aet": "WORKLIST", "worklist": True, "enabled": False}
        library.settings.set_destination(actor, "dimse", "ris", values, {})
        away = {**values, "port": 1}
        library.settings.set_destination(actor, "dimse", "clinic-2", away, {})
        dialog = part("WorklistDialog")(session, window)
        dialog.place_requested.connect(window.open_place)
        dialog.show()
        yield "worklist", dialog
        rows = [dialog.list.topLevelItem(row) for row in range(dialog.list.topLevelItemCount())]
        dialog.list.setCurrentItem(next(row for row in rows if "18" in row.text(2)))
        dialog.take()
        yield "expected", window
        window.patient.close()
    for name in ("ris", "clinic-2"):
        library.settings.forget(actor, "dimse", name)


def _browsed(window: object, out: Path) -> Iterator[tuple[str, object]]:
    """Go through an archive that is there, where Orthanc is installed: the demonstration's images lie in it."""
    from app.ui.later import part
    from tests.servers import PASSWORD, USER, orthanc

    executable = shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        return
    session = window.session
    library, actor = session.library, session.actor
    with orthanc(executable, out / "orthanc") as server, server.client() as client:
        for path in sorted((out / "library" / "dental_images").rglob("*.dcm")):
            client.post("/instances", content=path.read_bytes()).raise_for_status()
        for key, value in (("url", server.url), ("username", USER), ("password", PASSWORD)):
            library.settings.set(actor, f"orthanc.{key}", value)
        browser = part("ArchiveBrowser")(session, lambda: None, window)
        browser.show()
        yield "browse", browser
        study = browser.found.chosen()
        browser.close()
        window.archive.open_study(study.found.study_uid)
        yield "browse-opened", window
        window.patient.close()
        library.settings.set(actor, "orthanc.url", "https://127.0.0.1:1")


def _old_program(out: Path) -> Path:
    """Return what an earlier program might have left."""
    old = out / "old-program"
    if not old.exists():
        for number, photo in enumerate(sorted((out / "strays").glob("*.jpg"))):
            (old / str(700 + number) / "14").mkdir(parents=True)
            shutil.copy(photo, old / str(700 + number) / "14" / photo.name)
        rows = ("id,last name,first name,dob", "700,Braun,Eva,1971-04-05", "701,Sato,Ken,31/31/1990")
        (old / "patients.csv").write_text("\n".join(rows))
        (old / "notes.txt").write_text("x")
    return old


def _empty(window: object) -> Iterator[tuple[str, object]]:
    """Show a library with nothing in it."""
    yield "empty", window


def _first_run(application: object, folder: Path) -> None:
    from PySide6.QtCore import QTimer

    from app.ui.later import part
    from app.words import language

    dialog = part("FirstRunDialog")(Path.home() / "Bitewing", language())
    dialog.show()

    def grab() -> None:
        dialog.grab().save(str(folder / "first-run.png"))
        dialog.close()
        application.exit()

    QTimer.singleShot(QUIET_MS, grab)
    application.exec()


class Photographer:
    """Grabs what a generator of screens yields, each when the window has come to rest, then closes it."""

    def __init__(self, window: object, folder: Path, shots: Iterator) -> None:
        self._window, self._folder, self._shots = window, folder, shots
        self._waited = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._current: tuple[str, object] | None = None

    def work(self) -> None:
        """Begin once the event loop runs."""
        self._later(self._next)

    def _later(self, then: Callable[[], None]) -> None:
        from PySide6.QtCore import QTimer

        QTimer.singleShot(QUIET_MS, then)

    def _next(self) -> None:
        self._current = next(self._shots, None)
        self._waited = 0
        if self._current is None:
            self._window.close()
            return
        self._later(self._look)

    def _look(self) -> None:
        self._waited += QUIET_MS
        if self._window.is_busy() and self._waited < LONGEST_MS:
            self._later(self._look)
            return
        assert self._current is not None
        name, widget = self._current
        widget.grab().save(str(self._folder / f"{name}.png"))
        self._next()


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in {"-h", "--help"}:
        sys.exit(__doc__)
    if sys.argv[1] == "--one":
        sys.exit(take(sys.argv[2], Path(sys.argv[3]).absolute()))
    sys.exit(main(Path(sys.argv[1]).absolute(), sys.argv[2:]))
