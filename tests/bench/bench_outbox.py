"""The queues at 1,000,000 images: switching a destination on, looking at its queue, taking what is due.

Run ``python -m tests.bench.bench_outbox [--images N]``. Baseline in the same run: counting the images of the catalogue,
the least that any figure about all of them takes. Goals: a person waits for nothing longer than 100 ms; a queue of
50,000 opens within a second (RELIABILITY A10).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from app.core.clock import utc_now
from app.core.paths import LibraryPaths
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.outbox import EntryState
from tests.bench.bench_library import IMAGES_EACH, Ledger, fill_images, fill_patients, median_ms

GOAL_MS = 100.0
BATCH = 256


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    count = parser.parse_args().images
    ledger = Ledger()
    with tempfile.TemporaryDirectory(prefix="bitewing-bench-") as name:
        catalogue = open_catalogue(LibraryPaths(Path(name) / "library"), make=True)
        fill_patients(catalogue, count // IMAGES_EACH)
        fill_images(catalogue, count // IMAGES_EACH)
        _measure(catalogue, ledger)
        catalogue.close()
    return 1 if ledger.missed else 0


def _measure(catalogue: Catalogue, ledger: Ledger) -> None:
    outbox, database = catalogue.outbox, catalogue.database
    base = median_ms(lambda: database.value("SELECT COUNT(*) FROM images WHERE placement = 'filed'"), 5)

    def line(what: str, ours_ms: float, goal_ms: float = GOAL_MS) -> None:
        ledger.line(what, ours_ms, "counting the images", base, f"<= {goal_ms:.0f} ms", ours_ms <= goal_ms)

    def enable() -> None:
        catalogue.destinations.set("orthanc", "orthanc", enabled=True)

    line("switching a destination on", median_ms(enable, 1))
    while catalogue.destinations.fill("orthanc"):
        pass
    line("any later change of its settings", median_ms(enable, 3))
    while catalogue.destinations.fill("orthanc"):
        pass
    waiting = outbox.waiting("orthanc")
    print(f"{waiting:,} wait")
    line("the figures of every queue", median_ms(catalogue.destinations.queues, 5), 250.0)
    line("the first 200 of a queue", median_ms(lambda: outbox.entries("orthanc", (EntryState.WAITING,)), 5))
    line("the first 200 that lack somewhere", median_ms(outbox.lacking, 5))
    line("how many lack somewhere", median_ms(outbox.count_lacking, 3), 1_000.0)

    def take() -> None:
        taken = outbox.take("orthanc", utc_now(), BATCH)
        assert len(taken) == BATCH
        outbox.recover("orthanc")

    line("taking 256 that are due", median_ms(take, 5))
    with database.write():
        database.execute(
            "UPDATE outbox SET state = 'parked', code = 'pacs.refused' WHERE number IN"
            " (SELECT number FROM outbox ORDER BY number LIMIT 50000)"
        )
    line("taking 256 behind 50,000 that are parked", median_ms(take, 5))
    line("letting them all try again", median_ms(lambda: outbox.release("orthanc"), 1), 5_000.0)


if __name__ == "__main__":
    sys.exit(main())
