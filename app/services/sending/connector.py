"""What a kind of destination gives for its queue to be drained: somebody who sends, and what its faults mean."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from app.core.context import JobContext
from app.sync.outbox import Sender


@dataclass(frozen=True, slots=True)
class Connection:
    """A destination that may be sent to.

    ``blocking`` are the codes after which nothing more is sent until a person acts; ``pause_s`` is how long a
    drained queue is left alone.
    """

    sender: Sender
    blocking: Collection[str]
    connections: int
    pause_s: float


class Connector(Protocol):
    """One kind of destinations. Any thread."""

    def connect(self, destination: str, ctx: JobContext) -> AbstractContextManager[Connection]:
        """Make ready by the settings of now; nothing is sent yet. Stopping ``ctx`` ends what is being sent.

        Raises
        ------
        UserError
            When by the settings nothing can be sent there.
        """
