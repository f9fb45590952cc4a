"""What arrives on an association, kept within bounds: objects go to files in a folder of ours as they come.

pynetdicom holds whatever a peer sends in memory, or in the system's temporary folder, without an end to either. This
takes the place of its gathering of messages (PS3.8 annex E) on associations where strangers may send.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynetdicom.association import Association

log = logging.getLogger(__name__)

PART = ".part"
# PS3.7 annex E: a command is some hundred bytes.
_LONGEST_COMMAND = 64 * 1024
# Identifiers, commitment reports: everything that is no object.
_LONGEST_OTHER = 4 << 20
# Without negotiation one request is outstanding (PS3.7 annex D.3.3.3); the lenient take some more.
_MOST_WAITING = 16
_LOOK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where objects go, how long one may be, and whether there is room: asked before and while one is written."""

    folder: Path
    longest_bytes: int = 4 << 30
    has_room: Callable[[], bool] = lambda: True


class TooLongError(Exception):
    """A peer sends without an end."""


class ArrivingFile:
    """One object on its way to the disk, as pynetdicom writes to it. Without room the rest is read and dropped.

    Written by the association's transport thread, closed by whichever thread is done with it first.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._size = self._looked = 0
        self.path = bounds.folder / f"{uuid.uuid4()}{PART}"
        # pynetdicom flushes what is beneath a NamedTemporaryFile and removes it by its name.
        self.file, self.name = self, str(self.path)
        self.is_whole = bounds.has_room()
        self._descriptor = self._made() if self.is_whole else -1

    def _made(self) -> int:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            return os.open(self.path, flags, 0o600)
        except OSError as error:
            self._fail(error)
            return -1

    def write(self, data: bytes) -> int:
        """Take more of the object; raises TooLongError past its bounds."""
        self._size += len(data)
        if self._size > self._bounds.longest_bytes:
            raise TooLongError
        with self._lock:
            if self._descriptor >= 0 and self._size - self._looked > _LOOK_BYTES:
                self._looked = self._size
                if not self._bounds.has_room():
                    self._give_up()
            if self._descriptor >= 0:
                self._put(data)
        return len(data)

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._fail(error)
            self._give_up()

    def flush(self) -> None:
        """Nothing is held back."""

    def settle(self) -> bool:
        """Make durable what came and close it; whether it is whole."""
        with self._lock:
            if self._descriptor < 0:
                return False
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                self._fail(error)
            self._shut()
        return self.is_whole

    def close(self) -> None:
        """Close it, whatever it holds."""
        with self._lock:
            self._shut()

    def drop(self) -> None:
        """Close and remove it."""
        with self._lock:
            self._give_up()

    def _fail(self, error: OSError) -> None:
        self.is_whole = False
        log.warning("an object that arrives cannot be written: %s", type(error).__name__)

    def _give_up(self) -> None:
        self.is_whole = False
        self._shut()
        self.path.unlink(missing_ok=True)

    def _shut(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Arriving:
    """Takes the place of ``association.dimse.receive_primitive``. The transport's thread, but for :meth:`drop`."""

    def __init__(self, association: Association, bounds: Bounds) -> None:
        self._association = association
        self._bounds = bounds
        self._files: list[ArrivingFile] = []
        association.dimse.receive_primitive = self.receive  # type: ignore[method-assign]

    def receive(self, primitive: Any) -> None:
        """Take one P-DATA; a peer that goes beyond its bounds is aborted."""
        from pynetdicom.pdu_primitives import P_DATA

        try:
            # One fragment at a time, so that the file is there before the first byte of the object.
            for fragment in primitive.presentation_data_value_list:
                alone = P_DATA()
                alone.presentation_data_value_list.append(fragment)
                self._take(alone)
        # A command may be anything at all: pydicom raises whatever it meets (RELIABILITY B6).
        except Exception as error:  # noqa: BLE001
            log.info("an association is aborted over what it sent: %s", type(error).__name__)
            self.drop()
            self._association.dimse.message = None
            # PS3.8 table 9-10: an unrecognised PDU, for which the provider aborts.
            self._association.dul.event_queue.put("Evt19")

    def drop(self) -> None:
        """Remove every object that was not taken."""
        files, self._files = self._files, []
        for file in files:
            file.drop()

    def _take(self, primitive: Any) -> None:
        from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage

        dimse = self._association.dimse
        message = dimse.message = dimse.message or DIMSEMessage()
        had_command = message.context_id is not None
        is_done = message.decode_msg(primitive, self._association)
        if not had_command and message.context_id is not None and isinstance(message, C_STORE_RQ) and not is_done:
            self._begin(message)
        elif message.encoded_command_set.tell() > _LONGEST_COMMAND or _held(message) > _LONGEST_OTHER:
            raise TooLongError
        if is_done:
            dimse.message = None
            self._pass_on(message)

    def _begin(self, message: Any) -> None:
        """Open the file of an object and write what a DICOM file begins with (PS3.10 section 7.1)."""
        from pydicom.filewriter import write_file_meta_info
        from pynetdicom.dsutils import create_file_meta

        command, context = message.command_set, self._association._accepted_cx[message.context_id]
        self._files = [file for file in self._files if file.path.exists()]
        file = ArrivingFile(self._bounds)
        self._files.append(file)
        meta = create_file_meta(
            sop_class_uid=command.AffectedSOPClassUID,
            sop_instance_uid=command.AffectedSOPInstanceUID,
            transfer_syntax=context.transfer_syntax[0],
        )
        header = BytesIO()
        write_file_meta_info(header, meta)
        file.write(b"\0" * 128 + b"DICM" + header.getvalue())
        message._data_set_file, message._data_set_path = file, file.path

    def _pass_on(self, message: Any) -> None:
        """Give a whole message to whoever serves it."""
        from pynetdicom.dimse_primitives import C_CANCEL

        dimse = self._association.dimse
        primitive = message.message_to_primitive()
        if isinstance(primitive, C_CANCEL):
            cancelled = primitive.MessageIDBeingRespondedTo
            if cancelled is not None and len(dimse.cancel_req) < _MOST_WAITING:
                dimse.cancel_req[cancelled] = primitive
            return
        if dimse.msg_queue.qsize() >= _MOST_WAITING:
            raise TooLongError
        dimse.msg_queue.put((message.context_id, primitive))


def _held(message: Any) -> int:
    return message.data_set.tell() if message.data_set is not None else 0
