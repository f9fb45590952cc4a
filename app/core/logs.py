"""Technical logs: rotating, on this computer only, and free of patient data.

Modules log record ids, never names. The formatter here is a second fence: it blanks what looks like a
DICOM person name, a date of birth or a secret, in tracebacks too.
"""

from __future__ import annotations

import logging
import logging.handlers
import re
from pathlib import Path

LOG_BYTES = 10 * 1024 * 1024
LOG_FILES = 5
_REDACTIONS = (
    (re.compile(r"\b[^\W\d_]{2,}\^[^\s\"']+"), "[name]"),
    # Not within a longer word or number, and not the day of a time of day.
    (
        re.compile(r"(?<![^\W_])(19|20)\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?![^\W_]|[T ]\d\d:)"),
        "[date]",
    ),
    (re.compile(r"(?i)\b(password|secret|token|key)=\S+"), r"\1=[secret]"),
)


class RedactingFormatter(logging.Formatter):
    """Blank what looks like patient data or a secret, in the message, the traceback and the stack alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole text of a record, redacted."""
        # At the very end: whatever another handler has formatted already passes here too.
        text = super().format(record)
        for pattern, replacement in _REDACTIONS:
            text = pattern.sub(replacement, text)
        return text


def set_up(folder: Path, *, verbose: bool = False) -> Path:
    """Send the program's logs to ``folder`` and return the file's path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "bitewing.log"
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True
    )
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger("app")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    return path
