"""What came in by DICOM. Apart from the service, which brings the network with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReceiveReport:
    """Objects by what became of them (``imported``, ``inbox``, ``duplicate``, …); grows while receiving."""

    counts: Counter[str] = field(default_factory=Counter)
