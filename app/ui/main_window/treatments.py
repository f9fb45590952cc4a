"""What people do with treatments in the window: add, change, delete with undo, give them images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog, QMenu

from app.domain.tooth import GENERAL
from app.ui.formats import day, joined
from app.ui.later import part
from app.ui.main_window.undo import Step
from app.ui.notices import NoticeKind
from app.ui.tree.place import Place
from app.words import t, tn

if TYPE_CHECKING:
    from app.domain.treatment import Treatment
    from app.ui.main_window.window import MainWindow


class TreatmentCommands(QObject):
    """Carries out the panel's and the menus' wishes. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._serial = 0
        panel = window.panels.treatments
        panel.add_requested.connect(self.add)
        panel.edit_requested.connect(self.edit)
        panel.delete_requested.connect(self.delete)
        panel.link_requested.connect(self.link_chosen)
        panel.unlink_requested.connect(self.unlink)
        panel.image_chosen.connect(window.table.open_image)

    @Slot()
    def add(self, _checked: bool = False, *, place: Place | None = None, image_ids: Sequence[str] = ()) -> None:
        """Add a treatment to the open patient; teeth and images may be given."""
        summary = self._window.patient.summary
        if summary is None:
            return
        here = place or self._window.patient.place
        teeth = () if here is None else here.teeth or ((here.tooth,) if here.tooth and here.tooth != GENERAL else ())
        dialog = part("TreatmentDialog")(
            self._session, summary, None, self._window, teeth=teeth, image_ids=tuple(image_ids)
        )
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.saved is not None:
            self._window.panels.show_treatments()

    @Slot(object)
    def edit(self, treatment: Treatment) -> None:
        """Change a treatment."""
        summary = self._window.patient.summary
        if summary is not None:
            part("TreatmentDialog")(self._session, summary, treatment, self._window).exec()

    @Slot(object)
    def delete(self, treatment: Treatment) -> None:
        """Delete a treatment; it can be taken back."""
        treatments, actor, which = self._session.library.treatments, self._session.actor, treatment.id
        self._do(
            t("Deleted a treatment"),
            lambda: treatments.delete(actor, which),
            lambda: treatments.restore(actor, which),
        )

    @Slot(object)
    def link_chosen(self, treatment: Treatment) -> None:
        """Give a treatment the images that are chosen in the filmstrip."""
        ids = tuple(self._window.table.chosen_ids())
        if not ids:
            self._session.notices.say(t("No image is chosen"), t("Choose images in the filmstrip first."))
            return
        self.link(treatment, ids)

    def link(self, treatment: Treatment, ids: Sequence[str]) -> None:
        """Give a treatment images."""
        treatments, actor, which = self._session.library.treatments, self._session.actor, treatment.id
        self._do(
            tn("Added {n} image to the treatment", "Added {n} images to the treatment", len(ids)),
            lambda: treatments.link(actor, which, ids),
            lambda: treatments.unlink(actor, which, ids),
        )

    @Slot(object, str)
    def unlink(self, treatment: Treatment, image_id: str) -> None:
        """Take an image out of a treatment."""
        treatments, actor, which = self._session.library.treatments, self._session.actor, treatment.id
        self._do(
            t("Took an image out of the treatment"),
            lambda: treatments.unlink(actor, which, (image_id,)),
            lambda: treatments.link(actor, which, (image_id,)),
        )

    def fill_menu(self, menu: QMenu) -> None:
        """Offer the open patient's treatments for the chosen images; the list is read when it is opened."""
        under = QMenu(t("Treatment"), menu)
        under.addAction(t("New treatment with these images…"), self._add_with_chosen)
        under.addSeparator()
        waiting = under.addAction(t("Looking…"))
        waiting.setEnabled(False)
        menu.addMenu(under)
        library, actor, patient_id = self._session.library, self._session.actor, self._window.patient.patient_id

        def show(treatments: list[Treatment]) -> None:
            under.removeAction(waiting)
            for treatment in treatments[:20]:
                draft = treatment.draft
                title = joined(draft.procedure or draft.code, day(draft.performed_on) if draft.performed_on else "")
                under.addAction(title.replace("&", "&&"), partial(self.link_chosen, treatment))

        def nothing(_error: Any) -> None:
            under.removeAction(waiting)

        if patient_id is not None:
            self._session.calls.ask(
                "menu-treatments", lambda: library.treatments.list(actor, patient_id), show, nothing
            )
            menu.aboutToHide.connect(lambda: self._session.calls.drop("menu-treatments"))

    def _add_with_chosen(self) -> None:
        self.add(image_ids=self._window.table.chosen_ids())

    def _do(self, title: str, work: Callable[[], object], back: Callable[[], object]) -> None:
        self._serial += 1

        def arrived(_result: object) -> None:
            step = Step(title, back, work)
            self._window.undo.push(step)
            self._session.notices.say(
                title, kind=NoticeKind.DONE, action=t("Undo"), act=lambda: self._window.undo.undo_only(step)
            )

        self._session.calls.ask(("treatment", self._serial), work, arrived)
