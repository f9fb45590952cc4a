"""Sealing files of a backup folder with a password: AES-256-GCM in chunks, key by scrypt.

A sealed file is the magic word, eight random bytes, then chunks of 1 MiB each with its own tag. The nonce of a
chunk is those bytes and its number; what it is authenticated with says which file it belongs to and whether it
is the last, so that chunks cannot be swapped, repeated or cut off (STREAM, Hoang et al. 2015).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.core.errors import UserError

MAGIC = b"BWSEAL1\n"
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
_PREFIX_BYTES = 8
_SALT_BYTES = 16
# About 64 MiB and a tenth of a second: RFC 7914 for interactive use, doubled.
_SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}
_MOST_MEMORY = 256 << 20
KEY_FILE = "key.json"


class Seal:
    """The keys of one backup folder. Any thread."""

    def __init__(self, master: bytes) -> None:
        self._names = hmac.digest(master, b"names", "sha256")
        self._key = hmac.digest(master, b"contents", "sha256")

    def object_name(self, sha256: str) -> str:
        """Return the name under which content lies: without the password it says nothing of the content."""
        return hmac.digest(self._names, sha256.encode("ascii"), "sha256").hex()

    def seal(self, reader: BinaryIO, writer: BinaryIO, name: str) -> None:
        """Write ``reader`` sealed; ``name`` is part of what is authenticated."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher, prefix = AESGCM(self._key), os.urandom(_PREFIX_BYTES)
        writer.write(MAGIC + prefix)
        number, chunk = 0, reader.read(CHUNK_BYTES)
        while True:
            following = reader.read(CHUNK_BYTES)
            writer.write(cipher.encrypt(_nonce(prefix, number), chunk, _bound(name, last=not following)))
            if not following:
                return
            number, chunk = number + 1, following

    def chunks(self, reader: BinaryIO, name: str) -> Iterator[bytes]:
        """Yield the content of a sealed file. Raises ``backup.damaged`` (fact ``member``)."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        cipher, head = AESGCM(self._key), reader.read(len(MAGIC) + _PREFIX_BYTES)
        if not head.startswith(MAGIC) or len(head) < len(MAGIC) + _PREFIX_BYTES:
            raise UserError("backup.damaged", member=name)
        prefix, number = head[len(MAGIC) :], 0
        chunk = reader.read(CHUNK_BYTES + TAG_BYTES)
        while True:
            following = reader.read(CHUNK_BYTES + TAG_BYTES)
            try:
                yield cipher.decrypt(_nonce(prefix, number), chunk, _bound(name, last=not following))
            except InvalidTag as error:
                raise UserError("backup.damaged", member=name) from error
            if not following:
                return
            number, chunk = number + 1, following


def sealed_size(size: int) -> int:
    """Return how large a file of ``size`` bytes is when sealed."""
    chunks = max(1, -(-size // CHUNK_BYTES))
    return len(MAGIC) + _PREFIX_BYTES + size + chunks * TAG_BYTES


def new_key_file(password: str) -> tuple[bytes, Seal]:
    """Return the content of a new key file for ``password``, and its seal."""
    salt = os.urandom(_SALT_BYTES)
    master = _master(password, salt, _SCRYPT)
    fields = {"kdf": "scrypt", **_SCRYPT, "salt": base64.b64encode(salt).decode("ascii"), "check": _check(master)}
    return json.dumps(fields).encode("ascii"), Seal(master)


def open_key_file(path: Path, password: str | None) -> Seal:
    """Return the seal of a backup folder.

    Raises
    ------
    UserError
        ``backup.password_needed``, ``backup.wrong_password`` or ``backup.damaged``.
    """
    if password is None:
        raise UserError("backup.password_needed", path=str(path.parent))
    try:
        data = path.read_text("ascii")
    except ValueError as error:
        raise UserError("backup.damaged", member=KEY_FILE) from error
    return open_key(data, password, str(path.parent))


def open_key(data: str, password: str | None, where: str) -> Seal:
    """Return the seal that the content of a key file and ``password`` make. Raises as :func:`open_key_file`."""
    if password is None:
        raise UserError("backup.password_needed", path=where)
    try:
        fields = json.loads(data)
        cost = {name: int(fields[name]) for name in _SCRYPT}
        salt, check = base64.b64decode(fields["salt"]), str(fields["check"])
        # A cost beyond the limit is a ValueError of scrypt's own.
        master = _master(password, salt, cost)
    except (ValueError, KeyError, TypeError, MemoryError) as error:
        raise UserError("backup.damaged", member=KEY_FILE) from error
    if not hmac.compare_digest(_check(master), check):
        raise UserError("backup.wrong_password", path=where)
    return Seal(master)


def _master(password: str, salt: bytes, cost: dict[str, int]) -> bytes:
    return hashlib.scrypt(password.encode("utf-8"), salt=salt, maxmem=_MOST_MEMORY, dklen=32, **cost)


def _check(master: bytes) -> str:
    return hmac.digest(master, b"check", "sha256").hex()


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4, "big")


def _bound(name: str, *, last: bool) -> bytes:
    return (b"1" if last else b"0") + name.encode("utf-8")
