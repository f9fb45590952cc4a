"""What an import was asked to do, and what it says afterwards. Memory stays bounded: items stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.domain.image import IMPORTABLE, FileKind, Filing
from app.imaging.examined import Examined


class ItemStatus(StrEnum):
    """What became of one file (CLI contract)."""

    IMPORTED = "imported"
    INBOX = "inbox"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ImportArgs:
    """What to bring in and how.

    ``filing`` holds what a person chose; ``None`` in it means "as the file says". ``filings`` does so
    for single files by their path and wins. ``resume_job`` continues an earlier run. Files of other ``kinds`` than
    those given are passed over, by their content, whatever they are called. Files of ``unripe`` may
    still be growing: what cannot be read of them is said (``skipped`` with the fact ``unripe``), not kept aside.
    Those of ``to_inbox`` wait for a person, whatever they say themselves, for the code given.
    """

    paths: tuple[Path, ...]
    filing: Filing = field(default_factory=Filing)
    recursive: bool = True
    kinds: frozenset[FileKind] = IMPORTABLE
    dry_run: bool = False
    may_make_patients: bool = True
    filings: Mapping[str, Filing] = field(default_factory=dict)
    resume_job: str | None = None
    trigger: str = "user"
    unripe: frozenset[str] = frozenset()
    to_inbox: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportItem:
    """What became of one file; ``code`` and ``facts`` say why where that needs saying.

    ``is_new`` is false where an earlier run had done it: nothing was written this time.
    """

    path: str
    status: ItemStatus
    image_id: str | None = None
    patient_id: str | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    similar_to: str | None = None
    seconds: float = 0.0
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Counts of a whole run. ``stopped`` is the code of what ended it early, if anything did."""

    job_id: str | None
    counts: dict[ItemStatus, int]
    bytes: int = 0
    similar: int = 0
    patients_made: int = 0
    stopped: str | None = None
    stop_facts: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = False

    def count(self, status: ItemStatus) -> int:
        """Return how many files ended with ``status``."""
        return self.counts.get(status, 0)

    @property
    def has_failures(self) -> bool:
        """Whether something was kept aside or failed: exit code 1."""
        return bool(self.count(ItemStatus.QUARANTINED) or self.count(ItemStatus.FAILED) or self.stopped)


@dataclass(slots=True)
class Tally:
    """Counts while a run goes on."""

    counts: Counter[ItemStatus] = field(default_factory=Counter)
    bytes: int = 0
    similar: int = 0
    patients_made: int = 0

    def add(self, item: ImportItem, size: int) -> None:
        """Count one finished file."""
        self.counts[item.status] += 1
        self.similar += item.similar_to is not None
        if item.status in {ItemStatus.IMPORTED, ItemStatus.INBOX}:
            self.bytes += size

    @property
    def done(self) -> int:
        """Files finished so far."""
        return self.counts.total()


class Examiner(Protocol):
    """Whoever looks at a file: the decoding child, or the same code in this process (tests)."""

    def examine(self, path: Path) -> Examined:
        """Decode everything once. Raises BitewingError with the codes of ``app.imaging``."""
