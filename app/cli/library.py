"""The library of a command: opened, its language spoken, closed again whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from app.bootstrap.library import Library, open_library
from app.cli.session import Session
from app.words import set_language


@contextlib.contextmanager
def opened(session: Session, *, make: bool = False) -> Iterator[Library]:
    """Open the library; ``make`` it where there is none.

    Raises
    ------
    UserError
        ``library.none``, and whatever else keeps a library from opening.
    """
    with open_library(session.root(), create=make) as library:
        spoken = library.settings.workstation().language
        if spoken:
            set_language(spoken)
        yield library
