"""What is dropped or pasted on the window becomes an import or a move; nothing is decided elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QWidget

from app.ui.main_window.filing import Filer
from app.ui.main_window.imports import Imports
from app.ui.main_window.open_patient import OpenPatient
from app.ui.notices import NoticeKind
from app.ui.tree.place import Place
from app.words import t


class Drops(QObject):
    """Files and images from the mouse and the clipboard. GUI thread only."""

    def __init__(self, patient: OpenPatient, imports: Imports, filer: Filer, window: QWidget) -> None:
        super().__init__(window)
        self._patient = patient
        self._imports = imports
        self._filer = filer

    def enter(self, event: object) -> None:
        """Welcome files."""
        if isinstance(event, QDragEnterEvent) and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def drop(self, event: object) -> None:
        """Import files for whoever is open; with nobody open the files say whose they are."""
        if isinstance(event, QDropEvent):
            paths = local_paths(event.mimeData())
            if paths:
                event.acceptProposedAction()
                self._imports.import_here(paths, self._here())

    @Slot(object, object)
    def files_on_place(self, place: Place, paths: Sequence[Path]) -> None:
        """Import files to a row of the tree."""
        self._imports.import_here(list(paths), place)

    @Slot(object, object)
    def images_on_place(self, place: Place, image_ids: Sequence[str]) -> None:
        """Move images to a row of the tree."""
        self._filer.move(image_ids, place, from_patient=self._patient.patient_id)

    @Slot(str, list)
    def files_on_tooth(self, tooth: str, paths: Sequence[Path | str]) -> None:
        """Import files to a tooth of the open patient."""
        if self._patient.patient_id is not None:
            self._imports.import_here([Path(path) for path in paths], Place(self._patient.patient_id, tooth))

    @Slot(str, list)
    def images_on_tooth(self, tooth: str, image_ids: Sequence[str]) -> None:
        """Move images to a tooth of the open patient."""
        if self._patient.patient_id is not None:
            self._filer.move(image_ids, Place(self._patient.patient_id, tooth), from_patient=self._patient.patient_id)

    @Slot()
    def paste(self) -> None:
        """Import what the clipboard holds: files, or one picture."""
        data = QGuiApplication.clipboard().mimeData()
        paths = local_paths(data) if data is not None else []
        if paths:
            self._imports.import_here(paths, self._here())
            return
        image = QGuiApplication.clipboard().image()
        if image.isNull():
            self._imports.session.notices.say(t("The clipboard holds no image and no files"))
            return
        if self._patient.patient_id is None:
            self._imports.session.notices.say(
                t("Open a patient first"),
                t("A pasted picture does not say whose it is."),
                kind=NoticeKind.WARNING,
            )
            return
        self._imports.import_here([_kept(image)], self._here(), remove_after=True)

    def _here(self) -> Place | None:
        place = self._patient.place
        if place is None:
            return None
        only = place.teeth[0] if len(place.teeth) == 1 else place.tooth
        return Place(place.patient_id, only, place.image_type)


def local_paths(data: QMimeData) -> list[Path]:
    """Return the files of this computer among dropped or copied URLs."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data.hasUrls() else []


def _kept(image: QImage) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="bitewing-paste-"))
    path = folder / "clipboard.png"
    image.save(str(path))
    return path
