"""The way to the window: what the command line gives, and handing it to a window that already stands.

Light, so that a second start is over before anything of the window is imported; the rest is in ``program``.
"""

from __future__ import annotations

import gc
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.paths import default_library
from app.ui.later import part
from app.ui.main_window.instance_name import may_be_running


@dataclass(frozen=True)
class WindowArgs:
    """What the command line gives. ``screenshot`` saves a picture of the window and ends."""

    library: Path | None = None
    patient: str = ""
    last: str = ""
    first: str = ""
    dob: str = ""
    sex: str = ""
    tooth: str = ""
    image: str = ""
    study: str = ""
    files: tuple[Path, ...] = ()
    screenshot: Path | None = None
    size: tuple[int, int] | None = None

    def wishes(self) -> dict[str, Any]:
        """Return what to open, as plain texts that can travel to a running window."""
        names = ("patient", "last", "first", "dob", "sex", "tooth", "image", "study")
        return {**{name: getattr(self, name) for name in names}, "files": [str(path.resolve()) for path in self.files]}


def run_window(args: Any) -> int:
    """Open the window, or bring the running one forward, and return the exit code when it has closed.

    ``args`` has the fields of :class:`WindowArgs`; any that are missing count as not given.
    """
    # Building a window makes many objects and little rubbish; collecting begins with the first paint.
    gc.disable()
    given = window_args(args)
    root = given.library or default_library()
    if given.screenshot is None and may_be_running(root) and part("hand_over")(root, given.wishes()):
        return 0
    code: int = importlib.import_module("app.bootstrap.program").run(given, root)
    return code


def window_args(args: Any) -> WindowArgs:
    """Return ``args`` (a namespace, a mapping or nothing) with every field filled."""
    if isinstance(args, WindowArgs):
        return args
    values = args if isinstance(args, dict) else vars(args) if args is not None else {}
    known = {name: values[name] for name in WindowArgs.__dataclass_fields__ if values.get(name) not in (None, "", ())}
    for name in ("library", "screenshot"):
        if name in known:
            known[name] = Path(known[name])
    if "files" in known:
        known["files"] = tuple(Path(path) for path in known["files"])
    return WindowArgs(**known)
