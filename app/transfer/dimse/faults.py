"""Turns what peers say into the program's own errors: rejections (PS3.8 table 9-21) and statuses (PS3.7 annex C).

What passes by itself is a transient fault; what only a person can put right blocks; the rest is one object's.
"""

from __future__ import annotations

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

# Nothing more is sent until a person has acted: the next object would only meet the same.
BLOCKING = frozenset(
    {
        "dimse.called_unknown",
        "dimse.calling_unknown",
        "dimse.rejected",
        "dimse.not_authorised",
        "dimse.certificate",
        "dimse.tls",
        "dimse.no_proof",
    }
)
# What says that the peer cannot be reached at all, whatever is sent.
AWAY = frozenset({"dimse.unreachable", "dimse.slow", "dimse.cut_off"})

SUCCESS = 0x0000
# PS3.4 table B.2-1: stored, and changed or doubted on the way.
COERCED, DISCARDED, DOUBTED = 0xB000, 0xB006, 0xB007
STORED_WITH_WARNING = frozenset({COERCED, DISCARDED, DOUBTED})
# PS3.7 annex C.5.4: an object of that number is there already.
DUPLICATE = 0x0111
CANCELLED = 0xFE00
_FULL_RETRY_S, _BUSY_RETRY_S = 30.0, 5.0
_CALLING_UNKNOWN, _CALLED_UNKNOWN = 3, 7
_BY_USER, _BY_PRESENTATION = 1, 3


def rejection(result: int, source: int, diagnostic: int) -> BitewingError:
    """Return what an A-ASSOCIATE-RJ means."""
    if source == _BY_PRESENTATION or result != 1:
        # Congestion and limits, and what the peer itself calls transient.
        return TransientFault("dimse.busy", _BUSY_RETRY_S)
    if source == _BY_USER and diagnostic == _CALLED_UNKNOWN:
        return EnvironmentFault("dimse.called_unknown")
    if source == _BY_USER and diagnostic == _CALLING_UNKNOWN:
        return EnvironmentFault("dimse.calling_unknown")
    return EnvironmentFault("dimse.rejected", source=source, reason=diagnostic)


def storing_fault(status: int) -> BitewingError | None:
    """Return what the status of a C-STORE means; ``None`` when the object is there (PS3.4 section B.2.3)."""
    if status in {SUCCESS, DUPLICATE} or status in STORED_WITH_WARNING:
        return None
    if status & 0xFF00 == 0xA700:
        # Some archives say so of an object they cannot read; so it is tried a few times, and blocks no other.
        return TransientFault("dimse.full", _FULL_RETRY_S, status=said(status))
    return _common(status) or EnvironmentFault("dimse.refused", status=said(status))


def asking_fault(status: int) -> BitewingError | None:
    """Return what the final status of a C-FIND, C-GET or C-MOVE means (PS3.4 tables C.4-1, C.4-2, C.4-3)."""
    if status in {SUCCESS, CANCELLED}:
        return None
    if status == 0xA801:
        return EnvironmentFault("dimse.destination_unknown")
    if status & 0xFF00 == 0xA700:
        return TransientFault("dimse.busy", _BUSY_RETRY_S, status=said(status))
    return _common(status) or EnvironmentFault("dimse.not_answered", status=said(status))


def said(status: int) -> str:
    """Return a status as the standard writes it."""
    return f"0x{status:04X}"


def _common(status: int) -> BitewingError | None:
    if status in {0x0122, 0xA800}:
        return EnvironmentFault("dimse.class_refused", status=said(status))
    if status == 0x0124:
        return EnvironmentFault("dimse.not_authorised")
    if status == 0x0213:
        return TransientFault("dimse.busy", _BUSY_RETRY_S, status=said(status))
    return None
