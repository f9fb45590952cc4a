"""Where the program starts: the command line, or the decoding child of a frozen program.

Imports nothing but the smallest before Ctrl+C is provided for.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType

# The same text as imaging.child.launch.HIDDEN_ARGUMENT, which would cost every command its import.
DECODING_CHILD = "--bitewing-decoding-child"


def main() -> int:
    """Run what the arguments ask for and return the exit code."""
    _on_ctrl_c_end()
    _fill_closed_streams()
    importlib.import_module("multiprocessing").freeze_support()
    if sys.argv[1:2] == [DECODING_CHILD]:
        return int(importlib.import_module("app.imaging.child.server").main(sys.argv[2:]))
    try:
        return int(importlib.import_module("app.cli.main").run(sys.argv[1:]))
    except KeyboardInterrupt:  # a second one, while the first was being told
        return 1
    finally:
        _on_ctrl_c_end()


def _on_ctrl_c_end() -> None:
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a script's background commands ignore it
        signal.signal(signal.SIGINT, _end_at_once)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    """End without a word: before a command begins and after it is done nothing has to be put away."""
    os._exit(1)


def _fill_closed_streams() -> None:
    """Keep a closed standard stream's number from going to the next file: the catalogue, say."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    sys.exit(main())
