"""Moving, deleting and restoring images from the window, each undoable; asks once between patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QWidget

from app.domain.image import Filing
from app.domain.patient import PatientSummary
from app.ui.later import part
from app.ui.main_window.undo import Step, UndoStack
from app.ui.notices import NoticeKind
from app.ui.session import Session
from app.ui.tree.place import Place
from app.words import t, tn


class Filer(QObject):
    """Carries out a person's wishes about where images belong. GUI thread only."""

    def __init__(self, session: Session, undo: UndoStack, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._undo = undo
        self._window = window
        self._serial = 0

    def move(self, image_ids: Sequence[str], place: Place, *, from_patient: str | None) -> None:
        """Move images to a place; between patients a person confirms with both identities in view."""
        ids = tuple(image_ids)
        if not ids:
            return
        if from_patient is None or from_patient == place.patient_id:
            self._move(ids, place.filing())
            return
        library, actor = self._session.library, self._session.actor

        def identities() -> tuple[PatientSummary, PatientSummary]:
            return library.patients.summary(actor, from_patient), library.patients.summary(actor, place.patient_id)

        def ask(both: tuple[PatientSummary, PatientSummary]) -> None:
            dialog = part("MoveConfirmDialog")(both[0].patient, both[1].patient, len(ids), self._window)
            if dialog.exec() == QDialog.DialogCode.Accepted:
                self._move(ids, place.filing())

        self._session.calls.ask("move-identities", identities, ask)

    def delete(self, image_ids: Sequence[str]) -> None:
        """Delete images softly."""
        ids = tuple(image_ids)
        if not ids:
            return
        images, actor = self._session.library.images, self._session.actor
        title = tn("Deleted {n} image", "Deleted {n} images", len(ids))
        self._do(
            lambda: images.delete(actor, ids),
            lambda _result: Step(title, lambda: images.restore(actor, ids), lambda: images.delete(actor, ids)),
        )

    def restore(self, image_ids: Sequence[str]) -> None:
        """Bring deleted images back."""
        ids = tuple(image_ids)
        images, actor = self._session.library.images, self._session.actor
        title = tn("Restored {n} image", "Restored {n} images", len(ids))
        self._do(
            lambda: images.restore(actor, ids),
            lambda _result: Step(title, lambda: images.delete(actor, ids), lambda: images.restore(actor, ids)),
        )

    def file_from_inbox(
        self, image_id: str, filing: Filing, done: Callable[[], None] | None = None, along: Sequence[str] = ()
    ) -> None:
        """File an image that waited, as a person decided, with the rest of its study where they said so."""
        library, actor = self._session.library, self._session.actor

        def step(result: Any) -> Step:
            filed = list(result.moved)

            def again() -> None:
                filed[:] = library.inbox.file(actor, image_id, filing, along).moved

            title = tn("Filed {n} image from the inbox", "Filed {n} images from the inbox", len(filed))
            return Step(title, lambda: library.inbox.unfile_all(actor, filed), again)

        self._do(lambda: library.inbox.file(actor, image_id, filing, along), step, done)

    def _move(self, ids: tuple[str, ...], filing: Filing) -> None:
        images, actor = self._session.library.images, self._session.actor

        def step(result: Any) -> Step:
            previous = dict(result.previous)

            def back() -> None:
                for image_id, before in previous.items():
                    images.move(actor, [image_id], before)

            title = tn("Moved {n} image", "Moved {n} images", len(ids))
            return Step(title, back, lambda: images.move(actor, ids, filing))

        self._do(lambda: images.move(actor, ids, filing), step)

    def _do(self, work: Callable[[], Any], step: Callable[[Any], Step], done: Callable[[], None] | None = None) -> None:
        self._serial += 1

        def arrived(result: Any) -> None:
            made = step(result)
            self._undo.push(made)
            self._session.notices.say(
                made.title, kind=NoticeKind.DONE, action=t("Undo"), act=lambda: self._undo.undo_only(made)
            )
            if done is not None:
                done()

        self._session.calls.ask(("filing", self._serial), work, arrived)
