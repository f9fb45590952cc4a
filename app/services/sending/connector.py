"""What a kind of destination gives for its queue to be drained: somebody who sends, and what its faults mean."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from app.core.context import JobContext
from app.domain.roles import Actor
from app.services.door import Unit
from app.storage.outbox import Entry
from app.sync.outbox import Sender, Sent


@dataclass(frozen=True, slots=True)
class Connection:
    """A destination that may be sent to.

    ``blocking`` are the codes after which nothing more is sent until a person acts; ``pause_s`` is how long a
    drained queue is left alone. ``hold`` parks what a person has to agree to, in the transaction that claims entries;
    ``done`` writes down what a settled entry means, in the transaction that settles it; ``after`` looks after the
    destination when a round is over.

    ``insists``: what is to be called back comes first, also while sending is blocked, and is never parked.
    ``waited_out`` are codes after which nothing is parked at all, ``given_up`` those after which what was to be sent
    is not sent any more.
    """

    sender: Sender
    blocking: Collection[str]
    connections: int
    pause_s: float
    hold: Callable[[], None] | None = None
    after: Callable[[Actor, str, JobContext], None] | None = None
    done: Callable[[Unit, Entry, Sent], None] | None = None
    insists: bool = False
    waited_out: Collection[str] = ()
    given_up: Collection[str] = ()


class Connector(Protocol):
    """One kind of destinations. Any thread."""

    def connect(self, destination: str, ctx: JobContext) -> AbstractContextManager[Connection]:
        """Make ready by the settings of now; nothing is sent yet. Stopping ``ctx`` ends what is being sent.

        Raises
        ------
        UserError
            When by the settings nothing can be sent there.
        """
