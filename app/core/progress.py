"""What long work tells about itself while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of progress.

    ``total`` is ``None`` while it is unknown; ``unit`` is an English key ("files", "bytes", …) that
    the window translates; ``item`` names what is being worked on (a file name, never a patient).
    """

    done: int
    total: int | None = None
    unit: str = "files"
    item: str = ""
