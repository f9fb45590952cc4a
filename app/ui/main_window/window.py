"""The main window: makes the parts, gives each what it needs, and connects them. Decides nothing itself."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QIcon
from PySide6.QtWidgets import QMainWindow

from app.domain.tooth import format_tooth
from app.jobs.calls import Calls
from app.ui.chart.chart import ToothChart
from app.ui.dialogs.toasts import ToastRack
from app.ui.formats import isolated, joined
from app.ui.header.patient_header import PatientHeader
from app.ui.later import part
from app.ui.main_window.actions import Actions
from app.ui.main_window.archive import ArchiveLook
from app.ui.main_window.backups import Backups
from app.ui.main_window.commands import WindowCommands
from app.ui.main_window.drops import Drops
from app.ui.main_window.filing import Filer
from app.ui.main_window.imports import Imports
from app.ui.main_window.layout import Parts, WindowLayout, chart_box
from app.ui.main_window.light_table import LightTable
from app.ui.main_window.menus import ContextMenus
from app.ui.main_window.open_patient import OpenPatient
from app.ui.main_window.other_places import OtherPlaces
from app.ui.main_window.pages import Pages
from app.ui.main_window.publishing import Publishing
from app.ui.main_window.top_bar import TopBar
from app.ui.main_window.treatments import TreatmentCommands
from app.ui.main_window.undo import UndoStack
from app.ui.panels.activity import ActivityPanel
from app.ui.panels.details import DetailsPanel
from app.ui.panels.side import SidePanels
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.status.strip import StatusStrip
from app.ui.theme.icons import icon
from app.ui.treatments.panel import TreatmentsPanel
from app.ui.tree.pane import TreePane
from app.ui.tree.place import Place
from app.ui.viewer.adjust_panel import AdjustPanel
from app.ui.worklist.strip import ExpectedStrip
from app.words import t, terms

DEFAULT_SIZE = QSize(1440, 900)
SMALLEST = QSize(960, 600)


class MainWindow(QMainWindow):
    """One library, one person, one open patient. GUI thread only."""

    closed = Signal()
    rebuild_requested = Signal()
    restore_requested = Signal(object)

    def __init__(self, session: Session, pictures: Calls) -> None:
        super().__init__()
        self.session = session
        self.setWindowTitle("Bitewing")
        self.setMinimumSize(SMALLEST)
        self.resize(DEFAULT_SIZE)
        self.setAcceptDrops(True)
        self.undo = UndoStack(session, self)
        self.patient = OpenPatient(session, self)
        self.filer = Filer(session, self.undo, self)
        self.imports = Imports(session, self)
        self.backups = Backups(session, self)
        self.tree = TreePane(session)
        self.table = LightTable(session, pictures, self)
        self.chart = ToothChart()
        self.chart_caption = plain_label(t("Tooth chart"), "muted")
        self.chart.set_notation(session.notation)
        self.header = PatientHeader()
        self.expected = ExpectedStrip(session)
        self._inbox: Any = None
        self.panels = SidePanels(
            DetailsPanel(session),
            AdjustPanel(self.table.pane, self.table.commands),
            TreatmentsPanel(session),
            ActivityPanel(session),
        )
        self.status = StatusStrip(session)
        self.actions_by_name = Actions(self)
        self.top = TopBar(session, self.actions_by_name, self.table.actions, self)
        self.arrangement = WindowLayout(self, self._parts())
        self.toasts = ToastRack(self)
        self.drops = Drops(self.patient, self.imports, self.filer, self)
        self.pages = Pages(self)
        self.places = OtherPlaces(self)
        self.archive = ArchiveLook(self)
        self.publishing = Publishing(self)
        self.commands = WindowCommands(self)
        self.treatments = TreatmentCommands(self)
        self.menus = ContextMenus(self)
        self._keep_delete_near_images()
        self._connect_patient()
        self._connect_places()
        self._connect_notices()
        self._on_patient_changed(None)

    @property
    def inbox(self) -> Any:
        """The inbox, built when somebody first goes there."""
        if self._inbox is None:
            self._inbox = part("InboxView")(self.session, self.filer, self.patient)
            self.arrangement.add_inbox(self._inbox)
        return self._inbox

    def open_place(self, place: Place, image_id: str | None = None) -> None:
        """Open a patient and bring them into view."""
        self.arrangement.show_inbox(on=False)
        self.patient.open(place, image_id)

    def dragEnterEvent(self, event: object) -> None:
        """Welcome files anywhere over the window."""
        self.drops.enter(event)

    def dropEvent(self, event: object) -> None:
        """Import files dropped anywhere for the open patient."""
        self.drops.drop(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout and say that the window goes."""
        self.arrangement.remember()
        event.accept()
        self.closed.emit()

    def come_forward(self) -> None:
        """Stand before the other programs."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def is_busy(self) -> bool:
        """Whether something is still on its way to the screen."""
        waiting = self.session.calls.waiting(besides=self.session.bus) or self.table.busy()
        return waiting or bool(self.session.runner.running())

    def dispose(self) -> None:
        """Go, for a window in other words or colours: stop listening, then be deleted."""
        self.arrangement.remember()
        self.hide()
        self.deleteLater()

    def dress(self) -> None:
        """Put on what can wait for the first paint: icons of menus, figures, the count of the inbox."""
        self.actions_by_name.dress()
        self.table.dress()
        self.status.refresh()
        self.tree.count_inbox()

    def set_icon(self, window_icon: QIcon) -> None:
        """Give the window its icon."""
        self.setWindowIcon(window_icon if not window_icon.isNull() else icon("tooth"))

    def _parts(self) -> Parts:
        return Parts(
            top=self.top,
            tree=self.tree,
            chart=chart_box(self.chart_caption, self.chart),
            header=self.header,
            expected=self.expected,
            table=self.table.area,
            panels=self.panels,
            status=self.status,
        )

    def _connect_patient(self) -> None:
        patient = self.patient
        patient.patient_changed.connect(self._on_patient_changed)
        patient.images_changed.connect(self._on_images_changed)
        patient.image_requested.connect(self.table.open_image)
        patient.portrait_changed.connect(self.header.set_portrait)
        patient.failed.connect(self.session.notices.fault)
        self.table.image_chosen.connect(self.panels.details.show_image)
        self.panels.details.type_chosen.connect(self._on_details_type_chosen)
        self.header.edit_requested.connect(self.actions_by_name["edit_patient"].trigger)

    def _keep_delete_near_images(self) -> None:
        # Del in the tree or in a field must never delete the image that happens to be shown.
        delete = self.actions_by_name["delete_image"]
        self.removeAction(delete)
        delete.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.table.area.addAction(delete)

    def _connect_places(self) -> None:
        self.top.search.patient_chosen.connect(self._on_search_patient_chosen)
        self.tree.view.place_chosen.connect(self.open_place)
        self.tree.view.inbox_chosen.connect(self.pages.show_inbox)
        self.tree.view.menu_requested.connect(self.menus.show_tree_menu)
        self.tree.view.files_dropped.connect(self.drops.files_on_place)
        self.tree.view.images_dropped.connect(self.drops.images_on_place)
        self.tree.new_patient_requested.connect(self.actions_by_name["new_patient"].trigger)
        self.tree.import_requested.connect(self.actions_by_name["import"].trigger)
        self.tree.demo_requested.connect(self.imports.fill_demo)
        self.imports.demo_filled.connect(self.patient.open_fullest)
        self.chart.teeth_chosen.connect(self.patient.show_teeth)
        self.chart.tooth_activated.connect(self._on_chart_tooth_activated)
        self.chart.tooth_hovered.connect(self._on_chart_tooth_hovered)
        self.chart.files_dropped.connect(self.drops.files_on_tooth)
        self.chart.images_dropped.connect(self.drops.images_on_tooth)
        self.table.strip.menu_requested.connect(self.menus.show_image_menu)
        self.table.pane.menu_requested.connect(self.menus.show_viewer_menu)

    def _connect_notices(self) -> None:
        self.session.notices.said.connect(self.toasts.show_notice)
        self.session.calls.failed.connect(self.session.notices.fault)
        self.status.activity_requested.connect(self.pages.show_activity)
        self.status.overview_requested.connect(self.places.show_dashboard)
        self.status.folders_requested.connect(self.pages.show_folders)
        self.status.backups_requested.connect(self.pages.show_backups)
        self.status.archive_requested.connect(self.places.show_archive)
        self.status.mirrors_requested.connect(self.places.show_mirrors)
        self.status.news_changed.connect(self.archive.show_news)
        self.panels.activity.retry_requested.connect(self.imports.retry)
        self.panels.activity.resume_requested.connect(self.imports.resume)
        self.imports.results_requested.connect(self.pages.show_import_results)

    @Slot(object)
    def _on_patient_changed(self, summary: object) -> None:
        self.header.show_patient(self.patient.summary)
        self.expected.show_patient(self.patient.patient_id)
        self.table.show_patient(self.patient.summary)
        self.panels.treatments.show_patient(self.patient.patient_id)
        self.commands.refresh()
        name = self.patient.summary.patient.name if self.patient.summary else ""
        self.setWindowTitle(t("{patient} – Bitewing", patient=name) if name else "Bitewing")
        if self.patient.patient_id is not None:
            self.tree.view.choose_patient(self.patient.patient_id)

    @Slot(object)
    def _on_images_changed(self, images: object) -> None:
        loaded = self.patient.loaded
        self.table.show_images(self.patient.images_here(), [image.id for image in loaded.images] if loaded else ())
        self.chart.set_counts(self.patient.tooth_counts())
        place = self.patient.place
        chosen = () if place is None else place.teeth or ((place.tooth,) if place.tooth else ())
        self.chart.set_chosen(chosen)
        self._on_chart_tooth_hovered("")

    @Slot(str)
    def _on_search_patient_chosen(self, patient_id: str) -> None:
        self.open_place(Place(patient_id))
        self.table.pane.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    def _on_chart_tooth_hovered(self, tooth: str) -> None:
        shown = (tooth,) if tooth else self.chart.chosen
        numbers = ", ".join(format_tooth(each, self.session.notation) for each in shown)
        name = terms.tooth_name(shown[0]) if len(shown) == 1 else ""
        words = joined(numbers, name)
        place = self.patient.place
        if not words and place is not None and place.case_reference:
            # The only place that says why the filmstrip shows fewer images.
            words = t("Images of case {reference}", reference=isolated(place.case_reference))
        self.chart_caption.setText(words or t("Tooth chart"))

    @Slot(str)
    def _on_chart_tooth_activated(self, tooth: str) -> None:
        if self.patient.patient_id is not None:
            self.open_place(Place(self.patient.patient_id, tooth))

    @Slot(str, str)
    def _on_details_type_chosen(self, image_id: str, image_type: str) -> None:
        if self.patient.patient_id is not None:
            place = Place(self.patient.patient_id, image_type=image_type)
            self.filer.move([image_id], place, from_patient=self.patient.patient_id)
