"""Who may do what: one table, role by action. Services ask it; the window only mirrors it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles of a clinic, from most to least allowed."""

    ADMIN = "admin"
    DENTIST = "dentist"
    TECHNICIAN = "technician"
    RECEPTIONIST = "receptionist"
    VIEWER = "viewer"


class Action(StrEnum):
    """Everything a service can be asked to do, as far as it exists."""

    PATIENT_VIEW = "patient.view"
    PATIENT_ADD = "patient.add"
    PATIENT_EDIT = "patient.edit"
    PATIENT_MERGE = "patient.merge"
    PATIENT_IMPORT = "patient.import"
    IMAGE_VIEW = "image.view"
    IMAGE_IMPORT = "image.import"
    IMAGE_FILE = "image.file"
    IMAGE_MOVE = "image.move"
    IMAGE_EDIT = "image.edit"
    IMAGE_DELETE = "image.delete"
    IMAGE_RESTORE = "image.restore"
    IMAGE_EXPORT = "image.export"
    IMAGE_PUBLISH = "image.publish"
    IMAGE_WITHDRAW = "image.withdraw"
    LIBRARY_IMPORT = "library.import"
    LIBRARY_EXPORT = "library.export"
    LIBRARY_CHECK = "library.check"
    LIBRARY_DEMO = "library.demo"
    SETTINGS_VIEW = "settings.view"
    SETTINGS_CHANGE = "settings.change"
    STATUS_VIEW = "status.view"
    AUDIT_VIEW = "audit.view"
    TREATMENT_VIEW = "treatment.view"
    TREATMENT_EDIT = "treatment.edit"
    TREATMENT_DELETE = "treatment.delete"
    MONITOR_RUN = "monitor.run"
    LIBRARY_MIGRATE = "library.migrate"
    BACKUP_VIEW = "backup.view"
    BACKUP_CREATE = "backup.create"
    BACKUP_DELETE = "backup.delete"
    BACKUP_RESTORE = "backup.restore"
    BACKUP_DRILL = "backup.drill"
    LOG_VIEW = "log.view"
    ARCHIVE_PUSH = "archive.push"
    ARCHIVE_BROWSE = "archive.browse"
    ARCHIVE_FETCH = "archive.fetch"
    ARCHIVE_ANSWER = "archive.answer"
    WORKLIST_USE = "worklist.use"
    SHARE_CREATE = "share.create"
    SHARE_VIEW = "share.view"
    SHARE_REVOKE = "share.revoke"


_VIEWING = frozenset({Action.PATIENT_VIEW, Action.IMAGE_VIEW, Action.TREATMENT_VIEW, Action.STATUS_VIEW})
_FRONT_DESK = _VIEWING | {
    Action.PATIENT_ADD,
    Action.PATIENT_EDIT,
    Action.IMAGE_IMPORT,
    Action.IMAGE_FILE,
    Action.IMAGE_MOVE,
    Action.IMAGE_EDIT,
    Action.TREATMENT_EDIT,
    Action.WORKLIST_USE,
}
_CHAIRSIDE = _FRONT_DESK | {
    Action.IMAGE_EXPORT,
    # Whoever sees that something should not be public may take it back; making it public takes a clinician.
    Action.IMAGE_WITHDRAW,
    Action.ARCHIVE_BROWSE,
    Action.ARCHIVE_FETCH,
}
_CLINICAL = _CHAIRSIDE | {
    Action.ARCHIVE_PUSH,
    Action.IMAGE_PUBLISH,
    Action.IMAGE_DELETE,
    Action.IMAGE_RESTORE,
    Action.PATIENT_MERGE,
    Action.TREATMENT_DELETE,
    Action.SHARE_CREATE,
    Action.SHARE_VIEW,
    Action.SHARE_REVOKE,
}

PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.ADMIN: frozenset(Action),
    Role.DENTIST: _CLINICAL | {Action.SETTINGS_VIEW, Action.LIBRARY_CHECK, Action.BACKUP_VIEW, Action.BACKUP_CREATE},
    Role.TECHNICIAN: _CHAIRSIDE,
    Role.RECEPTIONIST: _FRONT_DESK,
    Role.VIEWER: _VIEWING,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``workstation`` names the computer in the audit log."""

    id: str
    name: str
    role: Role
    workstation: str = ""


def allowed(role: Role, action: Action) -> bool:
    """Whether ``role`` may do ``action``."""
    return action in PERMISSIONS[role]


def owner(workstation: str) -> Actor:
    """Return the built-in owner, who acts while a library has no accounts."""
    return Actor("owner", "owner", Role.ADMIN, workstation)
