"""A DICOM listener: takes what sensors and modalities send by C-STORE, and answers C-ECHO (PS3.4 annexes A and B).

Where somebody is given who knows what is here, it answers C-FIND and C-MOVE too (annex C).

Success is answered only when the object is on the disk in the spool folder; whoever imports it comes later. Objects
arrive in that folder too, so that no other volume can fill up under them.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.errors import EnvironmentFault
from app.core.files import claim_some_name
from app.transfer.dimse.accepting import Acceptor
from app.transfer.dimse.answering import Answerer, Answering
from app.transfer.dimse.arriving import PART, ArrivingFile, Bounds
from app.transfer.dimse.commitment import Commitments
from app.transfer.dimse.gate import MOST_ASSOCIATIONS, Gate

__all__ = ["MOST_ASSOCIATIONS", "Listener", "ListenerArgs"]

log = logging.getLogger(__name__)

# PS3.4 table B.2-1 and PS3.7 annex C.
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
LONGEST_BYTES = 4 << 30
TIMEOUT_S = 60.0
_UID = re.compile(r"[0-9.]{1,64}")
# An association that is silent for a minute ends; what nobody has written to for so long belongs to none.
_LEFT_S, _SWEEP_S = 300.0, 60.0


@dataclass(frozen=True, slots=True)
class ListenerArgs:
    """Where to listen, under which name, and the folder that takes what comes. Loopback is for tests."""

    port: int
    ae_title: str
    folder: Path
    host: str = ""
    longest_bytes: int = LONGEST_BYTES
    timeout_s: float = TIMEOUT_S


class Listener:
    """One listening port. ``may_take`` is asked before and while an object arrives; threads of its own.

    ``commitments`` takes the reports that archives send about what they were asked to commit to, ``answerer``
    questions for what is here.
    """

    def __init__(
        self,
        args: ListenerArgs,
        may_take: Callable[[], bool] = lambda: True,
        commitments: Commitments | None = None,
        answerer: Answerer | None = None,
    ) -> None:
        self._args = args
        self._answering = Answering(answerer, args.ae_title, args.folder) if answerer is not None else None
        self._may_take = may_take
        self._commitments = commitments
        self._gate: Gate | None = None
        self._swept = 0.0

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        EnvironmentFault
            ``receive.port_taken`` (fact ``port``), ``receive.port_refused``.
        """
        args = self._args
        bounds = Bounds(args.folder, args.longest_bytes, self._may_take)
        acceptor = Acceptor(args.ae_title, bounds, self._on_store, self._commitments, args.timeout_s, self._answering)
        gate = Gate(args.ae_title, acceptor.let_in, self._sweep)
        try:
            args.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            gate.open(args.host, args.port)
        except PermissionError as error:
            raise EnvironmentFault("receive.port_refused", port=args.port) from error
        except OSError as error:
            raise EnvironmentFault("receive.port_taken", port=args.port) from error
        self._gate = gate

    def stop(self) -> None:
        """Stop listening; associations that go on are aborted."""
        if self._answering is not None:
            self._answering.stop()
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    def _on_store(self, event: Any) -> int:
        """Bring one object to the disk. Runs in the association's own thread; nothing may leave it but a status."""
        file = event.request._dataset_file
        if not isinstance(file, ArrivingFile):
            # A request to store, and nothing to be stored.
            return CANNOT_UNDERSTAND
        try:
            if not file.settle():
                file.drop()
                return OUT_OF_RESOURCES
            uid = str(event.request.AffectedSOPInstanceUID or "")
            name = uid if _UID.fullmatch(uid) else str(uuid.uuid4())
            # Sent twice in a row: both are kept, the importer tells whether they are the same.
            claim_some_name(file.path, self._args.folder / f"{name}.dcm")
        except OSError as error:
            log.warning("an object that was sent here could not be kept: %s", type(error).__name__)
            file.drop()
            return OUT_OF_RESOURCES
        return SUCCESS

    def _sweep(self) -> None:
        """Now and then remove what a crash has left half-arrived. The gate's thread."""
        if self._swept and time.monotonic() - self._swept < _SWEEP_S:
            return
        self._swept = time.monotonic()
        left = time.time() - _LEFT_S
        for path in self._args.folder.glob(f"*{PART}"):
            try:
                if path.stat().st_mtime < left:
                    path.unlink()
            except OSError as error:
                log.warning("a left-over cannot be removed: %s", type(error).__name__)
