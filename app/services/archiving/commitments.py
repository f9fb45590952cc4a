"""The storage commitments that this process waits for: senders ask, and reports may come through the listener."""

from __future__ import annotations

from app.transfer.dimse.commitment import Commitments

__all__ = ["Commitments"]
