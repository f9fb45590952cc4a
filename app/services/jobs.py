"""Every run is a row: kind, who, start, end, state, counts, error. Begun and ended in one place."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.errors import BitewingError, Cancelled
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Actor
from app.services.store import Store


@dataclass(slots=True)
class RunningJob:
    """A run that goes on; its engine fills in ``counts`` and, when it stopped early, ``stopped``."""

    id: str
    counts: dict[str, Any] = field(default_factory=dict)
    stopped: str | None = None
    stop_facts: dict[str, Any] = field(default_factory=dict)
