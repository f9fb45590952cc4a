"""The error types of the whole program.

An error carries a stable English code and plain facts; texts for people are made from them in
``app.words``. Library exceptions are translated into these where the library is used.
"""

from __future__ import annotations

from typing import Any


class BitewingError(Exception):
    """Base of every expected failure.

    Parameters
    ----------
    code
        Stable, dotted English code such as ``file.truncated``; part of the JSON contract.
    facts
        Values that fill the message for people. Never put secrets in here.
    """

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts: dict[str, Any] = facts

    def __str__(self) -> str:
        """Return the code alone: facts may name patients and must not reach logs by accident."""
        return self.code


class UserError(BitewingError):
    """The user can put it right now (bad folder, unknown patient, unsupported file)."""


class RefusedError(UserError):
    """The actor's role does not allow the action, or nobody is signed in."""


class EnvironmentFault(BitewingError):
    """Something outside the program failed (disk full, corrupt file, locked database)."""


class TransientFault(EnvironmentFault):
    """An environment fault that may pass by itself; retry wrappers look at this type only."""

    def __init__(self, code: str, retry_after_s: float = 1.0, **facts: Any) -> None:
        super().__init__(code, **facts)
        self.retry_after_s = retry_after_s


class ItemError(BitewingError):
    """One item of many failed; it is recorded and the batch goes on."""


class Cancelled(BitewingError):
    """The user stopped the operation."""

    def __init__(self) -> None:
        super().__init__("cancelled")
