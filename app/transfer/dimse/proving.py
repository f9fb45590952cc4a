"""An archive that speaks only DIMSE: storing with proof. What C-STORE answers is a promise and no proof.

Proof is a storage commitment where the archive gives one, else the archive's own answer to a query for the object.
Neither compares bytes: an archive that says it changed an object is believed and reported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, ItemError, TransientFault
from app.transfer.dimse.commitment import PUSH_MODEL, Commitments, Report, commit
from app.transfer.dimse.echo import echo
from app.transfer.dimse.finding import STUDY_ROOT_FIND, Wanted, has_instance
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.storing import Stored, Storer, named
from app.transfer.dimse.transcoding import Transcode, decompress

COMMITMENT, FIND = "commitment", "find"
# How long a report is waited for; some archives commit at night. Then a query has to do.
COMMIT_S = 10.0
# An archive that took so many requests and reported on none is not asked again.
_MOST_IN_VAIN = 3
# It knows the service and does not do it for us; Orthanc aborts on who is not in its list of modalities.
_NOT_FOR_US = frozenset({"dimse.not_answered", "dimse.aborted", "dimse.cut_off"})
# An index may lag behind what was stored.
_LOOKS_S = (0.0, 0.5, 2.0)


class DimseArchive:
    """One archive and a pool of associations to it. Any thread.

    ``commitments`` is shared with the listener where there is one; without, only archives that report on the
    association of the request can commit. ``query``: where to ask, for archives that answer elsewhere.
    """

    def __init__(
        self,
        peer: Peer,
        scratch: Path,
        *,
        commitments: Commitments | None = None,
        query: Peer | None = None,
        commit_s: float = COMMIT_S,
        transcode: Transcode = decompress,
    ) -> None:
        """Make ready; nothing is asked yet. Raises as :meth:`Peer.require_usable`."""
        peer.require_usable()
        self._peer = peer
        self._query = query
        self._scratch = scratch
        self._commitments = commitments or Commitments()
        self._commit_s = commit_s
        self._transcode = transcode
        self._lock = Lock()
        self._idle: list[Storer] = []
        self._is_closed = False
        self._vain = 0

    def close(self) -> None:
        """Release the associations that are idle; those in use end with their use."""
        with self._lock:
            idle, self._idle, self._is_closed = self._idle, [], True
        for storer in idle:
            storer.close()

    def probe(self) -> None:
        """Ask for a sign of life. Raises as :func:`echo`."""
        echo(self._peer)

    def store_and_prove(
        self,
        path: Path,
        sop_class_uid: str,
        sop_instance_uid: str,
        study_uid: str,
        series_uid: str,
        ctx: JobContext | None = None,
    ) -> str:
        """Send a file and have it proven; return how: ``commitment`` or ``find``.

        Raises
        ------
        TransientFault
            As :meth:`Storer.store`; ``dimse.not_proven`` when it is not there after all.
        EnvironmentFault
            As :meth:`Storer.store`; ``dimse.altered`` (facts ``status``, ``elements``) when it is there and the archive
            says that it changed it; ``dimse.no_proof`` when the archive neither commits nor answers queries.
        ItemError
            ``dimse.unsendable``, also for a file that is not what it is said to be.
        OSError, Cancelled
        """
        what = named(path)
        if (what.sop_class_uid, what.sop_instance_uid) != (sop_class_uid, sop_instance_uid):
            raise ItemError("dimse.unsendable")
        ctx = ctx or JobContext.silent()
        wanted = Wanted(study_instance_uid=study_uid, series_instance_uid=series_uid, sop_instance_uid=sop_instance_uid)
        with self._storer() as storer:
            stored = storer.store(path, ctx)
            how = self._prove(storer, sop_class_uid, wanted, ctx)
        _require_unaltered(stored)
        return how

    def remove(self, sop_instance_uid: str) -> None:
        """Refuse: DIMSE has no way to take an object back.

        Raises
        ------
        EnvironmentFault
            ``dimse.cannot_remove``.
        """
        raise EnvironmentFault("dimse.cannot_remove", instance=sop_instance_uid)

    def _prove(self, storer: Storer, sop_class_uid: str, wanted: Wanted, ctx: JobContext) -> str:
        if self._vain < _MOST_IN_VAIN and storer.link_for().accepts(PUSH_MODEL):
            report = self._committed(storer, sop_class_uid, wanted.sop_instance_uid, ctx)
            if report is not None and wanted.sop_instance_uid in report.committed:
                return COMMITMENT
            if report is not None:
                raise TransientFault("dimse.not_proven")
            self._vain += 1
        if self._query is not None:
            with self._asking(self._query) as asking:
                return _found(asking, wanted, ctx)
        return _found(storer, wanted, ctx)

    def _committed(self, storer: Storer, sop_class_uid: str, sop_instance_uid: str, ctx: JobContext) -> Report | None:
        objects = [(sop_class_uid, sop_instance_uid)]
        try:
            return commit(storer.link_for(), self._commitments, objects, self._commit_s, ctx)
        except EnvironmentFault as fault:
            if fault.code not in _NOT_FOR_US:
                raise
            # It can still be asked what it has; where it is gone altogether, that will say so.
            return None

    @contextlib.contextmanager
    def _asking(self, peer: Peer) -> Iterator[Storer]:
        storer = Storer(peer, self._scratch, services=(STUDY_ROOT_FIND,))
        try:
            yield storer
        finally:
            storer.close()

    @contextlib.contextmanager
    def _storer(self) -> Iterator[Storer]:
        """Lend an association of the pool."""
        with self._lock:
            storer = self._idle.pop() if self._idle else None
        if storer is None:
            storer = Storer(
                self._peer, self._scratch, self._transcode, (STUDY_ROOT_FIND, PUSH_MODEL), _reports(self._commitments)
            )
        try:
            yield storer
        finally:
            with self._lock:
                is_closed = self._is_closed
                if not is_closed:
                    self._idle.append(storer)
            if is_closed:
                storer.close()


def _found(storer: Storer, wanted: Wanted, ctx: JobContext) -> str:
    for wait_s in _LOOKS_S:
        ctx.wait(wait_s)
        link = storer.link_for()
        if not link.accepts(STUDY_ROOT_FIND):
            raise EnvironmentFault("dimse.no_proof")
        if has_instance(link, wanted, ctx):
            return FIND
    raise TransientFault("dimse.not_proven")


def _require_unaltered(stored: Stored) -> None:
    if stored.warning:
        raise EnvironmentFault("dimse.altered", status=stored.warning, elements=list(stored.elements))


def _reports(commitments: Commitments) -> tuple[object, ...]:
    from pynetdicom import evt

    return ((evt.EVT_N_EVENT_REPORT, commitments.on_event),)
