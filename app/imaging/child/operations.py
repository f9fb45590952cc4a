"""What the decoding child can do, by name. Runs in the child only.

Each operation takes the decoded request and returns a dataclass, an array or bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.imaging import dicom_pictures, examine, pictures, probe
from app.imaging.child import codec, launch
from app.imaging.frame import WindowSetting
from app.imaging.header_full import full_header
from app.imaging.render import render_picture
from app.imaging.render_args import RenderArgs

PREVIEW_SCALE = 0.35
"""A preview may be this much smaller than the box it is for: it stands in for a moment and must be quick."""

Alive = Callable[[], None]
Operation = Callable[[dict[str, Any], Alive], Any]


def _probe(request: dict[str, Any], alive: Alive) -> Any:
    return probe.probe(_path(request))


def _examine(request: dict[str, Any], alive: Alive) -> Any:
    return examine.examine(_path(request), on_frame=alive)


def _frame(request: dict[str, Any], alive: Alive) -> Any:
    wanted = request.get("max_pixels")
    limit = (int(wanted[0] * PREVIEW_SCALE), int(wanted[1] * PREVIEW_SCALE)) if wanted else None
    return pictures.load_frame(_path(request), int(request["index"]), max_pixels=limit)


def _stored(request: dict[str, Any], alive: Alive) -> Any:
    return pictures.stored_pixels(_path(request))


def _render(request: dict[str, Any], alive: Alive) -> Any:
    args = codec.decode(RenderArgs, request["args"], [])
    frame = pictures.load_frame(_path(request), args.frame)
    window = None if args.window is None else WindowSetting(*args.window)
    return render_picture(frame, window=window, size=args.size, overlays=args.overlays, square=args.square)


def _header(request: dict[str, Any], alive: Alive) -> Any:
    return full_header(_path(request))


def _thumbnail(request: dict[str, Any], alive: Alive) -> Any:
    return pictures.thumbnail(_path(request))


def _fault(request: dict[str, Any], alive: Alive) -> Any:
    """Fail on purpose, for the tests of the parent; refused outside of tests."""
    if os.environ.get(launch.FAULTS_VARIABLE) != "1":
        raise ValueError("refused")
    return _FAULTS[str(request["fault"])](request, alive)


def _hang(request: dict[str, Any], alive: Alive) -> Any:
    while True:
        time.sleep(1)


def _slow(request: dict[str, Any], alive: Alive) -> Any:
    for _ in range(int(request["times"])):
        time.sleep(float(request["pause_s"]))
        alive()
    return {"pid": os.getpid()}


def _memory(request: dict[str, Any], alive: Alive) -> Any:
    import numpy as np

    return np.ones(int(request["bytes"]), np.uint8)


def _eat(request: dict[str, Any], alive: Alive) -> Any:
    import numpy as np

    eaten = np.ones(int(request["bytes"]), np.uint8)
    return _hang({"eaten": eaten}, alive)


def _crash(request: dict[str, Any], alive: Alive) -> Any:
    import ctypes

    return ctypes.string_at(0)


def _report(request: dict[str, Any], alive: Alive) -> Any:
    """Say what a hostile file could see from here."""
    import socket

    try:
        socket.create_connection(("127.0.0.1", int(request["port"])), timeout=1).close()
        network = True
    except OSError:
        network = False
    return {"environment": sorted(os.environ), "network": network, "pid": os.getpid()}


_FAULTS: dict[str, Operation] = {
    "hang": _hang,
    "slow": _slow,
    "memory": _memory,
    "eat": _eat,
    "crash": _crash,
    "report": _report,
}

_FRAME_BY_FRAME = frozenset({"frame", "render", "thumbnail"})

OPERATIONS: dict[str, Operation] = {
    "probe": _probe,
    "examine": _examine,
    "frame": _frame,
    "stored": _stored,
    "thumbnail": _thumbnail,
    "render": _render,
    "header": _header,
    "fault": _fault,
}


def _path(request: dict[str, Any]) -> Path:
    if request["op"] not in _FRAME_BY_FRAME:
        dicom_pictures.forget()
    return Path(str(request["path"]))
