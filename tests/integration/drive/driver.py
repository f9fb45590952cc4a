"""What is killed: a backup to the stand-in at the address of the second argument, of the library of the first."""

from __future__ import annotations

import sys
from pathlib import Path

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.services.drive.service import DriveService
from app.transfer.drive.endpoints import Endpoints


def main(root: Path, base: str) -> int:
    """Back up and say the id."""
    with open_library(root, create=False) as library:
        drive = DriveService(
            library.door,
            library.paths,
            library.settings,
            library.jobs,
            library.events,
            library.backups,
            Endpoints.at(base),
            lambda _tries: 0.0,
        )
        report = drive.backup(library.owner(), JobContext.silent())
    print(report.record.id, report.resumed)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
