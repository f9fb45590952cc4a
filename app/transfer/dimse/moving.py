"""Fetching objects from an archive: C-MOVE to a listener, ours as a rule, and C-GET into a folder (PS3.4 C.4.2, C.4.3).

C-MOVE needs the archive to know our listener by its AE title; C-GET needs nothing but an archive that offers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import claim_some_name
from app.core.progress import Progress
from app.transfer.dimse.arriving import Arriving, ArrivingFile, Bounds
from app.transfer.dimse.association import MOST_CONTEXTS, Link, linked
from app.transfer.dimse.faults import SUCCESS, asking_fault
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.transcoding import EXPLICIT, IMPLICIT

if TYPE_CHECKING:
    from pynetdicom.presentation import PresentationContext

STUDY_ROOT_MOVE, STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING = 0xFF00
# Some of the objects could not be sent (PS3.4 tables C.4-2 and C.4-3).
_SOME_FAILED = 0xB000
_OUT_OF_RESOURCES, _CANNOT_UNDERSTAND = 0xA700, 0xC000
_ROOT = "1.2.840.10008.5.1.4.1.1."
# What a dental archive holds: intra-oral, panoramic and other projections, CT, MR, photographs, documents.
CLASSES = tuple(
    _ROOT + last
    for last in (
        *("1.3", "1.3.1", "1.1", "1.1.1", "1", "2", "2.1", "4", "7", "7.2", "7.4", "77.1.1", "77.1.4", "12.1"),
        *("13.1.1", "13.1.3", "104.1"),
    )
)
# One context each, or the archive would choose one for all objects of a class (PS3.4 section C.5.3).
_SYNTAXES: tuple[tuple[str, ...], ...] = (
    (EXPLICIT, IMPLICIT),
    ("1.2.840.10008.1.2.4.50",),
    ("1.2.840.10008.1.2.4.51",),
    ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"),
    ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
    ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    ("1.2.840.10008.1.2.5",),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """A study, one of its series, or one object of that."""

    study_instance_uid: str
    series_instance_uid: str = ""
    sop_instance_uid: str = ""


@dataclass(slots=True)
class Moved:
    """What came of it: sub-operations by outcome, and the objects that failed, where the archive names them."""

    completed: int = 0
    failed: int = 0
    warnings: int = 0
    failed_uids: tuple[str, ...] = ()


@dataclass(slots=True)
class Got:
    """What C-GET brought."""

    moved: Moved = field(default_factory=Moved)
    paths: list[Path] = field(default_factory=list)
    without_room: int = 0


def move(peer: Peer, selection: Selection, destination_aet: str, ctx: JobContext | None = None) -> Moved:
    """Have an archive send objects to the listener of this AE title.

    Raises
    ------
    BitewingError
        As :meth:`Link.open` and :meth:`Link.no_answer`; ``dimse.destination_unknown`` when the archive does not know
        the listener, ``dimse.busy``, ``dimse.not_answered`` (fact ``status``).
    Cancelled
        The association was aborted; what has been sent stays.
    """
    from pynetdicom import build_context

    ctx = ctx or JobContext.silent()
    with linked(peer, [build_context(STUDY_ROOT_MOVE)], ctx=ctx) as link:
        answers = link.association.send_c_move(_identifier(selection), destination_aet, STUDY_ROOT_MOVE)
        return _follow(link, answers, ctx)


def get(
    peer: Peer,
    selection: Selection,
    folder: Path,
    ctx: JobContext | None = None,
    *,
    classes: Sequence[str] = CLASSES,
    has_room: Callable[[], bool] = lambda: True,
) -> Got:
    """Fetch objects into a folder, each as ``{SOP Instance UID}.dcm`` as the archive sends it.

    Raises
    ------
    BitewingError
        As :func:`move`; ``dimse.class_refused`` when the archive does not offer C-GET, ``disk.full`` when
        there is no room for any of it.
    OSError, Cancelled
    """
    from pynetdicom import build_context, build_role, evt

    ctx, got = ctx or JobContext.silent(), Got()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    classes = classes[: (MOST_CONTEXTS - 1) // len(_SYNTAXES)]
    contexts = [build_context(STUDY_ROOT_GET), *_storage_contexts(classes)]
    # PS3.7 annex D.3.3.4: on this association we are the provider of storage.
    roles = [build_role(sop_class, scp_role=True) for sop_class in classes]
    handlers = [(evt.EVT_C_STORE, _keeper(folder, got))]
    with linked(peer, contexts, roles, handlers, ctx) as link:
        if not link.accepts(STUDY_ROOT_GET):
            raise EnvironmentFault("dimse.class_refused", classes=[STUDY_ROOT_GET])
        arriving = Arriving(link.association, Bounds(folder, has_room=has_room))
        try:
            answers = link.association.send_c_get(_identifier(selection), STUDY_ROOT_GET)
            got.moved = _follow(link, answers, ctx)
        except EnvironmentFault as fault:
            if got.without_room:
                # The archive only says that it could not; the reason is ours.
                raise EnvironmentFault("disk.full") from fault
            raise
        finally:
            arriving.drop()
    return got


def _keeper(folder: Path, got: Got) -> Callable[[Any], int]:
    """Return what brings one object to its name. Runs in the caller's own thread, between two answers."""

    def keep(event: Any) -> int:
        file = event.request._dataset_file
        if not isinstance(file, ArrivingFile):
            return _CANNOT_UNDERSTAND
        if not file.settle():
            file.drop()
            got.without_room += 1
            return _OUT_OF_RESOURCES
        uid = str(event.request.AffectedSOPInstanceUID or "")
        got.paths.append(claim_some_name(file.path, folder / f"{file_stem(uid)}.dcm"))
        return SUCCESS

    return keep


def file_stem(uid: str) -> str:
    """Return a UID as a file's name; of what is no UID nothing is taken (PS3.5 section 9.1)."""
    is_uid = 0 < len(uid) <= 64 and uid.isascii() and uid.replace(".", "").isdigit()
    return uid if is_uid else "object"


def _storage_contexts(classes: Iterable[str]) -> list[PresentationContext]:
    from pynetdicom import build_context

    return [build_context(sop_class, list(syntaxes)) for sop_class in classes for syntaxes in _SYNTAXES]


def _follow(link: Link, answers: Iterable[tuple[Any, Any]], ctx: JobContext) -> Moved:
    """Read the answers to the last."""
    moved = Moved()
    link.asked()
    for status, identifier in answers:
        if "Status" not in status:
            raise link.no_answer()
        link.asked()
        moved = _counted(status, identifier, moved)
        code = int(status.Status)
        if code != _PENDING:
            fault = _final(code, moved)
            if fault is not None:
                raise fault
            break
        remaining = int(status.get("NumberOfRemainingSuboperations") or 0)
        done = moved.completed + moved.failed + moved.warnings
        ctx.report(Progress(done, done + remaining, "images"))
        ctx.check()
    return moved


def _final(code: int, moved: Moved) -> BitewingError | None:
    """Return the fault of the last answer; where some came through, the counts say it."""
    return None if code == _SOME_FAILED and moved.completed + moved.warnings else asking_fault(code)


def _counted(status: Any, identifier: Any, before: Moved) -> Moved:
    uids = identifier.get("FailedSOPInstanceUIDList") if identifier is not None else None
    many = [uids] if isinstance(uids, str) else list(uids or ())
    return Moved(
        int(status.get("NumberOfCompletedSuboperations") or before.completed),
        int(status.get("NumberOfFailedSuboperations") or before.failed),
        int(status.get("NumberOfWarningSuboperations") or before.warnings),
        tuple(str(uid) for uid in many) or before.failed_uids,
    )


def _identifier(selection: Selection) -> Any:
    from pydicom.dataset import Dataset

    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = selection.study_instance_uid
    if selection.series_instance_uid:
        wanted.QueryRetrieveLevel = "SERIES"
        wanted.SeriesInstanceUID = selection.series_instance_uid
        if selection.sop_instance_uid:
            wanted.QueryRetrieveLevel = "IMAGE"
            wanted.SOPInstanceUID = selection.sop_instance_uid
    return wanted
