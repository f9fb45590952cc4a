"""Writing files so that a crash or a power cut never leaves half of one under a final name.

Facts behind this module (RELIABILITY 10, A1, E13): without fsync a rename may leave an empty file,
without a directory fsync the rename itself may vanish, and directories cannot be fsynced on Windows.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.errors import EnvironmentFault, ItemError

BLOCK_BYTES = 1 << 20
# Antivirus and indexers hold a fresh file for milliseconds (RELIABILITY A18).
_WINDOWS_BUSY = {5, 32, 33}
_WINDOWS_WAITS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0)


def translate_os_error(error: OSError, **facts: object) -> EnvironmentFault:
    """Return the fault that says in our words what the operating system refused."""
    codes = {
        errno.ENOSPC: "disk.full",
        errno.EDQUOT if hasattr(errno, "EDQUOT") else -1: "disk.full",
        errno.EACCES: "disk.permission",
        errno.EPERM: "disk.permission",
        errno.EROFS: "disk.read_only",
        errno.ENOENT: "file.missing",
    }
    return EnvironmentFault(codes.get(error.errno or 0, "disk.failed"), **facts)


def sha256_file(path: Path, on_block: Callable[[int], None] | None = None) -> tuple[str, int]:
    """Return ``(hex digest, size in bytes)``; ``on_block`` gets each block's length and may raise."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            if on_block:
                on_block(len(block))
    return digest.hexdigest(), size


def proven_blocks(path: Path, sha256: str) -> Iterator[bytes]:
    """Yield a file's blocks; the last only when all of them together have this digest.

    Reading once serves both the proof and the sending, and whoever is sent to never has the whole of a rotten file.

    Raises
    ------
    ItemError
        ``file.corrupt``, before the last block.
    OSError
        What the operating system refuses.
    """
    digest, held = hashlib.sha256(), b""
    with path.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
            if held:
                yield held
            held = block
    if digest.hexdigest() != sha256:
        raise ItemError("file.corrupt")
    yield held


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file's bytes come to; ``md5`` is what archives and stores keep of a file, and proves nothing else."""

    sha256: str
    md5: str
    size_bytes: int


def digest_file(path: Path, on_block: Callable[[int], None] | None = None) -> Digests:
    """Read a file once for both digests; ``on_block`` gets each block's length and may raise."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            sha256.update(block)
            md5.update(block)
            size += len(block)
            if on_block:
                on_block(len(block))
    return Digests(sha256.hexdigest(), md5.hexdigest(), size)


def fsync_directory(folder: Path) -> None:
    """Make renames and links inside ``folder`` durable; a no-op on Windows, where it cannot be done."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(folder: Path, stop: Path) -> None:
    """Make ``folder`` and its parents below ``stop``, each made durable in its own parent."""
    missing = []
    current = folder
    while current != stop and not current.is_dir():
        missing.append(current)
        current = current.parent
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        fsync_directory(path.parent)


def copy_durably(source: Path, target: Path, on_block: Callable[[int], None] | None = None) -> str:
    """Copy bytes to a new file ``target``, fsync it and return the SHA-256 of what was *read back*.

    The target is removed again when anything fails, cancelling included; one that was there before stays.

    Raises
    ------
    EnvironmentFault
        ``file.missing``, ``file.permission`` or ``file.unreadable`` for the source; ``disk.full`` and its kin
        for the target, ``disk.failed`` too when the name is taken.
    """
    with _reading():
        reader = source.open("rb")
    with reader:
        with _writing():
            writer = target.open("xb")
        try:
            with _writing(), writer:
                while block := _read_block(reader):
                    writer.write(block)
                    if on_block:
                        on_block(len(block))
                writer.flush()
                os.fsync(writer.fileno())
            with _writing():
                digest, _size = sha256_file(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return digest


def _read_block(reader: BinaryIO) -> bytes:
    with _reading():
        return reader.read(BLOCK_BYTES)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Say what is wrong with the file that is read."""
    try:
        yield
    except OSError as error:
        codes = {errno.EACCES: "file.permission", errno.EPERM: "file.permission", errno.ENOENT: "file.missing"}
        raise EnvironmentFault(codes.get(error.errno or 0, "file.unreadable")) from error


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Say what is wrong with the volume that is written."""
    try:
        yield
    except FileNotFoundError as error:
        # Its folder went away; "missing" would be said of the source.
        raise EnvironmentFault("disk.failed") from error
    except OSError as error:
        raise translate_os_error(error) from error


def claim(temporary: Path, final: Path) -> None:
    """Give ``temporary`` its final name without ever replacing a file, durably.

    Raises
    ------
    FileExistsError
        When the name is taken; ``temporary`` is still there.
    OSError
        When the name could not be made durable; then it is not there either.
    """
    if sys.platform == "win32":
        _retry_busy(lambda: os.rename(temporary, final))  # noqa: PTH104 - does not replace on Windows
        return
    linked = _link(temporary, final)
    try:
        fsync_directory(final.parent)
    except OSError:
        # A name that may not survive a power cut was not claimed; the caller still has its source.
        final.unlink(missing_ok=True)
        raise
    if linked:
        temporary.unlink()


def _link(temporary: Path, final: Path) -> bool:
    """Make the final name; return whether the temporary one is still there."""
    try:
        os.link(temporary, final)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}:
            raise
        _claim_without_links(temporary, final)
        return False
    return True


def _claim_without_links(temporary: Path, final: Path) -> None:
    """Claim on file systems without hard links (exFAT, some shares): reserve the name, then replace it."""
    descriptor = os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    temporary.replace(final)


def _retry_busy(action: Callable[[], None]) -> None:
    for wait_s in (*_WINDOWS_WAITS_S, None):
        try:
            action()
        except OSError as error:
            if wait_s is None or getattr(error, "winerror", None) not in _WINDOWS_BUSY:
                raise
            time.sleep(wait_s)
        else:
            return


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the small file ``path`` by ``data`` as a whole, durably, readable by its owner alone."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as writer:
            writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
        _retry_busy(lambda: os.replace(temporary, path))  # noqa: PTH105 - pathlib's returns a value
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def replace_durably(temporary: Path, final: Path) -> None:
    """Put a finished file in the place of ``final``, which may be there, so that it survives a power cut."""
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())
    _retry_busy(lambda: os.replace(temporary, final))  # noqa: PTH105 - pathlib's returns a value
    fsync_directory(final.parent)


def claim_some_name(temporary: Path, final: Path) -> Path:
    """Give ``temporary`` the name ``final`` or, where that is taken, one like it; return it. Raises OSError."""
    name = final
    while True:
        try:
            claim(temporary, name)
        except FileExistsError:
            name = final.with_name(f"{final.stem}-{uuid.uuid4()}{final.suffix}")
        else:
            return name


def free_bytes(folder: Path) -> int:
    """Return the bytes an ordinary user may still write on the volume of ``folder``."""
    probe = folder
    while not probe.exists() and probe != probe.parent:
        probe = probe.parent
    return shutil.disk_usage(probe).free


def require_space(folder: Path, needed: int, reserve: int) -> None:
    """Refuse work that would leave less than ``reserve`` bytes free.

    Raises
    ------
    EnvironmentFault
        ``disk.reserve`` with the bytes needed, free and reserved.
    """
    free = free_bytes(folder)
    if reserve > 0 and free < needed + reserve:
        raise EnvironmentFault("disk.reserve", needed=needed, free=free, reserve=reserve)
