"""A mirror's whole round, catalogue and all, over FTP and SFTP, against lftp and rclone sending the library's folder.

Run: ``python -m tests.bench.bench_mirror [--images N] [--rounds N]``. Goals: those of the transfers alone (see
``bench_stores``), which a round that hashes every file and keeps a ledger can hardly reach on two cores; with nothing
to do less than either. Needs vsftpd and sshd; lftp and rclone where they are installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.bench.bench_stores import in_memory, lftp, ratio, rclone_sftp, told
from tests.store_servers import FTP_PASSWORD, FTP_USER, sshd, vsftpd

OWNER, QUIET = owner("bench"), JobContext.silent()
IMAGES, PATIENTS, ROUNDS = 2000, 40, 5


def fill(library: Library, folder: Path, count: int) -> None:
    """Import photographs of 200 KB, noise that cannot be packed, of forty patients."""
    chance = np.random.default_rng(1)
    for number in range(PATIENTS):
        patient = library.patients.add(OWNER, PatientDraft(f"Family{number}", "Given", f"P{number}"))
        place = folder / str(number)
        place.mkdir(parents=True)
        for image in range(number, count, PATIENTS):
            _well, coded = cv2.imencode(".png", chance.integers(0, 256, (260, 260, 3)).astype(np.uint8))
            (place / f"{image}.png").write_bytes(coded.tobytes())
        library.imports.run(OWNER, ImportArgs((place,), filing=Filing(patient_id=patient.id)), QUIET)
        shutil.rmtree(place)


def measure(
    library: Library, name: str, rounds: int, root: Path, goal: str, other: Callable[[str], float] | None
) -> None:
    """Send everything in turns with the other program, and then nothing, and print the medians."""
    taken: dict[str, list[float]] = {"ours": [], "ours, nothing to do": [], "theirs": [], "theirs, nothing to do": []}
    for number in range(rounds):
        with library.store.write():
            library.store.database.execute("DELETE FROM copies")
            library.store.database.execute("UPDATE outbox SET state = 'waiting'")
        for way in ("ours", "ours, nothing to do"):
            started = time.perf_counter()
            sent = library.mirrors.sync(OWNER, QUIET, name).drained.sent
            taken[way].append(time.perf_counter() - started)
            assert (sent == 0) == ("nothing" in way), sent
        for found in root.iterdir():
            shutil.rmtree(found)
        if other is not None:
            target = root / f"theirs-{number}"
            target.mkdir()
            taken["theirs"].append(other(str(target)))
            taken["theirs, nothing to do"].append(other(str(target)))
            shutil.rmtree(target)
    medians = told(name, taken)
    for way in ("", ", nothing to do"):
        if f"theirs{way}" in medians:
            ratio(
                f"ours / theirs{way}",
                medians[f"ours{way}"] / medians[f"theirs{way}"],
                goal if not way else "below 1.00",
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    with in_memory() as folder:
        os.environ.setdefault("BITEWING_SECRETS_FILE", str(folder / "secrets.json"))
        with open_library(folder / "library", create=True) as library:
            fill(library, folder / "in", chosen.images)
            ftp(library, folder, chosen.rounds)
            sftp(library, folder, chosen.rounds)


def ftp(library: Library, folder: Path, rounds: int) -> None:
    with vsftpd(folder / "ftp") as server:
        way = {"kind": "ftp", "host": "127.0.0.1", "port": server.port, "username": FTP_USER, "allow_plain": True}
        library.settings.set_destination(
            OWNER, "mirror", "ftp", {**way, "path": "ours", "enabled": True}, {"password": FTP_PASSWORD}
        )
        images = library.paths.images
        other = (lambda target: lftp(server, images, target)) if shutil.which("lftp") else None
        measure(library, "ftp", rounds, server.root, "at most 1.00", other)
        library.settings.set_destination(OWNER, "mirror", "ftp", {"enabled": False}, {})


def sftp(library: Library, folder: Path, rounds: int) -> None:
    with sshd(folder / "sftp") as server:
        way = {"kind": "sftp", "host": "127.0.0.1", "port": server.port, "username": server.username}
        more = {"path": str(server.root / "ours"), "key_file": str(server.key), "trust": server.fingerprint}
        library.settings.set_destination(OWNER, "mirror", "sftp", {**way, **more, "enabled": True}, {})
        images = library.paths.images
        other = (lambda target: rclone_sftp(server, images, target)) if shutil.which("rclone") else None
        measure(library, "sftp", rounds, server.root, "at most 1.30", other)


if __name__ == "__main__":
    main()
