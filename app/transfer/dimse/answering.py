"""Answering peers that ask for what is here: C-FIND and C-MOVE as a provider (PS3.4 annex C, Study and Patient Root).

pynetdicom's own C-MOVE would open associations by itself, in the clear and without an end to what it queues; so both
services are spoken here, and objects leave by way of :class:`Storer`. Who is not known gets no answer at all.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.transfer.dimse.faults import AWAY, BLOCKING, CANCELLED, SUCCESS
from app.transfer.dimse.finding import LIMIT, STUDY_ROOT_FIND, UTF8, text, texts
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.sought import IMAGE, LEVELS, PATIENT, SERIES, STUDY, Sought, date_range_of, is_wild
from app.transfer.dimse.storing import Storer
from app.transfer.dimse.transcoding import EXPLICIT, IMPLICIT

if TYPE_CHECKING:
    from pynetdicom.association import Association

log = logging.getLogger(__name__)

PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
MODELS = (STUDY_ROOT_FIND, STUDY_ROOT_MOVE, PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE)
# Deflated is not among them: nobody shall inflate here without an end.
SYNTAXES = [EXPLICIT, IMPLICIT]
PENDING, NOT_AUTHORISED = 0xFF00, 0x0124
TOO_MANY, UNABLE_TO_SEND, DESTINATION_UNKNOWN, NO_SUCH_QUESTION, FAILED, SOME_FAILED = (
    0xA700,
    0xA702,
    0xA801,
    0xA900,
    0xC001,
    0xB000,
)
_MOST_SENT, _MOST_VALUES = 65_535, 500
_HOPELESS = AWAY | BLOCKING | {"dimse.busy", "dimse.bad_aet"}


class TooManyError(Exception):
    """More would have to be looked through than is done for a question."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be sent: its id and its patient's here, and the number it goes out with where that is known."""

    image_id: str
    patient_id: str
    uid: str = ""


class Answerer(Protocol):
    """Knows what is here, and who may ask for it. Any thread."""

    def knows(self, calling_aet: str, address: str) -> str | None:
        """Return the name of a peer that may ask."""

    def refused(self, calling_aet: str, address: str) -> None:
        """Note that somebody asked who may not."""

    def destination(self, aet: str) -> Peer | None:
        """Return whom to send to."""

    def find(self, peer: str, level: str, wanted: Sought) -> Iterator[dict[str, Any]]:
        """Yield what fits by attribute, noted before the first. Raises TooManyError, BitewingError."""

    def files(self, peer: str, level: str, wanted: Sought, destination: str) -> Sequence[Item]:
        """Return the images to be sent, noted. Raises TooManyError, BitewingError."""

    def path(self, item: Item) -> Path:
        """Return the file to send for an image. Raises BitewingError when there is none any more."""

    def sent(self, peer: str, item: Item, destination: str) -> None:
        """Note that an image was sent."""


@dataclass(slots=True)
class _Tally:
    """How far the sending of several images has come (PS3.4 section C.4.2.1.5)."""

    remaining: int
    completed: int = 0
    warned: int = 0
    failed: list[str] = field(default_factory=list)
    nameless: int = 0

    @property
    def failures(self) -> int:
        return len(self.failed) + self.nameless

    def fail(self, uid: str) -> None:
        self.remaining -= 1
        if uid:
            self.failed.append(uid)
        else:
            self.nameless += 1


class Answering:
    """Serves C-FIND and C-MOVE on associations that were let in. Each association's own thread."""

    def __init__(self, answerer: Answerer, ae_title: str, scratch: Path, limit: int = LIMIT) -> None:
        """``scratch`` is a folder of our own, for what has to be written in another transfer syntax."""
        self._answerer = answerer
        self._ae_title = ae_title
        self._scratch = scratch
        self._limit = limit
        self._token = CancelToken()

    def stop(self) -> None:
        """End what goes on."""
        self._token.cancel()

    def serve(self, association: Association, address: str) -> None:
        """Take over the questions that come on an association."""
        from pynetdicom.dimse_primitives import C_FIND, C_MOVE

        serve_others = association._serve_request

        def serve_request(message: Any, context_id: int) -> None:
            context = association._accepted_cx.get(context_id)
            is_ours = isinstance(message, C_FIND | C_MOVE) and message.is_valid_request
            if not is_ours or context is None or context.abstract_syntax not in MODELS:
                serve_others(message, context_id)
                return
            association._is_paused = True
            _hurry(association, True)
            try:
                talk = _Talk(association, message, context, address)
                self._answer(talk, is_move=isinstance(message, C_MOVE))
            finally:
                _hurry(association, False)
                # The peer was silent because it waited; only from now on is that strange.
                association.dul._idle_timer.restart()
                association._is_paused = False
                association.dimse.cancel_req = {}

        association._serve_request = serve_request  # type: ignore[method-assign, assignment]

    def _answer(self, talk: _Talk, *, is_move: bool) -> None:
        try:
            if is_move != (talk.model in {STUDY_ROOT_MOVE, PATIENT_ROOT_MOVE}):
                talk.say(NO_SUCH_QUESTION)
                return
            name = self._answerer.knows(talk.calling_aet, talk.address)
            if name is None:
                self._answerer.refused(talk.calling_aet, talk.address)
                talk.say(NOT_AUTHORISED)
            elif is_move:
                self._move(talk, name)
            else:
                self._find(talk, name)
        except TooManyError:
            talk.say(TOO_MANY)
        except Cancelled:
            talk.say(CANCELLED)
        # Whatever a stranger's question meets, it is answered (RELIABILITY B6).
        except Exception as error:  # noqa: BLE001
            log.warning("a question could not be answered: %s", getattr(error, "code", type(error).__name__))
            talk.say(FAILED)

    def _find(self, talk: _Talk, name: str) -> None:
        level, wanted = talk.question(is_move=False)
        if wanted is None:
            talk.say(NO_SUCH_QUESTION)
            return
        for number, row in enumerate(self._answerer.find(name, level, wanted)):
            self._token.check()
            if talk.is_gone:
                return
            if talk.is_cancelled:
                talk.say(CANCELLED)
                return
            if number >= self._limit:
                raise TooManyError
            try:
                answer = talk.answer(level, row, self._ae_title)
            except (ValueError, TypeError, UnicodeError) as error:
                # A number out of a strange file, say, that no answer can hold; the others are not held back for it.
                log.warning("an answer is left out: %s", type(error).__name__)
                continue
            talk.say(PENDING, identifier=answer)
        talk.say(SUCCESS)

    def _move(self, talk: _Talk, name: str) -> None:
        level, wanted = talk.question(is_move=True)
        if wanted is None:
            talk.say(NO_SUCH_QUESTION)
            return
        aet = str(talk.request.MoveDestination or "").strip()
        peer = self._answerer.destination(aet)
        if peer is None:
            talk.say(DESTINATION_UNKNOWN)
            return
        items = self._answerer.files(name, level, wanted, aet)
        if len(items) > _MOST_SENT:
            raise TooManyError
        originator = (talk.calling_aet, int(talk.request.MessageID))
        with contextlib.closing(Storer(peer, self._scratch, originator=originator)) as storer:
            self._send(talk, name, storer, items, aet)

    def _send(self, talk: _Talk, name: str, storer: Storer, items: Sequence[Item], aet: str) -> None:
        tally, ctx = _Tally(len(items)), JobContext(self._token)
        for item in items:
            ctx.check()
            if talk.is_gone:
                return
            if talk.is_cancelled:
                talk.tell(CANCELLED, tally)
                return
            try:
                stored = storer.store(self._answerer.path(item), ctx)
            except (BitewingError, OSError) as error:
                code = getattr(error, "code", type(error).__name__)
                if isinstance(error, Cancelled):
                    raise
                log.info("an image that was asked for could not be sent: %s", code)
                tally.fail(item.uid)
                if code in _HOPELESS:
                    break
            else:
                tally.remaining -= 1
                tally.completed += not stored.warning
                tally.warned += bool(stored.warning)
                self._answerer.sent(name, item, aet)
            if tally.remaining:
                talk.tell(PENDING, tally)
        tally.nameless, tally.remaining = tally.nameless + tally.remaining, 0
        if tally.failures:
            talk.tell(SOME_FAILED if tally.completed + tally.warned else UNABLE_TO_SEND, tally)
        else:
            talk.tell(SOME_FAILED if tally.warned else SUCCESS, tally)


class _Talk:
    """One question on an association, and how it is answered."""

    def __init__(self, association: Association, request: Any, context: Any, address: str) -> None:
        self.request = request
        self.address = address
        self.model = str(context.abstract_syntax)
        self.calling_aet = str(association.requestor.ae_title or "").strip()
        self._association = association
        self._context_id = context.context_id
        syntax = context.transfer_syntax[0]
        self._form = (bool(syntax.is_implicit_VR), bool(syntax.is_little_endian), bool(syntax.is_deflated))
        self._keys: Any = None

    @property
    def is_cancelled(self) -> bool:
        """Whether the peer has said that it wants no more (PS3.7 section 9.3.2.3)."""
        return self.request.MessageID in self._association.dimse.cancel_req

    @property
    def is_gone(self) -> bool:
        """Whether nobody is there to hear the answer."""
        association = self._association
        return not association.is_established or association.acse.is_aborted() or not association.dul.is_alive()

    def question(self, *, is_move: bool) -> tuple[str, Sought | None]:
        """Return level and keys; ``None`` for what cannot be asked (PS3.4 sections C.4.1.2.1, C.4.2.2.1)."""
        from pynetdicom.dsutils import decode

        try:
            keys = self._keys = decode(self.request.Identifier, *self._form)
            level = text(keys, "QueryRetrieveLevel").upper()
            wanted = _sought(keys)
        # Anything may stand there: pydicom raises whatever it meets (RELIABILITY B6).
        except Exception as error:  # noqa: BLE001
            log.info("a question cannot be read: %s", type(error).__name__)
            return "", None
        is_study_root = self.model in {STUDY_ROOT_FIND, STUDY_ROOT_MOVE}
        if level not in LEVELS or (is_study_root and level == PATIENT):
            return level, None
        # What is above the level must be named; what is to be sent, too.
        needs_study = level in {SERIES, IMAGE} or (is_move and level == STUDY)
        is_one_patient = wanted.patient_id and not is_wild(wanted.patient_id)
        if (needs_study and not wanted.study_uids) or (is_move and level == PATIENT and not is_one_patient):
            return level, None
        return level, wanted

    def answer(self, level: str, row: dict[str, Any], ae_title: str) -> bytes:
        """Return what was asked for of what was found. Raises ValueError where it cannot be said."""
        from pydicom.dataset import Dataset

        found = Dataset()
        found.SpecificCharacterSet = UTF8
        found.QueryRetrieveLevel = level
        found.RetrieveAETitle = ae_title
        for element in self._keys:
            keyword = element.keyword
            if keyword and keyword not in found and element.VR != "SQ" and element.tag.group > 0x0002:
                setattr(found, keyword, row.get(keyword) or None)
        for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            if keyword in row:
                setattr(found, keyword, row[keyword])
        return self._encoded(found)

    def tell(self, status: int, tally: _Tally) -> None:
        """Say how far it has come."""
        from pydicom.dataset import Dataset

        failed: bytes | None = None
        if status != PENDING and tally.failed:
            listed = Dataset()
            listed.FailedSOPInstanceUIDList = tally.failed
            failed = self._encoded(listed)
        self.say(status, identifier=failed, tally=tally)

    def _encoded(self, dataset: Any) -> bytes:
        from pynetdicom.dsutils import encode

        encoded = encode(dataset, *self._form)
        if encoded is None:
            raise ValueError("cannot be encoded")
        return encoded

    def say(self, status: int, *, identifier: bytes | None = None, tally: _Tally | None = None) -> None:
        """Send one response."""
        response = type(self.request)()
        response.MessageIDBeingRespondedTo = self.request.MessageID
        response.AffectedSOPClassUID = self.request.AffectedSOPClassUID
        response.Status = status
        if identifier is not None:
            response.Identifier = BytesIO(identifier)
        if tally is not None:
            if status in {PENDING, CANCELLED}:
                response.NumberOfRemainingSuboperations = tally.remaining
            response.NumberOfCompletedSuboperations = tally.completed
            response.NumberOfFailedSuboperations = tally.failures
            response.NumberOfWarningSuboperations = tally.warned
        if not self.is_gone:
            self._association.dimse.send_msg(response, self._context_id)


def addresses_of(host: str) -> frozenset[str]:
    """Return the addresses of a host; one that is not known has none."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return frozenset()


def _sought(keys: Any) -> Sought:
    """Read the keys. Raises ValueError for dates that are none, and for lists without an end."""
    name = text(keys, "PatientName").partition("=")[0]
    return Sought(
        patient_id=_single(keys, "PatientID"),
        patient_name="" if set(name) <= {"*", "^"} else name,
        birth_date=date_range_of(text(keys, "PatientBirthDate")),
        study_uids=_several(keys, "StudyInstanceUID"),
        study_date=date_range_of(text(keys, "StudyDate")),
        accession_number=_single(keys, "AccessionNumber"),
        modalities=_several(keys, "ModalitiesInStudy") + _several(keys, "Modality"),
        series_uids=_several(keys, "SeriesInstanceUID"),
        instance_uids=_several(keys, "SOPInstanceUID"),
    )


def _single(keys: Any, keyword: str) -> str:
    value = text(keys, keyword)
    return "" if set(value) <= {"*"} else value


def _several(keys: Any, keyword: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(value for value in texts(keys, keyword) if not set(value) <= {"*"}))
    if len(values) > _MOST_VALUES:
        raise ValueError(keyword)
    return values


def _hurry(association: Association, is_busy: bool) -> None:
    """Have the transport look for what is to be sent without a pause, while there is something to be sent."""
    wrapper: Any = association.dul.socket
    if wrapper is not None:
        wrapper.is_busy = is_busy
