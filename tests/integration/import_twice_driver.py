"""One of several processes that import the same folder: waits for the others, imports, prints its counts.

Run as ``python -m tests.integration.import_twice_driver LIBRARY FOLDER BARRIER PROCESSES named|nameless``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.domain.facts import FileFacts
from app.domain.identity import FileIdentity
from app.domain.image import FileKind
from app.imaging.examined import Examined
from app.sync.report import ImportArgs, ImportItem

PATIENCE_S = 60.0


class PlainExaminer:
    """Takes every file for a photograph of one patient, with or without a chart number, or of nobody."""

    def __init__(self, identity: FileIdentity) -> None:
        self._identity = identity

    def examine(self, path: Path) -> Examined:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        facts = FileFacts(
            FileKind.PHOTO, "image/png", 10, 10, identity=self._identity, pixel_sha256=digest, picture_hash=digest
        )
        return Examined(facts, None)


IDENTITIES = {
    "numbered": FileIdentity(patient_id="17", family_name="Doe", given_name="Jane"),
    "nameless": FileIdentity(),
}


def main(root: str, folder: str, barrier: str, processes: int, identity: str) -> None:
    with open_library(Path(root), create=False, examiner=PlainExaminer(IDENTITIES[identity])) as library:
        (Path(barrier) / str(os.getpid())).touch()
        until = time.monotonic() + PATIENCE_S
        while len(list(Path(barrier).iterdir())) < processes and time.monotonic() < until:
            time.sleep(0.002)
        items: list[ImportItem] = []
        library.imports.run(library.owner(), ImportArgs((Path(folder),)), JobContext.silent(), items.append)
    print(json.dumps([[item.path, item.status.value, item.code, item.image_id] for item in items]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
