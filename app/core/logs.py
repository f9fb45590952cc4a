"""Technical logs: rotating, on this computer only, shared by every process of an account, and free of patient data.

Modules log record ids, never names. The formatter here is a second fence: it blanks what looks like a
DICOM person name, a date of birth or a secret, in tracebacks too, and every secret that this process has read.
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import re
from pathlib import Path

from app.core.errors import BitewingError
from app.core.file_lock import exclusively

LOG_BYTES = 10 * 1024 * 1024
LOG_FILES = 5
_TURN_S = 1.0
# Shorter ones would blank half of every line, and are no secrets.
_SHORTEST = 6
_kept_out: set[str] = set()
_REDACTIONS = (
    (re.compile(r"\b[^\W\d_]{2,}\^[^\s\"']+"), "[name]"),
    # Not within a longer word or number, and not the day of a time of day.
    (
        re.compile(r"(?<![^\W_])(19|20)\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?![^\W_]|[T ]\d\d:)"),
        "[date]",
    ),
    (re.compile(r"(?i)\b(password|secret|token|key)=\S+"), r"\1=[secret]"),
)


def keep_out(secret: str) -> None:
    """Blank this very text wherever a log would have it: a library's exception may quote what it was given."""
    if len(secret) >= _SHORTEST:
        _kept_out.add(secret)


class RedactingFormatter(logging.Formatter):
    """Blank what looks like patient data or a secret, in the message, the traceback and the stack alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the whole text of a record, redacted."""
        # At the very end: whatever another handler has formatted already passes here too.
        text = super().format(record)
        # A copy: another thread may be reading a secret just now. Longest first: one may begin with another.
        for secret in sorted(_kept_out.copy(), key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        for pattern, replacement in _REDACTIONS:
            text = pattern.sub(replacement, text)
        return text


class SharedRotatingHandler(logging.handlers.RotatingFileHandler):
    """A rotating file that several processes write to: the window, the agent, commands.

    Whoever finds it full turns it over alone, and the others notice that the file they have open is not the one of
    that name any more. Otherwise an agent that runs for months would go on writing to a file that was put away.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the file that has the name now."""
        if not self._is_current():
            self._let_go()
        super().emit(record)

    def doRollover(self) -> None:
        """Turn the files over, unless another process has just done so; where that cannot be, this one grows on."""
        try:
            with exclusively(Path(f"{self.baseFilename}.lock"), _TURN_S):
                if self._is_current():
                    super().doRollover()
                else:
                    self._let_go()
        except (OSError, BitewingError):
            # On Windows while another process has the file open; the next record tries again.
            if self.stream is None:
                self.stream = self._open()

    def _let_go(self) -> None:
        if self.stream is not None:
            self.stream.close()
            self.stream = None  # opened again by whoever writes

    def _is_current(self) -> bool:
        """Whether the open file is the one that has the name; no file at all is not."""
        if self.stream is None:
            return False
        try:
            return os.path.samestat(os.fstat(self.stream.fileno()), Path(self.baseFilename).stat())
        except OSError:
            return False


def set_up(folder: Path, *, verbose: bool = False) -> Path:
    """Send the program's logs to ``folder`` and return the file's path."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "bitewing.log"
    handler = SharedRotatingHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger("app")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    return path
