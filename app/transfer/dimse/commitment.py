"""Storage commitment (PS3.4 annex J): asking an archive to answer for objects, and waiting for what it reports.

The report (N-EVENT-REPORT) comes on the association of the request or on one that the archive opens to our listener;
which of the two is the archive's choice, so both lead to the same place here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.transfer.dimse.association import Link
from app.transfer.dimse.faults import SUCCESS, said

# PS3.6 table A-1, PS3.4 section J.3.5.
PUSH_MODEL, PUSH_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
_REQUEST, _ALL_COMMITTED, _SOME_FAILED = 1, 1, 2
_PROCESSING_FAILURE, _NO_SUCH_EVENT, _INVALID_ARGUMENT = 0x0110, 0x0113, 0x0115
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Report:
    """What an archive answers for. ``failed`` has the reason of each by SOP Instance UID (PS3.3 section C.14)."""

    committed: frozenset[str] = frozenset()
    failed: dict[str, int] = field(default_factory=dict)


class Commitments:
    """Requests that wait for their report. Any thread; one for the program, given to senders and to the listener."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Report | None] = {}

    def expect(self, transaction_uid: str) -> None:
        """Begin to wait for a report."""
        with self._lock:
            self._waiting[transaction_uid] = None

    def forget(self, transaction_uid: str) -> None:
        """Wait no longer."""
        with self._lock:
            self._waiting.pop(transaction_uid, None)

    def of(self, transaction_uid: str) -> Report | None:
        """Return the report, once it has come."""
        with self._lock:
            return self._waiting.get(transaction_uid)

    def on_event(self, event: Any) -> tuple[int, None]:
        """Take an N-EVENT-REPORT of pynetdicom; what nobody asked for is refused."""
        if event.event_type not in {_ALL_COMMITTED, _SOME_FAILED}:
            return _NO_SUCH_EVENT, None
        try:
            told = event.event_information
            transaction = str(told.TransactionUID)
            committed = frozenset(str(item.ReferencedSOPInstanceUID) for item in told.get("ReferencedSOPSequence", ()))
            failed = {
                str(item.ReferencedSOPInstanceUID): int(item.get("FailureReason") or _PROCESSING_FAILURE)
                for item in told.get("FailedSOPSequence", ())
            }
        # A data set that cannot be read: pydicom raises whatever it meets (RELIABILITY B6).
        except (AttributeError, ValueError, TypeError, KeyError, OSError, NotImplementedError):
            return _INVALID_ARGUMENT, None
        with self._lock:
            if transaction not in self._waiting:
                return _PROCESSING_FAILURE, None
            self._waiting[transaction] = Report(committed - failed.keys(), failed)
        return SUCCESS, None


def commit(
    link: Link, commitments: Commitments, objects: Sequence[tuple[str, str]], wait_s: float, ctx: JobContext
) -> Report | None:
    """Ask for a commitment to (SOP class, SOP instance) pairs; ``None`` when no report came in time.

    Raises
    ------
    EnvironmentFault
        ``dimse.not_answered`` (fact ``status``) when the request is refused.
    TransientFault
        As :meth:`Link.no_answer`.
    Cancelled
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    wanted = Dataset()
    wanted.TransactionUID = transaction = str(generate_uid())
    wanted.ReferencedSOPSequence = []
    for sop_class_uid, sop_instance_uid in objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class_uid, sop_instance_uid
        wanted.ReferencedSOPSequence.append(item)
    commitments.expect(transaction)
    try:
        link.asked()
        answer, _reply = link.association.send_n_action(wanted, _REQUEST, PUSH_MODEL, PUSH_INSTANCE)
        if "Status" not in answer:
            raise link.no_answer()
        if answer.Status != SUCCESS:
            raise EnvironmentFault("dimse.not_answered", status=said(answer.Status))
        deadline = time.monotonic() + wait_s
        while (report := commitments.of(transaction)) is None and time.monotonic() < deadline:
            ctx.wait(_LOOK_S)
        return report
    finally:
        commitments.forget(transaction)
