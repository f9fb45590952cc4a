"""What every part of the window is given: the open library, who acts, and the ways to work off the thread.

Built once by ``bootstrap.program``; passed in constructors, never looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.domain.roles import allowed
from app.domain.tooth import Notation
from app.ui.notices import Notices

if TYPE_CHECKING:
    from app.core.settings import ClinicSettings, WorkstationSettings
    from app.domain.roles import Action, Actor
    from app.jobs.calls import Calls
    from app.jobs.change_bus import ChangeBus
    from app.jobs.runner import JobRunner


@dataclass
class Session:
    """One library open in one window."""

    library: Any
    actor: Actor
    calls: Calls
    runner: JobRunner
    bus: ChangeBus
    clinic: ClinicSettings
    workstation: WorkstationSettings
    notices: Notices = field(default_factory=Notices)

    def reload(self) -> None:
        """Take the settings as they are stored now."""
        self.clinic, self.workstation = self.library.settings.clinic(), self.library.settings.workstation()

    @property
    def notation(self) -> Notation:
        """How this clinic numbers teeth."""
        return Notation(self.clinic.tooth_numbers)

    def may(self, action: Action) -> bool:
        """Whether the actor's role allows ``action``; services check again."""
        return allowed(self.actor.role, action)
