"""Pages about other places: where images go, links, the overview, the worklist of the day, cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from app.ui.later import part
from app.ui.tree.place import Place

if TYPE_CHECKING:
    from app.domain.patient import PatientSummary
    from app.domain.sharing import Share
    from app.ui.main_window.window import MainWindow


class OtherPlaces(QObject):
    """Opens them. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session

    @Slot()
    def show_worklist(self) -> None:
        """Show who is expected today."""
        dialog = part("WorklistDialog")(self._session, self._window)
        dialog.place_requested.connect(self._window.open_place)
        dialog.settings_requested.connect(self._on_destination_settings_requested)
        dialog.show()

    @Slot()
    def show_cases(self) -> None:
        """Show all cases and appointments."""
        dialog = part("CasesDialog")(self._session, self._window)
        dialog.place_requested.connect(self._window.open_place)
        dialog.show()

    @Slot()
    def attach_to_case(self) -> None:
        """Let the chosen images belong to a case of their patient."""
        loaded, chosen = self._window.patient.loaded, set(self._window.table.chosen_ids())
        images = [image for image in loaded.images if image.id in chosen] if loaded is not None else []
        if loaded is not None and images:
            part("AttachDialog")(self._session, loaded.summary, images, self._window).show()

    @Slot()
    def show_archive(self) -> None:
        """Show where images go, the archive first."""
        self.show_destinations("orthanc")

    @Slot()
    def show_mirrors(self) -> None:
        """Show where images go, the mirrors first."""
        self.show_destinations("mirror")

    def show_destinations(self, first: str) -> None:
        """Show where images go; ``first`` is the destination or the kind to begin with."""
        dialog = part("DestinationsDialog")(self._session, self._window, first=first)
        dialog.browse_requested.connect(self._window.archive.show_browser)
        dialog.settings_requested.connect(self._on_destination_settings_requested)
        dialog.image_requested.connect(self._on_image_requested)
        dialog.show()

    def show_share(self, image_ids: list[str]) -> None:
        """Share these images by a link."""
        if image_ids:
            self._show_share(self._window.patient.summary, image_ids)

    def _show_share(self, summary: PatientSummary | None, image_ids: list[str], again: Share | None = None) -> None:
        dialog = part("ShareDialog")(self._session, summary, image_ids, self._window, again=again)
        dialog.settings_requested.connect(self._on_destination_settings_requested)
        dialog.links_requested.connect(self.show_links)
        dialog.show()

    @Slot()
    def show_links(self) -> None:
        """Show every link that was given out."""
        dialog = part("LinksDialog")(self._session, self._window)
        dialog.settings_requested.connect(self._on_destination_settings_requested)
        dialog.again_requested.connect(self._on_share_again_requested)
        dialog.show()

    @Slot(object)
    def _on_share_again_requested(self, share: Share) -> None:
        """Have what was shared looked at anew, under the name of whom it is filed for now."""
        library, actor, ids = self._session.library, self._session.actor, list(share.image_ids)

        def whose() -> PatientSummary | None:
            owners = {library.images.get(actor, image_id).patient_id for image_id in ids}
            only = owners.pop() if len(owners) == 1 else None
            return None if only is None else library.patients.summary(actor, only)

        self._session.calls.ask(
            ("share-again", share.id),
            whose,
            lambda summary: self._show_share(summary, ids, share),
            # The page itself says of which image there is none any more.
            lambda _error: self._show_share(None, ids, share),
        )

    @Slot(str)
    def _on_destination_settings_requested(self, kind: str) -> None:
        self._window.pages.show_settings(page=kind)

    @Slot(str, str)
    def _on_image_requested(self, patient_id: str, image_id: str) -> None:
        self._window.open_place(Place(patient_id), image_id)

    @Slot()
    def show_dashboard(self) -> None:
        """Show everything an admin should know at one glance."""
        dialog = part("DashboardDialog")(self._session, self._window.backups, self._window)
        dialog.destinations_requested.connect(self.show_archive)
        dialog.backups_requested.connect(self._window.pages.show_backups)
        dialog.inbox_requested.connect(self._window.pages.show_inbox)
        dialog.settings_requested.connect(self._on_destination_settings_requested)
        dialog.show()
