"""What another program or the command line asks of the window: a patient, a tooth, an image, a study, loose files.

An unknown patient is offered to be created; one whose demographics disagree is never opened silently.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from app.core.errors import BitewingError, UserError
from app.domain.identity import FileIdentity, compare
from app.domain.patient import Patient, PatientDraft, Sex, parse_birth_date
from app.domain.tooth import parse_tooth
from app.ui.later import part
from app.ui.tree.place import Place

if TYPE_CHECKING:
    from app.ui.main_window.window import MainWindow


@dataclass(frozen=True)
class Wishes:
    """Texts as they were given; ``files`` are absolute paths."""

    patient: str = ""
    last: str = ""
    first: str = ""
    dob: str = ""
    sex: str = ""
    tooth: str = ""
    image: str = ""
    study: str = ""
    files: tuple[str, ...] = ()

    @staticmethod
    def parse(values: dict[str, Any]) -> Wishes:
        """Return wishes from another start's message; what is unknown or no text is left out."""
        known = {field.name for field in fields(Wishes)}
        texts: dict[str, Any] = {key: value for key, value in values.items() if key in known and isinstance(value, str)}
        files = values.get("files", ())
        kept = tuple(name for name in files if isinstance(name, str)) if isinstance(files, list | tuple) else ()
        return Wishes(**{**texts, "files": kept})

    def message(self) -> dict[str, Any]:
        """Return the wishes as plain values."""
        return asdict(self)

    @property
    def identity(self) -> FileIdentity:
        """What the asking program says of the patient."""
        return FileIdentity(self.patient, self.last, self.first, parse_birth_date(self.dob), self.sex)


class WishFulfiller(QObject):
    """Carries wishes out in one window. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session

    def fulfil(self, wishes: Wishes) -> None:
        """Open what was asked for."""
        if wishes.files:
            self._window.table.show_loose([Path(name) for name in wishes.files])
            return
        if wishes.study and not wishes.patient and not wishes.image:
            self._window.archive.open_by_uid(wishes.study)
            return
        library, actor = self._session.library, self._session.actor
        try:
            tooth = parse_tooth(wishes.tooth) if wishes.tooth else None
            if wishes.image and not wishes.patient:
                image = library.images.get(actor, wishes.image)
                if image.patient_id is None:
                    self._window.pages.show_inbox()
                else:
                    self._window.open_place(Place(image.patient_id), image.id)
                return
            if not wishes.patient:
                return
            patient = library.patients.resolve(actor, wishes.patient)
        except UserError as error:
            if error.code == "patient.none" and wishes.patient:
                self._offer_new(wishes)
            else:
                self._session.notices.fault(error)
            return
        except BitewingError as error:
            self._session.notices.fault(error)
            return
        self._open(patient, wishes, tooth)

    def _open(self, patient: Patient, wishes: Wishes, tooth: str | None) -> None:
        said = FileIdentity("", wishes.last, wishes.first, parse_birth_date(wishes.dob), wishes.sex)
        found = compare(said, patient)
        if found:
            review = part("IdentityReviewDialog")(wishes.identity, patient, found, self._window)
            if review.exec() != QDialog.DialogCode.Accepted:
                return
        self._window.open_place(Place(patient.id, tooth), wishes.image or None)

    def _offer_new(self, wishes: Wishes) -> None:
        dialog = part("PatientDialog")(self._session, None, self._window)
        sex = Sex(wishes.sex) if wishes.sex in {"M", "F", "O"} else Sex.UNKNOWN
        dialog.fill_from(PatientDraft(wishes.last, wishes.first, wishes.patient, parse_birth_date(wishes.dob), sex))
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.saved is not None:
            self._window.open_place(Place(dialog.saved.id))
