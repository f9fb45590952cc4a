"""How the decoding child is started: command line, environment, operating-system limits.

The same way from a console script, ``python -m app``, any working directory and a frozen program.
The child gets no secrets: its environment is made from a short list.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

HIDDEN_ARGUMENT = "--bitewing-decoding-child"
"""A frozen program started with this as its first argument must call ``server.main``."""
FAULTS_VARIABLE = "BITEWING_DECODER_FAULTS"
"""Set to 1 in tests: the child then accepts the operation that makes it fail on purpose."""

_PASSED_ON = (
    "PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL",
    "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONNOUSERSITE", "HOME",
    "USERPROFILE", "APPDATA", "VIRTUAL_ENV", "_MEIPASS2", "_PYI_ARCHIVE_FILE",
    "_PYI_APPLICATION_HOME_DIR", "_PYI_PARENT_PROCESS_LEVEL", FAULTS_VARIABLE,
)  # fmt: skip
# One arena and one linear-algebra thread: each would reserve address space that the cap counts.
_FIXED = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}
_BOOT = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from app.imaging.child.server import main; raise SystemExit(main(sys.argv[1:]))"
)
# The parent-death signal fires when the *thread* that forked ends, so all children are started
# by one thread that lives as long as the process.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoder-starter")


def command(arguments: list[str]) -> list[str]:
    """Return the command line of a child; ``arguments`` are those of ``server.main``."""
    if getattr(sys, "frozen", False):
        return [sys.executable, HIDDEN_ARGUMENT, *arguments]
    root = str(Path(__file__).resolve().parents[3])
    return [sys.executable, "-P", "-c", _BOOT, root, *arguments]


def environment() -> dict[str, str]:
    """Return the child's environment: what starting Python needs, and nothing secret."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | _FIXED


def start(
    arguments: list[str],
    *,
    pass_fds: tuple[int, ...] = (),
    pipes: bool = False,
    errors: IO[Any] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child.

    Raises
    ------
    OSError
        When the operating system refuses.
    """
    stream = subprocess.PIPE if pipes else subprocess.DEVNULL
    return _starter.submit(
        subprocess.Popen,
        command(arguments),
        stdin=stream,
        stdout=stream,
        stderr=errors,
        env=environment(),
        pass_fds=pass_fds,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ).result()
