"""Where the program starts: the command line, or the decoding child of a frozen program."""

from __future__ import annotations

import importlib
import multiprocessing
import sys

# The same text as imaging.child.launch.HIDDEN_ARGUMENT, which would cost every command its import.
DECODING_CHILD = "--bitewing-decoding-child"


def main() -> int:
    """Run what the arguments ask for and return the exit code."""
    multiprocessing.freeze_support()
    if sys.argv[1:2] == [DECODING_CHILD]:
        return int(importlib.import_module("app.imaging.child.server").main(sys.argv[2:]))
    return int(importlib.import_module("app.cli.main").run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
