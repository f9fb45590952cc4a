"""What travels between parent and child, and what is refused."""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.facts import FileFacts, PixelSpacing
from app.domain.identity import FileIdentity
from app.domain.image import FileKind, ImageView
from app.imaging.child import blob, codec
from app.imaging.child.channel import (
    INLINE_LIMIT_BYTES,
    ChannelClosed,
    ChannelTimeout,
    Message,
    PipeChannel,
    ProtocolError,
    SocketChannel,
)
from app.imaging.frame import DisplayFrame, VoiLut, WindowSetting


def _through(kind: Any, value: Any) -> Any:
    arrays: list[Any] = []
    return codec.decode(kind, codec.encode(value, arrays), arrays)


def test_facts_come_back_equal() -> None:
    facts = FileFacts(
        FileKind.DICOM,
        "application/dicom",
        rows=3,
        columns=4,
        identity=FileIdentity("7", "Müller", "Jürgen", date(1980, 2, 29), "M"),
        teeth=("11", "general"),
        view=ImageView.BITEWING,
        window=(1.5, 2.0),
        spacing=PixelSpacing(0.1, 0.2, "nominal"),
        captured_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        notes=("truncated",),
    )
    assert _through(FileFacts, facts) == facts


def test_frames_come_back_with_their_arrays() -> None:
    frame = DisplayFrame(
        values=np.arange(12, dtype=np.uint16).reshape(3, 4)[::-1],
        windows=(WindowSetting(1.0, 2.0, "a"),),
        voi_luts=(VoiLut(0, 8, np.arange(4, dtype=np.uint16)),),
        overlays=np.eye(3, 4, dtype=np.bool_),
        padding=(-5, 3),
    )
    back = _through(DisplayFrame, frame)
    assert np.array_equal(back.values, frame.values)
    assert np.array_equal(back.voi_luts[0].table, frame.voi_luts[0].table)
    assert np.array_equal(back.overlays, frame.overlays)
    assert (back.windows, back.padding) == (frame.windows, frame.padding)


@dataclass(frozen=True)
class _Small:
    number: int
    word: str | None = None


@pytest.mark.parametrize(
    "value", [None, [], 3, {"number": "3"}, {"number": True}, {"other": 1}, {"number": 1, "word": 5}]
)
def test_other_shapes_are_refused(value: Any) -> None:
    with pytest.raises(codec.CodecError):
        codec.decode(_Small, value, [])


@pytest.mark.parametrize(
    "item",
    [
        {"dtype": "O", "shape": [1], "offset": 0},
        {"dtype": "<u2", "shape": [-1], "offset": 0},
        {"dtype": "<u2", "shape": [9], "offset": 0},
        {"dtype": "<u2", "shape": [1], "offset": -2},
        {"dtype": "<u2", "shape": [1], "offset": 15},
        {"dtype": "<u2", "shape": [1 << 40, 1 << 40], "offset": 0},
        {"dtype": "V2", "shape": [1], "offset": 0},
        {"dtype": "no such type", "shape": [1], "offset": 0},
    ],
)
def test_arrays_must_lie_within_their_memory(item: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        blob.arrays_of(memoryview(bytes(16)), [item])


def _arrays() -> list[Any]:
    big = np.arange(300_000, dtype=np.int32).reshape(600, 500)
    return [np.uint8([1, 2, 3]), big, big[:, ::-1].T, big.astype(">i4"), np.zeros((0, 3)), np.ones((2, 2), np.bool_)]


def _open_descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _check(message: Message) -> None:
    for found, sent in zip(message.arrays, _arrays(), strict=True):
        assert np.array_equal(found, sent)


def test_a_socket_carries_memory_by_descriptor() -> None:
    ours, theirs = socket.socketpair()
    one, other = SocketChannel(ours), SocketChannel(theirs)
    descriptors = _open_descriptors()
    for _ in range(3):
        one.send(Message({"type": "x"}, _arrays()))
        _check(other.receive(time.monotonic() + 5))
    assert _open_descriptors() == descriptors
    one.send(Message({"type": "small"}, [np.uint8([5])]))
    assert other.receive(None).arrays[0].tolist() == [5]
    with pytest.raises(ChannelTimeout):
        other.receive(time.monotonic() + 0.05)
    one.close()
    with pytest.raises(ChannelClosed):
        other.receive(None)
    other.close()


def test_a_pipe_carries_memory_by_name() -> None:
    reading, writing = os.pipe()
    back_reading, back_writing = os.pipe()
    one = PipeChannel(os.fdopen(back_reading, "rb"), os.fdopen(writing, "wb"))
    other = PipeChannel(os.fdopen(reading, "rb"), os.fdopen(back_writing, "wb"))
    one.send(Message({"type": "x"}, _arrays()))
    _check(other.receive(time.monotonic() + 5))
    other.send(Message({"type": "thanks"}))
    assert one.receive(time.monotonic() + 5).header["type"] == "thanks"
    with pytest.raises(ChannelTimeout):
        one.receive(time.monotonic() + 0.05)
    one._writer.close()
    with pytest.raises(ChannelClosed):
        other.receive(time.monotonic() + 5)
    other.close()
    one.close()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        struct.pack("!4sII", b"BWD1", 1 << 30, 0),
        struct.pack("!4sII", b"BWD1", 2, INLINE_LIMIT_BYTES + 1),
        struct.pack("!4sII", b"BWD1", 2, 0) + b"[]",
        struct.pack("!4sII", b"BWD1", 3, 0) + b"\xff{}",
        struct.pack("!4sII", b"BWD1", 13, 0) + b'{"memory": 9}',
        struct.pack("!4sII", b"BWD1", 14, 0) + b'{"arrays":[1]}',
    ],
)
def test_garbage_from_the_child_is_not_a_message(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        with pytest.raises(ProtocolError):
            SocketChannel(ours).receive(time.monotonic() + 1)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="sealing is Linux's")
def test_memory_that_is_smaller_than_declared_is_refused() -> None:
    descriptor = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    with pytest.raises(ValueError, match="shorter"):
        blob.map_anonymous(descriptor, 100)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="sealing is Linux's")
def test_mapped_memory_cannot_be_cut_by_the_child() -> None:
    descriptor = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(descriptor, b"a" * 5000)
    kept = os.dup(descriptor)
    content = blob.map_anonymous(descriptor, 5000)
    with pytest.raises(PermissionError):
        os.ftruncate(kept, 0)
    os.close(kept)
    assert bytes(content[4990:]) == b"a" * 10
