"""Associations that we ask a peer for (PS3.8 section 7.1): opened, watched, closed, and why they failed.

pynetdicom says "aborted" of most of what can go wrong; what really happened is put together here.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.transfer.dimse.faults import rejection
from app.transfer.dimse.peer import Peer, Trust

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.presentation import PresentationContext

MOST_CONTEXTS = 128
# Ours to say in an association, so that an administrator can tell who called (PS3.7 annex D.3.3.2).
VERSION_NAME = "BITEWING"
_LARGEST_PDU = 128 * 1024
_ABSTRACT_SYNTAX_REFUSED = 3


class Link:
    """An association, and what the peer said when it ended. One thread at a time."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.association: Association
        self._is_aborted_by_peer = False
        self._rejected: tuple[int, int, int] | None = None
        self._asked = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self.association.is_established

    def open(
        self, contexts: Sequence[PresentationContext], extended: Sequence[Any] = (), handlers: Sequence[Any] = ()
    ) -> None:
        """Ask for the association.

        Raises
        ------
        UserError
            As :meth:`Peer.require_usable`; ``dimse.bad_ca``.
        TransientFault
            ``dimse.unreachable``, ``dimse.slow``, ``dimse.cut_off``, ``dimse.aborted``, ``dimse.busy``.
        EnvironmentFault
            ``dimse.called_unknown``, ``dimse.calling_unknown``, ``dimse.rejected``, ``dimse.certificate``,
            ``dimse.tls``, ``dimse.class_refused``, ``dimse.syntax_refused``.
        """
        # Slow to import; who never speaks DICOM never pays for it.
        from pynetdicom import AE, evt

        peer, waits = self.peer, self.peer.timeouts
        peer.require_usable()
        settle_pynetdicom()
        entity = AE(ae_title=peer.calling_aet)
        entity.implementation_version_name = VERSION_NAME
        entity.maximum_pdu_size = _LARGEST_PDU
        entity.connection_timeout = waits.connect_s
        entity.acse_timeout = waits.associate_s
        entity.dimse_timeout = waits.answer_s
        # A kept association may be silent for longer than any answer takes; whoever uses it next finds out.
        entity.network_timeout = None
        trust = Trust(peer.tls) if peer.tls is not None else None
        connected: list[Any] = []
        watching = [
            (evt.EVT_PDU_RECV, self._on_pdu),
            (evt.EVT_CONN_OPEN, connected.append),
            (evt.EVT_DATA_SENT, _on_sent),
        ]
        started = time.monotonic()
        try:
            self.association = entity.associate(
                peer.host,
                peer.port,
                contexts=list(contexts),
                ae_title=peer.called_aet,
                ext_neg=list(extended) or None,
                evt_handlers=[*watching, *handlers],
                tls_args=(trust.context, peer.host) if trust else None,
                max_pdu=_LARGEST_PDU,
            )
        except OSError as error:
            # The name is not known, or no socket is to be had.
            raise TransientFault("dimse.unreachable") from error
        if not self.association.is_established:
            raise self._why_not(contexts, trust, bool(connected), time.monotonic() - started)
        self._keep_answers()
        connection = self._connection()
        if connection is not None:
            # pynetdicom waits without an end for a peer that takes nothing, or sends half a PDU.
            connection.settimeout(waits.stalled_s)
            # A command and its data set are two writes; the second shall not wait for the first one's receipt.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _keep_answers(self) -> None:
        """Leave answers to whoever asked.

        pynetdicom's own loop looks into the same queue, is stopped while something is asked, and now and then not
        quite in time: then it takes the answer and drops it. Peers ask nothing here that it would have to serve.
        """
        dimse = self.association.dimse
        wait_for_answer = dimse.get_msg
        dimse.get_msg = lambda block=False: wait_for_answer(block) if block else (None, None)  # type: ignore[method-assign]

    def _on_pdu(self, event: Any) -> None:
        from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ

        pdu = event.pdu
        self._is_aborted_by_peer |= isinstance(pdu, A_ABORT_RQ)
        if isinstance(pdu, A_ASSOCIATE_RJ):
            # A peer that is quick to reject has hung up before pynetdicom looks, and is taken for one not reached.
            self._rejected = (pdu.result or 0, pdu.source or 0, pdu.reason_diagnostic or 0)

    def _why_not(
        self, contexts: Sequence[PresentationContext], trust: Trust | None, is_connected: bool, took_s: float
    ) -> BitewingError:
        association = self.association
        answer = association.acceptor.primitive
        if self._rejected is not None:
            return rejection(*self._rejected)
        if answer is not None and answer.result == 0:
            results = {context.result for context in association.rejected_contexts}
            is_class = results == {_ABSTRACT_SYNTAX_REFUSED} or not results
            wanted = sorted({str(context.abstract_syntax) for context in contexts})
            return EnvironmentFault("dimse.class_refused" if is_class else "dimse.syntax_refused", classes=wanted)
        if trust is not None and trust.failure is not None:
            if isinstance(trust.failure, TimeoutError):
                return TransientFault("dimse.slow")
            return EnvironmentFault("dimse.certificate" if trust.is_refused else "dimse.tls")
        if not is_connected:
            return TransientFault("dimse.unreachable")
        if self._is_aborted_by_peer:
            return TransientFault("dimse.aborted")
        return TransientFault("dimse.slow" if took_s >= self.peer.timeouts.associate_s else "dimse.cut_off")

    def asked(self) -> None:
        """Note that a question goes out now."""
        self._asked = time.monotonic()

    def no_answer(self) -> TransientFault:
        """Return why a question was not answered; the association is of no use any more."""
        took_s = time.monotonic() - self._asked
        self.abort()
        if self._is_aborted_by_peer:
            return TransientFault("dimse.aborted")
        return TransientFault("dimse.slow" if took_s >= self.peer.timeouts.answer_s else "dimse.cut_off")

    def accepts(self, abstract_syntax: str) -> bool:
        """Whether the peer has taken a context for this service."""
        return any(context.abstract_syntax == abstract_syntax for context in self.association.accepted_contexts)

    def close(self) -> None:
        """Release it as the standard wants it; a peer that does not answer is left."""
        if self.association.is_established:
            self.association.release()
        self.abort()

    def abort(self) -> None:
        """Leave at once: in words, unless the peer is not taking what was said before."""
        association, connection = self.association, self._connection()
        if not association.is_alive():
            return
        if connection is not None and not association.dul.to_provider_queue.empty():
            # Else the transport's thread, which has to end first, would go on trying to send.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        association.abort()
        # Whoever waits for an answer in another thread waits for nothing.
        association.dimse.msg_queue.put((None, None))

    def _connection(self) -> socket.socket | None:
        wrapper = self.association.dul.socket
        return wrapper.socket if wrapper is not None else None


@contextlib.contextmanager
def linked(
    peer: Peer,
    contexts: Sequence[PresentationContext],
    extended: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
    ctx: JobContext | None = None,
) -> Iterator[Link]:
    """Give an association for the time of the block; left by an exception, or on cancelling, it is aborted.

    Raises
    ------
    BitewingError
        As :meth:`Link.open`.
    Cancelled
    """
    link = Link(peer)
    link.open(contexts, extended, handlers)
    if ctx is not None:
        # An answer may be long in coming; whoever cancels does not wait for it.
        ctx.token.on_cancel(link.abort)
    try:
        yield link
    except BaseException as error:
        link.abort()
        if ctx is not None and isinstance(error, TransientFault):
            ctx.check()
        raise
    link.close()


def _on_sent(event: Any) -> None:
    wrapper = event.assoc.dul.socket
    if wrapper is not None and wrapper.socket is not None:
        receipt_at_once(wrapper.socket)


def receipt_at_once(connection: socket.socket) -> None:
    """Have the system tell the peer of what comes next without delay.

    dcmtk sends a PDU's head and body apart, and holds the body back until the head's receipt, which comes after 40 ms.
    """
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is not None:
        # Not where it has been closed meanwhile.
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, option, 1)


def settle_pynetdicom() -> None:
    """Set what pynetdicom keeps for the whole process: files are sent as they are, and no identity is logged."""
    from pynetdicom import _config

    _config.STORE_SEND_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    # What a peer does wrong is raised as a fault; the library's own account of it would name patients.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
