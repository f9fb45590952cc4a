"""The log in words: what sort of job, how it ended, what it counted; events by their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from app.words import errors, numbers
from app.words.catalogue import t, tn


class Entry(Protocol):
    """What is needed of an entry (:class:`app.services.logbook.LogEntry`)."""

    @property
    def kind(self) -> str:
        """The kind of job, empty for an event."""

    @property
    def state(self) -> str:
        """How the job stands."""

    @property
    def code(self) -> str | None:
        """The code of the event, or of what ended the job."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts of the code."""

    @property
    def counts(self) -> Mapping[str, Any]:
        """What the job counted."""


def describe(entry: Entry) -> tuple[str, str]:
    """Return a title and a sentence."""
    if not entry.kind:
        words = errors.describe(entry.code or "", entry.facts)
        return words.title, words.explanation
    why = errors.reason(entry.code, entry.facts) if entry.code else ""
    counted = counts_words(entry.counts)
    text = " ".join(part for part in (f"{counted}." if counted else "", why) if part)
    return t("{job}: {state}", job=kind_words(entry.kind), state=state_words(entry.state)), text


def kind_words(kind: str) -> str:
    """Return what sort of job it was."""
    known = {
        "import": t("Import"),
        "fetch": t("Fetching from the archive"),
        "keep": t("Bringing in from the archive"),
        "push": t("Sending to the archive"),
        "mirror": t("Sending to a mirror"),
        "publish": t("Publishing"),
        "publish-check": t("Looking at what is public"),
        "mirror-verify": t("Comparing a mirror"),
        "mirror-pull": t("Bringing files back from a mirror"),
        "scan": t("Scan"),
        "check": t("Library check"),
        "proof": t("Reading the library again"),
        "export": t("Export"),
        "share": t("Files sent by a link"),
        "demo": t("Demonstration clinic"),
        "patients": t("Patient list import"),
        "migrate": t("Migration"),
        "migration-files": t("Import"),
        "backup": t("Backup"),
        "drive": t("Backup to Google Drive"),
        "drive-fetch": t("Fetching from Google Drive"),
        "verify": t("Verifying a backup"),
        "drill": t("Trial of restoring"),
    }
    return known.get(kind.split(".", maxsplit=1)[0], kind)


def state_words(state: str) -> str:
    """Return how a job stands."""
    known = {
        "running": t("running"),
        "succeeded": t("done"),
        "failed": t("failed"),
        "cancelled": t("stopped"),
        "interrupted": t("interrupted"),
    }
    return known.get(state, state)


def counts_words(counts: Mapping[str, Any]) -> str:
    """Return what a job counted, as ``12 imported, 3 in the inbox``; what is nought is left out."""
    said = {
        "imported": lambda n: t("{n} imported", n=n),
        "inbox": lambda n: t("{n} in the inbox", n=n),
        "duplicate": lambda n: t("{n} already here", n=n),
        "skipped": lambda n: t("{n} skipped", n=n),
        "quarantined": lambda n: t("{n} kept aside", n=n),
        "failed": lambda n: t("{n} failed", n=n),
        "exported": lambda n: t("{n} exported", n=n),
        "images": lambda n: tn("{n} image", "{n} images", n),
        "verified": lambda n: t("{n} verified", n=n),
        "read": lambda n: t("{n} read", n=n),
        "files": lambda n: tn("{n} file", "{n} files", n),
        "missing": lambda n: t("{n} missing", n=n),
        "damaged": lambda n: t("{n} damaged", n=n),
        "repaired": lambda n: t("{n} repaired", n=n),
        "orphans": lambda n: t("{n} without an image", n=n),
        "corrupt": lambda n: t("{n} changed", n=n),
        "arrived": lambda n: t("{n} arrived", n=n),
        "exceptions": lambda n: t("{n} exceptions", n=n),
        "bytes": numbers.size,
    }
    parts = [
        words(int(counts[name]))
        for name, words in said.items()
        if isinstance(counts.get(name), int) and counts.get(name)
    ]
    return t(", ").join(parts)


def topic_words(topic: str) -> str:
    """Return the name of a topic of the log."""
    known = {
        "import": t("Imports"),
        "folders": t("Watched folders"),
        "migration": t("Migration"),
        "backup": t("Backup and restore"),
        "drive": t("Google Drive"),
        "public": t("Publishing"),
        "check": t("Checks and proof"),
        "export": t("Exports"),
        "share": t("Sharing"),
        "recovery": t("Recovery"),
    }
    return known.get(topic, topic)


def level_words(level: str) -> str:
    """Return how much an entry asks for attention."""
    return {"info": t("information"), "warning": t("warning"), "error": t("error")}.get(level, level)
