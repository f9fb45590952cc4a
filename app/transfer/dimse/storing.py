"""Sending objects by C-STORE (PS3.4 annex B): many over one association, each in its own transfer syntax if possible.

A file is sent as it lies on the disk, block by block. pynetdicom would queue all of it before the first byte leaves;
here the queue is held short, so that memory stays small and a peer that takes nothing is noticed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, ItemError, TransientFault
from app.transfer.dimse.association import MOST_CONTEXTS, Link
from app.transfer.dimse.faults import DUPLICATE, STORED_WITH_WARNING, said, storing_fault
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.transcoding import EXPLICIT, IMPLICIT, Transcode, decompress

if TYPE_CHECKING:
    from pynetdicom.presentation import PresentationContext

# Blocks that wait to leave; each is at most as long as the peer's longest PDU.
_QUEUED = 16
_PAUSE_S = 0.002
# What may be lost with a kept association that the peer has closed meanwhile.
_STALE = frozenset({"dimse.cut_off", "dimse.aborted"})


@dataclass(frozen=True, slots=True)
class Named:
    """What a DICOM file says of itself in its File Meta Information (PS3.10 section 7.1)."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What the peer said to an object: taken as it is, or with a warning (its status; and elements it names)."""

    warning: str = ""
    elements: tuple[str, ...] = ()
    was_there: bool = False
    transcoded: bool = False


def named(path: Path) -> Named:
    """Read what a file says of itself.

    Raises
    ------
    ItemError
        ``dimse.unsendable`` for a file that does not say what it is.
    """
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    try:
        meta = read_file_meta_info(path)
        found = Named(
            str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID), str(meta.TransferSyntaxUID)
        )
    except (InvalidDicomError, AttributeError, ValueError, NotImplementedError) as error:
        raise ItemError("dimse.unsendable") from error
    if not all((found.sop_class_uid, found.sop_instance_uid, found.transfer_syntax_uid)):
        raise ItemError("dimse.unsendable")
    return found


class Storer:
    """Sends over an association that it keeps. One thread at a time.

    ``scratch``: a folder of our own, for what has to be written in another transfer syntax. ``services``: SOP classes
    to ask for beside those of the objects, for what is asked on the same association. ``originator``: the name of the
    peer that asked for the objects, and the number of its request (PS3.7 section 9.3.1.1).
    """

    def __init__(
        self,
        peer: Peer,
        scratch: Path,
        transcode: Transcode = decompress,
        services: Iterable[str] = (),
        handlers: Iterable[Any] = (),
        originator: tuple[str, int] | None = None,
    ) -> None:
        self.peer = peer
        self._originator = originator or (None, None)
        self._scratch = scratch
        self._transcode = transcode
        self._services = tuple(services)
        self._handlers = tuple(handlers)
        self._kinds: dict[tuple[str, str], None] = {}
        self._link: Link | None = None

    def close(self) -> None:
        """Release the association, if there is one."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def store(self, path: Path, ctx: JobContext | None = None) -> Stored:
        """Send one file.

        Raises
        ------
        TransientFault
            As :meth:`Link.open`; ``dimse.full`` (fact ``status``).
        EnvironmentFault
            As :meth:`Link.open`; ``dimse.refused`` (fact ``status``), ``dimse.class_refused``,
            ``dimse.syntax_refused``, ``dimse.not_authorised``.
        ItemError
            ``dimse.unsendable``.
        OSError
            When the file cannot be read.
        Cancelled
        """
        what = named(path)
        ctx = ctx or JobContext.silent()
        is_kept = self._link is not None and self._link.is_open
        try:
            return self._store(path, what, ctx)
        except TransientFault as fault:
            if not is_kept or fault.code not in _STALE:
                raise
            # It had been closed while nothing was sent; storing twice is the same as once.
            return self._store(path, what, ctx)

    def link_for(self, kinds: Iterable[tuple[str, str]] = ()) -> Link:
        """Give the association, opened anew where it is gone or does not cover these (class, syntax) pairs."""
        missing = [kind for kind in kinds if kind not in self._kinds]
        if self._link is not None and self._link.is_open and not missing:
            return self._link
        self.close()
        wanted = {**dict.fromkeys(missing), **self._kinds}
        # A pair may need three contexts; what was not sent lately goes.
        self._kinds = dict.fromkeys(list(wanted)[: (MOST_CONTEXTS - len(self._services)) // 3])
        link = Link(self.peer)
        link.open(self._contexts(), handlers=self._handlers)
        self._link = link
        return link

    def _contexts(self) -> list[PresentationContext]:
        from pynetdicom import build_context

        contexts = [build_context(service) for service in self._services]
        classes = dict.fromkeys(sop_class for sop_class, _syntax in self._kinds)
        # One context a transfer syntax: of several in one the peer would choose, and not what the object has.
        contexts += [build_context(*kind) for kind in self._kinds if kind[1] not in {EXPLICIT, IMPLICIT}]
        for sop_class in classes:
            contexts += [build_context(sop_class, EXPLICIT), build_context(sop_class, IMPLICIT)]
        return contexts

    def _store(self, path: Path, what: Named, ctx: JobContext) -> Stored:
        link = self.link_for([(what.sop_class_uid, what.transfer_syntax_uid)])
        syntaxes = {
            str(context.transfer_syntax[0])
            for context in link.association.accepted_contexts
            if context.abstract_syntax == what.sop_class_uid
        }
        if what.transfer_syntax_uid in syntaxes:
            return self._send(link, path, ctx, transcoded=False)
        if not syntaxes:
            raise EnvironmentFault("dimse.class_refused", classes=[what.sop_class_uid])
        with tempfile.TemporaryDirectory(prefix=".sending-", dir=self._scratch) as folder:
            made = Path(folder) / "made.dcm"
            self._transcode(path, made)
            if EXPLICIT not in syntaxes:
                _make_implicit(made)
            return self._send(link, made, ctx, transcoded=True)

    def _send(self, link: Link, path: Path, ctx: JobContext, *, transcoded: bool) -> Stored:
        dul = link.association.dul
        unthrottled = dul.send_pdu
        stalled_s = self.peer.timeouts.stalled_s
        dul.send_pdu = _throttled(link, unthrottled, stalled_s, ctx)  # type: ignore[method-assign, assignment]
        try:
            link.asked()
            aet, number = self._originator
            answer = link.association.send_c_store(path, originator_aet=aet, originator_id=number)
        except BaseException:
            # Half an object is on its way: nothing else can be said on this association.
            link.abort()
            self._link = None
            raise
        finally:
            dul.send_pdu = unthrottled  # type: ignore[method-assign]
        if "Status" not in answer:
            self._link = None
            raise link.no_answer()
        status = int(answer.Status)
        fault = storing_fault(status)
        if fault is not None:
            raise fault
        elements = tuple(str(tag) for tag in _several(answer.get("OffendingElement")))
        warning = said(status) if status in STORED_WITH_WARNING else ""
        return Stored(warning, elements, was_there=status == DUPLICATE, transcoded=transcoded)


def _throttled(link: Link, send: Callable[[Any], None], stalled_s: float, ctx: JobContext) -> Callable[[Any], None]:
    """Return a way to queue blocks that waits while many are queued, and gives up on a peer that takes none."""
    from pynetdicom.pdu_primitives import P_DATA

    queue = link.association.dul.to_provider_queue

    def wait_and_send(primitive: Any) -> None:
        if not isinstance(primitive, P_DATA):
            # An abort waits for nothing.
            send(primitive)
            return
        deadline, waiting = time.monotonic() + stalled_s, queue.qsize()
        while queue.qsize() >= _QUEUED:
            ctx.wait(_PAUSE_S)
            if not link.is_open or not link.association.dul.is_alive():
                raise link.no_answer()
            if queue.qsize() < waiting:
                deadline, waiting = time.monotonic() + stalled_s, queue.qsize()
            if time.monotonic() > deadline:
                raise TransientFault("dimse.slow")
        send(primitive)
        # The answer is waited for from the last block on.
        link.asked()

    return wait_and_send


def _make_implicit(path: Path) -> None:
    """Write an object again in Implicit VR Little Endian, which every peer takes (PS3.5 section 10.1)."""
    from pydicom import dcmread

    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = IMPLICIT
    dataset.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=True)


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
