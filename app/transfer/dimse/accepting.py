"""Associations that peers ask of us: storage, a sign of life, reports of commitments, questions (PS3.4 A, B, C, J).

pynetdicom speaks the protocol; what it takes in, how long a PDU may be and where objects go is bounded here.
"""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.transfer.dimse.answering import MODELS, Answering
from app.transfer.dimse.answering import SYNTAXES as ASKING_SYNTAXES
from app.transfer.dimse.arriving import Arriving, Bounds
from app.transfer.dimse.association import VERSION_NAME, receipt_at_once, settle_pynetdicom
from app.transfer.dimse.commitment import PUSH_MODEL, Commitments
from app.transfer.dimse.faults import SUCCESS
from app.transfer.dimse.gate import ABORT

if TYPE_CHECKING:
    from pynetdicom.association import Association

# Announced to peers (PS3.8 annex D.1); some go beyond it a little, and nobody has a reason to go far.
_ANNOUNCED_PDU, _LONGEST_PDU = 128 * 1024, 1 << 20
_ASSOCIATE_S, _TIMEOUT_S = 5.0, 60.0
_READ_BYTES = 64 * 1024
# Who has said nothing for so long is looked after so often.
_QUIET_S, _PAUSE_S = 1.0, 0.05


class AcceptedPlace:
    """One association that was let in, with its connection."""

    def __init__(self, association: Association, connection: socket.socket, address: str, bounds: Bounds) -> None:
        self.address = address
        self._association = association
        self._connection = connection
        self._arriving = Arriving(association, bounds)
        self._queue = association.dimse.msg_queue
        association.dimse.get_msg = self._next  # type: ignore[method-assign]

    def _next(self, block: bool = False) -> Any:
        """Take the next message as pynetdicom does, which asks a thousand times a second; in the quiet, less often."""
        wait_s = self._association.dimse.dimse_timeout if block else self._quiet_s()
        try:
            return self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait()
        except queue.Empty:
            return None, None

    def _quiet_s(self) -> float:
        return float(getattr(self._association.dul.socket, "quiet_s", 0.0))

    @property
    def received(self) -> int:
        """How many bytes have come."""
        return int(getattr(self._association.dul.socket, "received", 0))

    def has_ended(self) -> bool:
        """Whether nothing of it runs any more; then what had not arrived in full is gone too."""
        if self._association.is_alive():
            return False
        if self._association.dul.is_alive():
            # It reads on while nobody listens to it.
            self._cut()
            return False
        self._connection.close()
        self._arriving.drop()
        return True

    def shut(self) -> None:
        """Tell the peer that it ends, and end the connection; the threads follow."""
        try:
            self._connection.settimeout(0)
            self._connection.send(ABORT)
        except OSError:
            # It does not listen; it will notice all the same.
            self._cut()
            return
        self._cut()

    def _cut(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # Closed already.
            return


class Acceptor:
    """Makes associations of connections that have asked for one."""

    def __init__(
        self,
        ae_title: str,
        bounds: Bounds,
        on_store: Callable[[Any], int],
        commitments: Commitments | None = None,
        timeout_s: float = _TIMEOUT_S,
        answering: Answering | None = None,
    ) -> None:
        # Slow to import, and only whoever listens needs it.
        from pynetdicom import AE, AllStoragePresentationContexts, evt
        from pynetdicom import ALL_TRANSFER_SYNTAXES as SYNTAXES
        from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

        settle_pynetdicom()
        self._bounds = bounds
        self._timeout_s = timeout_s
        self._socket_class = _bounded_socket_class()
        self._entity = entity = AE(ae_title=ae_title)
        entity.implementation_version_name = VERSION_NAME
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), SYNTAXES)
        entity.add_supported_context(Verification)
        entity.require_called_aet = True
        # Counted at the gate, which knows what each place is used for.
        entity.maximum_associations = 1000
        entity.maximum_pdu_size = _ANNOUNCED_PDU
        entity.acse_timeout = _ASSOCIATE_S
        entity.dimse_timeout = entity.network_timeout = timeout_s
        self._handlers: list[tuple[Any, Callable[[Any], Any]]] = [
            (evt.EVT_C_STORE, on_store),
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
        ]
        if commitments is not None:
            # The archive that calls is the provider; we stay the user (PS3.4 section J.3.3, PS3.7 D.3.3.4).
            entity.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)
            self._handlers.append((evt.EVT_N_EVENT_REPORT, commitments.on_event))
        self._answering = answering
        for model in MODELS if answering is not None else ():
            entity.add_supported_context(model, ASKING_SYNTAXES)
        self._contexts = entity.supported_contexts

    def let_in(self, connection: socket.socket, address: str, heard: bytes) -> AcceptedPlace:
        """Begin an association with a connection; ``heard`` begins with its request."""
        from pynetdicom._globals import MODE_ACCEPTOR
        from pynetdicom.association import Association
        from pynetdicom.transport import AddressInformation

        connection.settimeout(self._timeout_s)
        # Answers are short, and a sensor waits for each.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        entity = self._entity
        association = Association(entity, MODE_ACCEPTOR)
        association.name = f"dicom-from-{address}"
        association.set_socket(self._socket_class(association, connection, heard, self._timeout_s))
        acceptor = association.acceptor
        acceptor.maximum_length = entity.maximum_pdu_size
        acceptor.ae_title = entity.ae_title
        acceptor.address_info = AddressInformation.from_tuple(connection.getsockname())
        acceptor.implementation_class_uid = entity.implementation_class_uid
        acceptor.implementation_version_name = entity.implementation_version_name
        # Only read in the negotiation; copying them would take longer than all the rest.
        acceptor.supported_contexts = self._contexts
        association.requestor.address_info = AddressInformation(address, 0)
        for event, handler in self._handlers:
            association.bind(event, handler)
        place = AcceptedPlace(association, connection, address, self._bounds)
        if self._answering is not None:
            self._answering.serve(association, address)
        association.start()
        return place


def _bounded_socket_class() -> Any:
    """Return pynetdicom's socket with an end to how long a PDU may be and how long one may take to come."""
    from pynetdicom.transport import AssociationSocket

    class BoundedSocket(AssociationSocket):
        """Begins with what the gate has heard."""

        def __init__(self, association: Association, connection: socket.socket, heard: bytes, timeout_s: float) -> None:
            self._heard = heard
            self._timeout_s = timeout_s
            self.received = len(heard)
            self.is_busy = False
            self._last = time.monotonic()
            super().__init__(association, client_socket=connection)

        @property
        def quiet_s(self) -> float:
            """How long may be waited for something to happen: nothing is to be sent while nothing has come."""
            return _PAUSE_S if not self.is_busy and time.monotonic() - self._last > _QUIET_S else 0.0

        @property
        def ready(self) -> bool:
            connection, pause_s = self.socket, self.quiet_s
            if pause_s and connection is not None:
                with contextlib.suppress(OSError, ValueError):
                    # Closed meanwhile: that is what the next line is about to find.
                    select.select([connection], [], [], pause_s)
            return bool(self._heard) or super().ready

        def recv(self, nr_bytes: int) -> bytearray:
            """Read so many bytes, or fewer when the connection ends. Raises OSError past a bound."""
            if nr_bytes > _LONGEST_PDU:
                raise ConnectionAbortedError("a PDU longer than anybody needs")
            read = bytearray(self._heard[:nr_bytes])
            self._heard = self._heard[nr_bytes:]
            deadline = time.monotonic() + self._timeout_s
            while len(read) < nr_bytes and self.socket is not None:
                receipt_at_once(self.socket)
                data = self.socket.recv(min(nr_bytes - len(read), _READ_BYTES))
                if not data:
                    break
                read += data
                self.received += len(data)
                self._last = time.monotonic()
                if time.monotonic() > deadline:
                    raise TimeoutError
            return read

    return BoundedSocket
