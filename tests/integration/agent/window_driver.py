"""A window's process without its window: has the library open as one, does its background work, ends on SIGTERM."""

from __future__ import annotations

import sys
from pathlib import Path

import app.bootstrap.agent as agent
from app.bootstrap.background import WINDOW
from app.bootstrap.library import open_library

if __name__ == "__main__":
    # What the agent's loop does is what a window's does behind its widgets; only who comes first differs.
    agent.AGENT = WINDOW
    with open_library(Path(sys.argv[1]), create=False, kind=WINDOW) as library:
        sys.exit(agent.run_agent(library))
