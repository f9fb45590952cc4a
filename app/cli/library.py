"""The library of a command: opened, its language spoken, closed again whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from app.bootstrap.library import Library, open_library
from app.cli.session import Session
from app.core.errors import UserError
from app.core.paths import LibraryPaths
from app.words import set_language


@contextlib.contextmanager
def opened(session: Session, *, make: bool = False) -> Iterator[Library]:
    """Open the library; ``make`` it where there is none.

    Raises
    ------
    UserError
        ``library.missing``.
    """
    root = session.root()
    if not make and not LibraryPaths(root).exists():
        raise UserError("library.missing", path=str(root))
    library = open_library(root, create=make)
    try:
        spoken = library.settings.workstation().language
        if spoken:
            set_language(spoken)
        yield library
    finally:
        library.close()
