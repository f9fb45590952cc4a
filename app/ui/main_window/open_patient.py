"""Which patient is open, their images, and which of them are looked at: the window's one state.

Everything that shows a patient listens here; nothing else loads one.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from app.core.errors import BitewingError
from app.domain.changes import ChangeKind, ChangeSet, Entity
from app.domain.image import ImageRecord, ImageView
from app.domain.patient import PatientSummary
from app.ui.session import Session
from app.ui.tree.place import Place

_LOOKED_AT = 500


@dataclass(frozen=True)
class Loaded:
    """A patient with all images, newest first."""

    summary: PatientSummary
    images: tuple[ImageRecord, ...]


class OpenPatient(QObject):
    """Loads in the background; a newer wish replaces an older one. GUI thread only."""

    patient_changed = Signal(object)
    images_changed = Signal(object)
    place_changed = Signal(object)
    image_requested = Signal(str)
    portrait_changed = Signal(str, object)
    loading_changed = Signal(bool)
    failed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._wish: Place | None = None
        self._wish_image: str | None = None
        self.loaded: Loaded | None = None
        self.place: Place | None = None
        session.bus.changed.connect(self._on_bus_changed)

    @property
    def patient_id(self) -> str | None:
        """Who is open."""
        return self.loaded.summary.patient.id if self.loaded else None

    @property
    def summary(self) -> PatientSummary | None:
        """The open patient's row."""
        return self.loaded.summary if self.loaded else None

    def images_here(self) -> list[ImageRecord]:
        """Return the images of the chosen place, newest first."""
        if self.loaded is None:
            return []
        place = self.place
        return [image for image in self.loaded.images if place is None or place.holds(image)]

    def tooth_counts(self) -> dict[str, int]:
        """Return the number of images that show each tooth."""
        shown: dict[str, int] = {}
        for image in self.loaded.images if self.loaded else ():
            for tooth in image.shown_teeth():
                shown[tooth] = shown.get(tooth, 0) + 1
        return shown

    def open(self, place: Place, image_id: str | None = None) -> None:
        """Open a patient at a place, or just go to the place when the patient is already open."""
        self._wish, self._wish_image = place, image_id
        if place.patient_id == self.patient_id and not self._session.calls.busy("open-patient"):
            self._go(place, image_id)
            return
        self.loading_changed.emit(True)
        self._load(place.patient_id, touch=True)

    @Slot()
    def close(self) -> None:
        """Show nobody."""
        self._session.calls.drop("open-patient")
        self.loaded = self.place = self._wish = None
        self._announce()

    @Slot()
    def open_fullest(self) -> None:
        """With nobody open, open who has most images among the first patients: a new demonstration shows itself."""
        library, actor = self._session.library, self._session.actor
        if self.patient_id is not None or self._wish is not None:
            return

        def opened(page: list[PatientSummary]) -> None:
            if page and self._wish is None:
                self.open(Place(max(page, key=lambda summary: summary.images).patient.id))

        self._session.calls.ask("fullest", lambda: library.patients.page(actor, None, _LOOKED_AT), opened)

    def show_teeth(self, teeth: tuple[str, ...]) -> None:
        """Show the images of some teeth, or all for none."""
        if self.patient_id is not None:
            self._go(Place(self.patient_id, teeth=teeth), None)

    def _load(self, patient_id: str, *, touch: bool) -> None:
        library, actor = self._session.library, self._session.actor

        def work() -> Loaded:
            summary = library.patients.summary(actor, patient_id)
            images = tuple(library.images.list(actor, patient_id=patient_id))
            if touch:
                library.patients.touch(actor, patient_id)
            return Loaded(summary, images)

        self._session.calls.ask("open-patient", work, self._on_loaded, self._on_load_failed)

    def _on_loaded(self, loaded: Loaded) -> None:
        changed = loaded.summary.patient.id != self.patient_id
        self.loaded = loaded
        self.loading_changed.emit(False)
        wish = self._wish if self._wish and self._wish.patient_id == loaded.summary.patient.id else None
        self.place = wish or (self.place if not changed else None) or Place(loaded.summary.patient.id)
        image_id, self._wish_image = self._wish_image, None
        self._announce()
        if changed or image_id:
            self._request_image(image_id)
        self._ask_portrait(loaded)

    def _on_load_failed(self, error: BitewingError) -> None:
        self.loading_changed.emit(False)
        if error.code == "patient.none":
            self.close()
        self.failed.emit(error)

    def _announce(self) -> None:
        self.patient_changed.emit(self.summary)
        self.images_changed.emit(self.images_here())
        self.place_changed.emit(self.place)

    def _go(self, place: Place, image_id: str | None) -> None:
        moved = place != self.place
        self.place = place
        if moved:
            self.images_changed.emit(self.images_here())
            self.place_changed.emit(place)
        if moved or image_id:
            self._request_image(image_id)

    def _request_image(self, image_id: str | None) -> None:
        here = self.images_here()
        if image_id is not None or here:
            self.image_requested.emit(image_id or here[0].id)

    def _ask_portrait(self, loaded: Loaded) -> None:
        faces = [image for image in loaded.images if image.view is ImageView.EXTRAORAL_PHOTO]
        patient_id = loaded.summary.patient.id
        if not faces:
            self.portrait_changed.emit(patient_id, None)
            return
        library, actor, face = self._session.library, self._session.actor, faces[0].id
        self._session.calls.ask(
            "portrait",
            lambda: library.images.thumbnail(actor, face),
            lambda data: self.portrait_changed.emit(patient_id, data),
            lambda _error: self.portrait_changed.emit(patient_id, None),
        )

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if self.patient_id is None or self.patient_id not in changes.patients():
            return
        gone = any(
            change.id == self.patient_id and change.kind is ChangeKind.REMOVED for change in changes.of(Entity.PATIENT)
        )
        if gone:
            self.close()
        elif not self._session.calls.busy("open-patient"):
            self._wish = self.place
            self._load(self.patient_id, touch=False)
