"""Memory in which arrays travel from the decoding child to the parent.

POSIX: an anonymous file (memfd, else an unlinked temporary file) passed by descriptor, so nothing
can be left behind whoever is killed. Windows: a named mapping that vanishes with its last handle.
Knows nothing of messages or processes. Numpy is imported when first needed: commands that decode
nothing import this too.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import shared_memory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ALIGNMENT = 64
_STRIP_BYTES = 4 << 20
_SEAL_SHRINK_GROW_SEAL = 0x0001 | 0x0002 | 0x0004
_F_ADD_SEALS = 1033
_MAX_DIMENSIONS = 5
# As a value: type checkers take sys.platform literally and would skip the other branch.
_LINUX = hasattr(os, "memfd_create")


@dataclass(frozen=True)
class Layout:
    """Where arrays lie within one block of memory."""

    items: tuple[dict[str, Any], ...]
    size: int


def lay_out(arrays: Sequence[Array]) -> Layout:
    """Return dtype, shape and offset of each array and the size of the whole."""
    items: list[dict[str, Any]] = []
    at = 0
    for array in arrays:
        dtype = array.dtype.newbyteorder("<") if array.dtype.kind != "b" else array.dtype
        items.append({"dtype": dtype.str, "shape": list(array.shape), "offset": at})
        at += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    return Layout(tuple(items), at)


def _little_endian(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def write_anonymous(arrays: Sequence[Array], layout: Layout) -> int:
    """Write ``arrays`` into a fresh anonymous file and return its descriptor."""
    import numpy as np

    if _LINUX:
        descriptor = os.memfd_create("bitewing-pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        descriptor, name = tempfile.mkstemp(prefix="bitewing-")
        os.unlink(name)  # noqa: PTH108 - a descriptor's name, removed at once
    try:
        for array, item in zip(arrays, layout.items, strict=True):
            at = item["offset"]
            for piece in _pieces(array):
                view = piece.reshape(-1).view(np.uint8).data
                while view:
                    written = os.pwrite(descriptor, view[: 1 << 28], at)
                    at += written
                    view = view[written:]
        os.ftruncate(descriptor, layout.size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _pieces(array: Array) -> Iterator[Array]:
    """Cut ``array`` along its first axis into contiguous little-endian pieces of some MB.

    Views (a rotated picture) are copied piece by piece, never as a whole.
    """
    import numpy as np

    if array.ndim == 0 or array.flags.c_contiguous or array.nbytes <= _STRIP_BYTES:
        yield _little_endian(np.ascontiguousarray(array))
        return
    rows = max(1, _STRIP_BYTES * len(array) // array.nbytes)
    for at in range(0, len(array), rows):
        yield _little_endian(np.ascontiguousarray(array[at : at + rows]))


def map_anonymous(descriptor: int, size: int) -> memoryview:
    """Return the content of the anonymous file; the descriptor is closed.

    On Linux the file is first sealed against shrinking, so that a hostile child cannot make the
    parent stumble over missing pages; elsewhere the content is copied.
    """
    try:
        if os.fstat(descriptor).st_size < size:
            raise ValueError("shorter than declared")
        if not size:
            return memoryview(b"")
        if _LINUX:
            import fcntl  # POSIX only

            fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_SHRINK_GROW_SEAL)
            return memoryview(
                mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
            )
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            stream.seek(0)
            return memoryview(bytearray(stream.read(size)))
    finally:
        os.close(descriptor)


def write_named(arrays: Sequence[Array], layout: Layout) -> shared_memory.SharedMemory:
    """Write ``arrays`` into a named mapping (Windows); the caller keeps it until it was read."""
    import numpy as np

    memory = shared_memory.SharedMemory(create=True, size=max(1, layout.size))
    for array, item in zip(arrays, layout.items, strict=True):
        at = item["offset"]
        target = np.ndarray(array.shape, np.dtype(item["dtype"]), memory.buf, at)
        target[...] = array
        del target
    return memory


def read_named(name: str, size: int) -> memoryview:
    """Copy the content of the named mapping ``name``."""
    memory = shared_memory.SharedMemory(name=name)
    try:
        if memory.size < size:
            raise ValueError("shorter than declared")
        return memoryview(bytearray(memoryview(memory.buf or b"")[:size]))
    finally:
        memory.close()


def unlink_named(memory: shared_memory.SharedMemory) -> None:
    """Remove the name of a mapping where names outlive handles (not on Windows)."""
    with contextlib.suppress(FileNotFoundError):
        memory.unlink()


def close_descriptor(descriptor: int) -> None:
    """Close ``descriptor``."""
    os.close(descriptor)


def arrays_of(content: memoryview, items: Sequence[dict[str, Any]]) -> list[Array]:
    """Build the described arrays over ``content`` without copying.

    Raises
    ------
    ValueError
        When a description is not a plain numeric array within the content.
    """
    import numpy as np

    found: list[Array] = []
    for item in items:
        dtype = np.dtype(str(item["dtype"]))
        shape = tuple(int(length) for length in item["shape"])
        offset = int(item["offset"])
        if dtype.kind not in "biuf" or len(shape) > _MAX_DIMENSIONS or min(shape, default=0) < 0:
            raise ValueError("not a plain array")
        count = 1
        for length in shape:
            count *= length
        if offset < 0 or offset + count * dtype.itemsize > len(content):
            raise ValueError("array outside its memory")
        found.append(np.frombuffer(content, dtype, count, offset).reshape(shape))
    return found
