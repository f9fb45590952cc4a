"""Publishing from the window: offered for the chosen images, told when it is done, taken back in one click."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QMenu

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.roles import Action
from app.ui.later import part
from app.ui.notices import NoticeKind
from app.ui.tree.place import Place
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.publishing.service import PublicItem
    from app.ui.main_window.window import MainWindow


class Publishing(QObject):
    """Carries out the menus' wishes. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session

    def fill_menu(self, menu: QMenu) -> None:
        """Offer what fits the chosen images; while publishing is off and nothing is public, nothing is offered."""
        ids = self._window.table.chosen_ids()
        images = [image for image in map(self._window.table.record, ids) if image is not None]
        address = images[0].public_url if len(images) == 1 else None
        # Also what is not proven to be public: strangers may see it all the same.
        taken = self._session.library.outbox.may_be_public(self._session.actor, ids) if ids else frozenset()
        is_on = any(mirror.publish for mirror in self._session.library.settings.mirrors())
        if address:
            menu.addAction(t("Copy the public address"), partial(self.copy, address))
            menu.addAction(t("Open the public address"), partial(self.open, address))
        elif is_on and not taken.issuperset(ids):
            publish = menu.addAction(t("Publish…"), self.publish)
            publish.setEnabled(self._session.may(Action.IMAGE_PUBLISH))
        if taken:
            private = menu.addAction(t("Move to private"), self.withdraw)
            private.setEnabled(self._session.may(Action.IMAGE_WITHDRAW))

    @Slot()
    def publish(self) -> None:
        """Look at the chosen images as strangers would see them, and publish them."""
        window, ids = self._window, self._window.table.chosen_ids()
        if not ids or window.patient.summary is None or not self._session.may(Action.IMAGE_PUBLISH):
            return
        dialog = part("PublishDialog")(self._session, window.patient.summary, ids, window)
        dialog.published.connect(self._on_dialog_published)
        dialog.show()

    @Slot()
    def withdraw(self) -> None:
        """Move the chosen images to private."""
        library, actor, ids = self._session.library, self._session.actor, self._window.table.chosen_ids()
        self._session.calls.ask(
            ("withdraw", *ids),
            lambda: library.publishing.withdraw(actor, ids, JobContext.silent()),
            self._on_withdrawn,
        )

    @Slot()
    def show_public(self) -> None:
        """Show everything that is public."""
        dialog = part("PublicImagesDialog")(self._session, self._window)
        dialog.image_requested.connect(self._on_image_requested)
        dialog.show()

    def copy(self, address: str) -> None:
        """Copy a public address."""
        QGuiApplication.clipboard().setText(address)
        self._session.notices.say(t("The public address was copied"), address, kind=NoticeKind.DONE)

    def open(self, address: str) -> None:
        """Open a public address in the browser."""
        QDesktopServices.openUrl(QUrl(address))

    @Slot(list)
    def _on_dialog_published(self, items: list[PublicItem]) -> None:
        failed = [item for item in items if item.state is None]
        done = len(items) - len(failed)
        if done:
            text = t("It counts as public once its address shows it; the details say so.")
            self._session.notices.say(
                tn("{n} image waits to be published", "{n} images wait to be published", done),
                text,
                kind=NoticeKind.DONE,
                action=t("Public images…"),
                act=self.show_public,
            )
        for item in failed[:1]:
            self._session.notices.fault(EnvironmentFault(item.code or "", **item.facts))

    def _on_withdrawn(self, items: list[PublicItem]) -> None:
        failed: list[Any] = [item for item in items if item.state is None]
        if failed:
            words = error_words.words_for(EnvironmentFault(failed[0].code or "", **failed[0].facts))
            self._session.notices.say(words.title, words.explanation, kind=NoticeKind.ERROR)
            return
        self._session.notices.say(
            tn("{n} image is being moved to private", "{n} images are being moved to private", len(items)),
            t("Until its address does not show it any more, it is listed as public."),
            kind=NoticeKind.DONE,
            action=t("Public images…"),
            act=self.show_public,
        )

    @Slot(str, str)
    def _on_image_requested(self, patient_id: str, image_id: str) -> None:
        self._window.open_place(Place(patient_id), image_id)
