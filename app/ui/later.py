"""Parts of the window that are loaded when somebody asks for them, so that the first paint need not wait.

The counterpart of the command line's lazy groups: a table of names, nothing else.
"""

from __future__ import annotations

import importlib
from typing import Any

_PARTS = {
    "AboutDialog": "app.ui.dialogs.about",
    "ArchiveBrowser": "app.ui.archive.browser",
    "BackupsDialog": "app.ui.safekeeping.backups_dialog",
    "CsvImportDialog": "app.ui.dialogs.csv_import",
    "FolderRuleDialog": "app.ui.settings.folder_rule",
    "FirstRunDialog": "app.ui.dialogs.first_run",
    "HelpDialog": "app.ui.help.dialog",
    "IdentityReviewDialog": "app.ui.dialogs.identity_review",
    "DeletedImagesDialog": "app.ui.dialogs.deleted_images",
    "DashboardDialog": "app.ui.dashboard.dialog",
    "DestinationsDialog": "app.ui.destinations.dialog",
    "DestinationForm": "app.ui.settings.destination_form",
    "Details": "app.services.images",
    "ImportArgs": "app.sync.report",
    "ImportDialog": "app.ui.dialogs.import_dialog",
    "ImportResultsDialog": "app.ui.dialogs.import_results",
    "InboxView": "app.ui.inbox.view",
    "InstanceServer": "app.ui.main_window.single_instance",
    "LibraryFailedDialog": "app.ui.dialogs.library_failed",
    "LogDialog": "app.ui.log.dialog",
    "MergeDialog": "app.ui.dialogs.merge",
    "MigrationDialog": "app.ui.safekeeping.migration_dialog",
    "MoveConfirmDialog": "app.ui.dialogs.move_confirm",
    "MoveDialog": "app.ui.dialogs.file_move",
    "PatientDialog": "app.ui.dialogs.patient",
    "PatientRestoreDialog": "app.ui.safekeeping.patient_restore_dialog",
    "ReceiverForm": "app.ui.settings.receiver_form",
    "RestoreDialog": "app.ui.safekeeping.restore_dialog",
    "RestoreProgress": "app.ui.safekeeping.restore_progress",
    "LinksDialog": "app.ui.sharing.links_dialog",
    "SettingsDialog": "app.ui.settings.dialog",
    "ShareDialog": "app.ui.sharing.dialog",
    "ShortcutsDialog": "app.ui.dialogs.shortcuts",
    "Snapshot": "app.ui.main_window.snapshot",
    "TreatmentDialog": "app.ui.treatments.dialog",
    "WorklistDialog": "app.ui.worklist.dialog",
    "ending_words": "app.ui.main_window.import_words",
    "noted_backups": "app.services.backup_note",
    "hand_over": "app.ui.main_window.single_instance",
}


def part(name: str) -> Any:
    """Return the class or function of that name, importing its module the first time."""
    return getattr(importlib.import_module(_PARTS[name]), name)


def names() -> frozenset[str]:
    """Return every name that :func:`part` knows."""
    return frozenset(_PARTS)
