"""Joins the viewer and the filmstrip to the library: records become items, services become sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.domain.image import RADIOGRAPHIC_VIEWS, FileKind, ImageRecord, ImageType, ImageView, Laterality
from app.domain.patient import PatientSummary
from app.domain.tooth import GENERAL, format_tooth
from app.jobs.calls import Calls
from app.ui.filmstrip.model import StripItem
from app.ui.filmstrip.view import Filmstrip
from app.ui.formats import day, joined, moment
from app.ui.session import Session
from app.ui.theme.icons import icon
from app.ui.viewer.actions import VIEWER_ACTIONS, ViewerAction
from app.ui.viewer.commands import ViewerCommands
from app.ui.viewer.loader import FrameLoader
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.sources import ViewerItem
from app.words import errors as error_words
from app.words import t, terms

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame
    from app.services.archiving.opened import OpenedStudy


LOOSE = "loose:"
"""Before the path of a file that is looked at without importing it."""
ARCHIVED = "archive:"
"""Before the number and the SOP Instance UID of an image of the archive's study that is looked at."""

_RADIOGRAPHS = frozenset({"IO", "PX", "CT", "DX", "CR"})
_IN_MENUS_ONLY = frozenset({"walk", "layout"})


class LibrarySource:
    """Frames and thumbnails from the library. Any thread."""

    def __init__(self, session: Session) -> None:
        self._library, self._actor = session.library, session.actor

    def frame(self, image_id: str, index: int, max_pixels: tuple[int, int] | None) -> DisplayFrame:
        """Return one frame, decoded out of the process."""
        if image_id.startswith(LOOSE):
            loose: DisplayFrame = self._library.viewing.loose_frame(Path(image_id[len(LOOSE) :]), index, max_pixels)
            return loose
        if image_id.startswith(ARCHIVED):
            path = self._library.browsing.opened_image(_sop_uid(image_id))
            archived: DisplayFrame = self._library.viewing.loose_frame(path, index, max_pixels)
            return archived
        frame: DisplayFrame = self._library.viewing.frame(self._actor, image_id, index, max_pixels)
        return frame

    def thumbnail(self, image_id: str) -> bytes | None:
        """Return a thumbnail's JPEG bytes."""
        if image_id.startswith(LOOSE):
            return None
        if image_id.startswith(ARCHIVED):
            small: bytes | None = self._library.browsing.opened_thumbnail(_sop_uid(image_id))
            return small
        data: bytes | None = self._library.images.thumbnail(self._actor, image_id)
        return data


class LightTable(QObject):
    """Viewer, filmstrip and their commands for one window. GUI thread only."""

    image_chosen = Signal(object)

    def __init__(self, session: Session, pictures: Calls, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._records: dict[str, ImageRecord] = {}
        self._summary: PatientSummary | None = None
        source = LibrarySource(session)
        self._pictures = pictures
        self.loader = FrameLoader(pictures, source)
        self.pane = ViewerPane(self.loader, explain_failure)
        self.pane.set_wheel_zooms(session.workstation.wheel == "zoom")
        self.strip = Filmstrip(pictures, source)
        self.commands = ViewerCommands(self.pane)
        self.area = QWidget()
        layout = QVBoxLayout(self.area)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pane, 1)
        layout.addWidget(self.strip)
        self.actions: dict[str, QAction] = {}
        for entry in VIEWER_ACTIONS:
            self._add_action(entry)
        self.pane.image_opened.connect(self._on_pane_image_opened)
        self.pane.image_shown.connect(self._on_pane_image_shown)
        self.pane.cell_chosen.connect(self._on_pane_cell_chosen)
        self.strip.image_chosen.connect(self._on_strip_image_chosen)
        self.pane.state_changed.connect(self._show_checks)
        self.pane.tool_changed.connect(self._show_checks)
        self.pane.thumbnail_of = self.strip.thumbnail_of
        self._show_checks()

    @property
    def current(self) -> ImageRecord | None:
        """The image in the chosen cell."""
        item = self.pane.cell.item
        return self._records.get(item.image_id) if item else None

    def chosen_ids(self) -> list[str]:
        """Return what commands on images mean: the strip's choice, else the viewer's image."""
        chosen = list(self.strip.selected_ids())
        if len(chosen) > 1:
            return chosen
        return [self.current.id] if self.current else chosen

    def busy(self) -> bool:
        """Whether a picture is still on its way."""
        return self._pictures.waiting()

    def record(self, image_id: str) -> ImageRecord | None:
        """Return an image of the open patient."""
        return self._records.get(image_id)

    def show_patient(self, summary: PatientSummary | None) -> None:
        """Clear the table for another patient."""
        before = self._summary.patient.id if self._summary else None
        self._summary = summary
        if summary is None or summary.patient.id != before:
            self.pane.clear()
            self._records = {}
            self.image_chosen.emit(None)

    def show_images(self, images: list[ImageRecord], others: Iterable[str] = ()) -> None:
        """Take the images to choose from, newest first; ``others`` are the patient's that a filter hides."""
        self._records.update({image.id: image for image in images})
        # Cells that are compared keep what a filter of the strip hides; what left the patient goes.
        self.pane.set_items([self._item(image) for image in images], others)
        empty = t("No images here yet. Drop some, or paste with {key}.", key="Ctrl+V") if self._summary else ""
        self.strip.set_items([self._strip_item(image) for image in images], empty)
        self._follow()

    def show_loose(self, paths: list[Path]) -> None:
        """Show files that are in no library; nobody's name stands beside them."""
        self.show_patient(None)
        items = [
            ViewerItem(f"{LOOSE}{path}", sha256=f"{LOOSE}{path}", title=path.name, note=t("Not imported"))
            for path in paths
        ]
        self.pane.set_items(items)
        self.strip.set_items(
            [StripItem(item.image_id, None, "", Path(item.image_id).name) for item in items], t("No images")
        )
        if items:
            self.pane.open_image(items[0].image_id)

    def show_archived(self, opened: OpenedStudy) -> None:
        """Show a study of the archive in the order of its images; each comes when it is looked at, or in its turn."""
        self.show_patient(None)
        found = opened.study.found
        # In each series numbers begin anew.
        is_single = len({image.series_uid for image in opened.instances}) == 1
        who = joined(found.identity.name, day(found.birth_date) if found.birth_date else "")
        items = [
            ViewerItem(
                image_id=f"{ARCHIVED}{place:06d}:{image.sop_uid}",
                # What is there under this number may be another image the next time.
                sha256=f"{ARCHIVED}{id(opened)}:{image.sop_uid}",
                title=t("Image {number}", number=image.number if is_single and image.number else place),
                patient=who,
                date=day(found.study_date) if found.study_date else "",
                kind=joined(*found.modalities, found.description),
                note=t("From the archive"),
                rows=image.rows or None,
                columns=image.columns or None,
                frames=image.frames,
                first_frame=image.frames // 2 if "CT" in found.modalities else 0,
                is_radiograph=bool(_RADIOGRAPHS & set(found.modalities)),
            )
            for place, image in enumerate(opened.instances, 1)
        ]
        self.pane.set_items(items)
        self.strip.set_items([StripItem(item.image_id, None, item.title, item.date) for item in items], t("No images"))
        self.pane.open_image(items[0].image_id)

    @Slot(str)
    def open_image(self, image_id: str) -> None:
        """Show an image in the chosen cell."""
        self.pane.open_image(image_id)

    def _add_action(self, entry: ViewerAction) -> None:
        action = QAction(entry.text(), self.area)
        action.setObjectName(entry.id)
        action.setCheckable(entry.checkable)
        if entry.icon and entry.group not in _IN_MENUS_ONLY:
            action.setIcon(icon(entry.icon, checkable=action.isCheckable()))
        if entry.shortcut and entry.slot not in {"undo", "redo"}:
            action.setShortcut(QKeySequence(entry.key()))
            anywhere = (entry.shortcut.isalpha() and len(entry.shortcut) == 1) or entry.shortcut.startswith("Alt+")
            context = Qt.ShortcutContext.WindowShortcut if anywhere else Qt.ShortcutContext.WidgetWithChildrenShortcut
            action.setShortcutContext(context)
        if entry.shortcut:
            action.setToolTip(t("{command} ({key})", command=entry.text(), key=entry.key()))
        action.setData(entry.slot)
        action.triggered.connect(self._on_action_triggered)
        self.area.addAction(action)
        self.actions[entry.slot] = action

    def dress(self) -> None:
        """Give the actions that stand only in menus their icons; after the first paint."""
        for entry in VIEWER_ACTIONS:
            if entry.icon and entry.group in _IN_MENUS_ONLY:
                action = self.actions[entry.slot]
                action.setIcon(icon(entry.icon, checkable=action.isCheckable()))

    @Slot()
    def _on_action_triggered(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.commands.run(str(action.data()))
            self._show_checks()

    @Slot()
    def _show_checks(self) -> None:
        for slot, action in self.actions.items():
            if action.isCheckable():
                action.setChecked(self.commands.checked(slot))

    @Slot(str)
    def _on_pane_image_opened(self, _image_id: str) -> None:
        self._follow()

    def _follow(self) -> None:
        chosen = self.pane.cell.item
        shown = [cell.item.image_id for cell in self.pane.cells if cell.item]
        self.strip.follow(shown, chosen=chosen.image_id if chosen else None)
        self.image_chosen.emit(self.current)

    @Slot(str)
    def _on_pane_image_shown(self, image_id: str) -> None:
        if image_id.startswith((LOOSE, ARCHIVED)):
            return
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(("viewed", image_id), lambda: library.images.record_view(actor, image_id), _nothing)

    @Slot(object)
    def _on_pane_cell_chosen(self, _item: object) -> None:
        self._follow()

    @Slot(str)
    def _on_strip_image_chosen(self, image_id: str) -> None:
        self.pane.open_image(image_id)

    def _item(self, image: ImageRecord) -> ViewerItem:
        patient = self._summary.patient if self._summary else None
        who = []
        if patient is not None:
            who = [patient.name or patient.chart_number]
            who += [day(patient.birth_date)] if patient.birth_date else []
        return ViewerItem(
            image_id=image.id,
            sha256=image.sha256,
            title=image.caption or image.original_name,
            patient=joined(*who),
            date=moment(image.captured_at) if image.captured_at else "",
            tooth=self.tooth_text(image),
            kind=terms.image_view(image.view),
            side="" if image.laterality is Laterality.UNKNOWN else terms.laterality(image.laterality),
            rows=image.rows,
            columns=image.columns,
            frames=image.frames,
            first_frame=image.frames // 2 if _is_volume(image) else 0,
            is_document=image.kind is FileKind.DOCUMENT,
            is_radiograph=image.view in RADIOGRAPHIC_VIEWS or image.image_type is ImageType.XRAY,
            marks_side=bool(image.shown_teeth()) or image.laterality in {Laterality.LEFT, Laterality.RIGHT},
        )

    def _strip_item(self, image: ImageRecord) -> StripItem:
        taken = image.captured_at or image.imported_at
        return StripItem(
            image_id=image.id,
            taken_at=taken,
            date=day(taken.astimezone().date()),
            kind=terms.image_view(image.view),
            tooth=self.tooth_text(image),
            frames=image.frames,
            is_document=image.kind is FileKind.DOCUMENT,
        )

    def tooth_text(self, image: ImageRecord) -> str:
        """Return the teeth of an image in the clinic's numbers, at most four of them."""
        teeth = image.shown_teeth()
        if not teeth:
            return t("General") if image.tooth == GENERAL else format_tooth(image.tooth, self._session.notation)
        shown = ", ".join(format_tooth(tooth, self._session.notation) for tooth in teeth[:4])
        return f"{shown}…" if len(teeth) > 4 else shown


def _is_volume(image: ImageRecord) -> bool:
    return image.frames > 1 and (image.view is ImageView.CBCT or image.modality == "CT")


def explain_failure(error: BitewingError) -> Any:
    """Return what the viewer says of an image that cannot be shown."""
    words = error_words.words_for(error)
    return words.title, " ".join(part for part in (words.explanation, words.what_to_do) if part)


def _sop_uid(image_id: str) -> str:
    return image_id.rsplit(":", 1)[1]


def _nothing(_result: object) -> None:
    """Take an answer that nobody waits for."""
