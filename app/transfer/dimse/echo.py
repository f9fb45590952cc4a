"""A sign of life from a peer: C-ECHO (PS3.4 annex A)."""

from __future__ import annotations

from app.core.errors import EnvironmentFault
from app.transfer.dimse.association import linked
from app.transfer.dimse.faults import SUCCESS, said
from app.transfer.dimse.peer import Peer


def echo(peer: Peer) -> None:
    """Ask whether the peer is there and lets us in.

    Raises
    ------
    BitewingError
        As :meth:`Link.open`; ``dimse.not_answered`` (fact ``status``) when it answers with anything but success.
    """
    from pynetdicom import build_context
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

    with linked(peer, [build_context(Verification)]) as link:
        link.asked()
        answer = link.association.send_c_echo()
        if "Status" not in answer:
            raise link.no_answer()
        if answer.Status != SUCCESS:
            raise EnvironmentFault("dimse.not_answered", status=said(answer.Status))
