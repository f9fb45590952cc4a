"""A DICOM listener: takes what sensors and modalities send by C-STORE, and answers C-ECHO (PS3.4 annexes A and B).

Success is answered only when the object is on the disk in the spool folder; whoever imports it comes later.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.errors import EnvironmentFault
from app.core.files import claim_some_name

log = logging.getLogger(__name__)

# PS3.4 table B.2-1 and PS3.7 annex C.
SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
MOST_ASSOCIATIONS = 25
_TIMEOUT_S = 60.0
_ASSOCIATE_S = 5.0
_LARGEST_PDU = 128 * 1024
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class ListenerArgs:
    """Where to listen, under which name, and the folder that takes what comes. Loopback is for tests."""

    port: int
    ae_title: str
    folder: Path
    host: str = ""


class Listener:
    """One listening port. ``may_take`` is asked before each object; threads of its own."""

    def __init__(self, args: ListenerArgs, may_take: Callable[[], bool] = lambda: True) -> None:
        self._args = args
        self._may_take = may_take
        self._server: Any = None

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        EnvironmentFault
            ``receive.port_taken`` (fact ``port``), ``receive.port_refused``.
        """
        # Slow to import, and only whoever listens needs it.
        from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
        from pynetdicom import ALL_TRANSFER_SYNTAXES as SYNTAXES
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

        # An object goes to a file as it arrives: nobody fills the memory by sending a large one.
        _config.STORE_RECV_CHUNKED_DATASET = True
        entity = AE(ae_title=self._args.ae_title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), SYNTAXES)
        entity.add_supported_context(Verification)
        entity.require_called_aet = True
        entity.maximum_associations = MOST_ASSOCIATIONS
        entity.maximum_pdu_size = _LARGEST_PDU
        # Whoever connects and does not say what for is let go soon: their places are few.
        entity.acse_timeout = _ASSOCIATE_S
        entity.dimse_timeout = entity.network_timeout = _TIMEOUT_S
        try:
            self._args.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._server = entity.start_server(
                (self._args.host, self._args.port),
                block=False,
                evt_handlers=[(evt.EVT_C_STORE, self._on_store), (evt.EVT_C_ECHO, lambda _event: SUCCESS)],
            )
        except PermissionError as error:
            raise EnvironmentFault("receive.port_refused", port=self._args.port) from error
        except OSError as error:
            raise EnvironmentFault("receive.port_taken", port=self._args.port) from error

    def stop(self) -> None:
        """Stop listening; associations that go on are aborted."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _on_store(self, event: Any) -> int:
        """Bring one object to the disk. Runs in the association's own thread; nothing may leave it but a status."""
        try:
            if not self._may_take():
                return OUT_OF_RESOURCES
            uid = str(event.request.AffectedSOPInstanceUID or "")
            self._keep(Path(event.dataset_path), uid if _UID.fullmatch(uid) else "")
        except OSError:
            log.exception("an object that was sent here could not be kept")
            return OUT_OF_RESOURCES
        return SUCCESS

    def _keep(self, received: Path, uid: str) -> None:
        folder, name = self._args.folder, f"{uid or uuid.uuid4()}"
        part = folder / f"{uuid.uuid4()}.part"
        try:
            with received.open("rb") as reader, part.open("xb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                writer.flush()
                os.fsync(writer.fileno())
            # Sent twice in a row: both are kept, the importer tells whether they are the same.
            claim_some_name(part, folder / f"{name}.dcm")
        finally:
            part.unlink(missing_ok=True)
