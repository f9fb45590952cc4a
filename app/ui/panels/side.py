"""The panels as tabs."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from app.ui.panels.activity import ActivityPanel
from app.ui.panels.details import DetailsPanel
from app.ui.states import set_margins
from app.ui.theme.stylesheet import UNIT
from app.ui.treatments.panel import TreatmentsPanel
from app.words import t


class SidePanels(QWidget):
    """Details, Adjust, Treatments and Activity. Hosts the viewer's own panel."""

    closed = Signal()

    def __init__(
        self, details: DetailsPanel, adjust: QWidget, treatments: TreatmentsPanel, activity: ActivityPanel
    ) -> None:
        super().__init__()
        self.setObjectName("sidePane")
        self.details, self.adjust, self.activity = details, adjust, activity
        self.treatments = treatments
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.tabBar().setExpanding(False)
        self._tabs.tabBar().setAccessibleName(t("Panels"))
        self._tabs.addTab(details, t("Details"))
        self._tabs.addTab(adjust, t("Adjust"))
        self._tabs.addTab(treatments, t("Treatments"))
        self._tabs.addTab(activity, t("Activity"))
        column = QVBoxLayout(self)
        set_margins(column, UNIT + 4, UNIT // 2, UNIT // 2, UNIT)
        column.addWidget(self._tabs)

    def show_activity(self) -> None:
        """Bring Activity to the front."""
        self._tabs.setCurrentWidget(self.activity)

    def show_treatments(self) -> None:
        """Bring Treatments to the front."""
        self._tabs.setCurrentWidget(self.treatments)

    def show_details(self) -> None:
        """Bring Details to the front."""
        self._tabs.setCurrentWidget(self.details)

    def take_focus(self) -> None:
        """Give the keyboard to the tab in front."""
        self._tabs.currentWidget().setFocus()
        self._tabs.tabBar().setFocus()
