"""Turns what the room of Google Drive says (``drive.*``) into what every store says (``store.*``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

_PASSING = {"unreachable", "slow", "cut_off", "busy"}
_LASTING = {
    "revoked": "unauthorized",
    "bad_client": "unauthorized",
    # Google's own word for it is another one, and who runs the project there has to act.
    "api_disabled": "forbidden",
    "forbidden": "forbidden",
    "full": "full",
    "certificate": "certificate",
    "not_there": "not_there",
}


@contextmanager
def translated(name: str = "") -> Iterator[None]:
    """Raise what the room of Google Drive raises inside as the faults of a store.

    Raises
    ------
    TransientFault, EnvironmentFault
        As every call of a store.
    """
    try:
        yield
    except BitewingError as error:
        room, _dot, what = error.code.partition(".")
        if room != "drive":
            raise
        if isinstance(error, TransientFault):
            code = what if what in _PASSING else "cut_off"
            raise TransientFault(f"store.{code}", error.retry_after_s, **error.facts) from error
        if what == "altered":
            raise TransientFault("store.altered", name=name) from error
        facts = {"name": name} if what == "not_there" else error.facts
        if what not in _LASTING:
            facts = {**facts, "detail": str(error.facts.get("status") or what)}
        raise EnvironmentFault(f"store.{_LASTING.get(what, 'failed')}", **facts) from error
