"""Private folders for files that are needed for a moment: inside the library, cleared after a crash (SEC-14)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.files import translate_os_error
from app.storage.catalogue import Catalogue


@contextmanager
def private_folder(store: Catalogue) -> Iterator[Path]:
    """Give a new empty folder, removed at the end; what a crash leaves is cleared at the next start.

    Raises
    ------
    EnvironmentFault
        ``disk.full`` and its kin.
    """
    try:
        folder = store.files.work_folder()
    except OSError as error:
        raise translate_os_error(error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
