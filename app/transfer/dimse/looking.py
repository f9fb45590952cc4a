"""What a peer lets us do: one association that asks for everything, and a sign of life on it. Nothing is sent."""

from __future__ import annotations

import time
from dataclasses import dataclass

from app.core.errors import EnvironmentFault
from app.transfer.dimse.association import linked
from app.transfer.dimse.commitment import PUSH_MODEL
from app.transfer.dimse.faults import SUCCESS, said
from app.transfer.dimse.finding import STUDY_ROOT_FIND
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.worklist import WORKLIST_FIND

# PS3.4 annexes A and B: verification, and one of the kinds of images that we send.
VERIFICATION, _SAMPLE = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.7"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: how long the answer took, and which services the peer takes requests for."""

    answer_ms: int
    stores: bool
    answers_queries: bool
    commits: bool
    has_worklist: bool


def look_around(peer: Peer) -> Found:
    """Ask a peer for a sign of life (C-ECHO) and which services it has for us.

    Raises
    ------
    BitewingError
        As :meth:`Link.open`; ``dimse.not_answered`` (fact ``status``) when it answers with anything but success.
    """
    from pynetdicom import build_context

    services = (VERIFICATION, _SAMPLE, STUDY_ROOT_FIND, PUSH_MODEL, WORKLIST_FIND)
    started = time.monotonic()
    with linked(peer, [build_context(service) for service in services]) as link:
        if link.accepts(VERIFICATION):
            link.asked()
            answer = link.association.send_c_echo()
            if "Status" not in answer:
                raise link.no_answer()
            if answer.Status != SUCCESS:
                raise EnvironmentFault("dimse.not_answered", status=said(answer.Status))
        return Found(
            round((time.monotonic() - started) * 1000),
            stores=link.accepts(_SAMPLE),
            answers_queries=link.accepts(STUDY_ROOT_FIND),
            commits=link.accepts(PUSH_MODEL),
            has_worklist=link.accepts(WORKLIST_FIND),
        )
