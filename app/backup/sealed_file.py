"""One file sealed on its own, with what opens it at its head: for places where nothing else of ours lies.

The head is a magic word, a length and the content of a key file (:mod:`app.backup.sealing`), in clear: it tells
how the key is made from the password and nothing of what is sealed. Its own text is part of what is authenticated.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import BinaryIO

from app.backup.sealing import new_key_file, open_key
from app.core.errors import UserError
from app.core.files import translate_os_error

MAGIC = b"BWFILE1\n"
_LENGTH = struct.Struct(">I")
_MOST_HEAD_BYTES = 4096


def seal_file(source: Path, target: Path, password: str, opener: str) -> None:
    """Write ``source`` sealed to the new file ``target``; ``opener`` says in clear what the password is.

    Raises
    ------
    EnvironmentFault
        ``disk.full`` and its kin.
    """
    key, seal = new_key_file(password)
    head = json.dumps({**json.loads(key), "opener": opener}).encode("ascii")
    try:
        with source.open("rb") as reader, _created(target) as writer:
            writer.write(MAGIC + _LENGTH.pack(len(head)) + head)
            seal.seal(reader, writer, _bound_to(head))
            writer.flush()
            os.fsync(writer.fileno())
    except OSError as error:
        raise translate_os_error(error, path=str(target)) from error


def opener_of(path: Path) -> str | None:
    """Return what opens a sealed file, as it says itself; ``None`` for a file that is not sealed.

    Raises
    ------
    UserError
        ``backup.damaged``.
    EnvironmentFault
        ``file.missing``, ``disk.permission``, …
    """
    try:
        with path.open("rb") as reader:
            if reader.read(len(MAGIC)) != MAGIC:
                return None
            return _text(json.loads(_head(reader, path.name)), path.name)
    except OSError as error:
        raise translate_os_error(error, path=str(path)) from error
    except ValueError as error:
        raise UserError("backup.damaged", member=path.name) from error


def open_sealed(source: Path, target: Path, password: str | None) -> None:
    """Write what is sealed in ``source`` to the new file ``target``.

    Raises
    ------
    UserError
        ``backup.password_needed``, ``backup.wrong_password``, ``backup.damaged``; nothing is left then.
    EnvironmentFault
        ``disk.full`` and its kin.
    """
    try:
        with source.open("rb") as reader:
            if reader.read(len(MAGIC)) != MAGIC:
                raise UserError("backup.damaged", member=source.name)
            head = _head(reader, source.name)
            seal = open_key(head.decode("ascii", "replace"), password, source.name)
            try:
                with _created(target) as writer:
                    for chunk in seal.chunks(reader, _bound_to(head)):
                        writer.write(chunk)
            except BaseException:
                target.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise translate_os_error(error, path=str(target)) from error


def _head(reader: BinaryIO, name: str) -> bytes:
    length = reader.read(_LENGTH.size)
    if len(length) < _LENGTH.size or not 0 < (size := _LENGTH.unpack(length)[0]) <= _MOST_HEAD_BYTES:
        raise UserError("backup.damaged", member=name)
    head = reader.read(size)
    if len(head) < size:
        raise UserError("backup.damaged", member=name)
    return head


def _text(fields: object, name: str) -> str:
    opener = fields.get("opener") if isinstance(fields, dict) else None
    if not isinstance(opener, str):
        raise UserError("backup.damaged", member=name)
    return opener


def _bound_to(head: bytes) -> str:
    return hashlib.sha256(head).hexdigest()


def _created(target: Path) -> BinaryIO:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
