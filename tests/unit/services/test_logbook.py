"""The log: jobs and events in one order, paged without doubles, exported, and nothing of patients in it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import UserError
from app.services.logbook import LogFilter, LogTopic
from app.storage.events import Level
from app.storage.jobs import JobState
from app.words import log as log_words

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def run(library: Library, kind: str, state: JobState = JobState.SUCCEEDED, **counts: int) -> str:
    record = library.store.jobs.start(kind, "user", "owner", {"paths": ["/media/Doe_Jane"]})
    library.store.jobs.finish(record.id, state, counts, "disk.full" if state is JobState.FAILED else None)
    return record.id


def test_one_order_newest_first_without_what_the_job_says_itself(library: Library) -> None:
    owner = library.owner()
    job = run(library, "backup", images=3)
    time.sleep(0.003)
    library.events.say(owner, Level.INFO, "backup", "backup.made", job_id=job, images=3)
    library.events.say(owner, Level.ERROR, "proof", "proof.damaged", image="i")
    time.sleep(0.003)
    failed = run(library, "import", JobState.FAILED, imported=2)
    found = library.logbook.page(owner)
    assert [(entry.kind or entry.code) for entry in found] == ["import", "proof.damaged", "backup"]
    assert (found[0].job_id, found[0].level, found[0].code) == (failed, Level.ERROR, "disk.full")
    title, text = log_words.describe(found[0])
    assert title == "Import: failed"
    assert text.startswith("2 imported.")


def test_pages_meet_without_doubles_even_within_one_millisecond(library: Library) -> None:
    with library.store.write():
        for number in range(120):
            library.store.events.append(Level.INFO, "monitor", "monitor.back", {"folder": f"/{number}"})
    for _number in range(30):
        run(library, "import", imported=1)
    seen, last = [], None
    while page := library.logbook.page(library.owner(), limit=17, after=last):
        seen += [entry.key for entry in page]
        last = page[-1]
    assert len(seen) == len(set(seen)) == 150
    assert seen == sorted(seen, reverse=True)


def test_filters(library: Library) -> None:
    owner = library.owner()
    run(library, "import", imported=1)
    run(library, "check", corrupt=0)
    run(library, "demo", JobState.INTERRUPTED)
    library.events.say(owner, Level.WARNING, "monitor", "monitor.away", folder="/drop")

    def count(**wanted: object) -> int:
        return len(library.logbook.page(owner, LogFilter(**wanted)))  # type: ignore[arg-type]

    assert count() == 4
    assert count(topic=LogTopic.IMPORT) == 2
    assert count(topic=LogTopic.FOLDERS) == count(topic=LogTopic.CHECK) == 1
    assert count(topic=LogTopic.MIGRATION) == 0
    assert count(levels=(Level.WARNING,)) == 2
    assert count(since=utc_now() + timedelta(hours=1)) == 0


def test_export_as_table_and_json_without_names(library: Library, tmp_path: Path) -> None:
    run(library, "import", imported=1)
    for name in ("log.csv", "log.json"):
        assert library.logbook.export(library.owner(), tmp_path / name, log_words.describe, QUIET) == 1
        assert "Doe" not in (tmp_path / name).read_text("utf-8-sig")
    assert json.loads((tmp_path / "log.json").read_text())[0]["what"] == "import"
    with pytest.raises(UserError, match=r"export\.unknown_format"):
        library.logbook.export(library.owner(), tmp_path / "log.doc", log_words.describe, QUIET)
    assert not (tmp_path / "log.doc").exists()


def test_what_a_crash_left_is_in_the_log(tmp_path: Path) -> None:
    with open_library(tmp_path / "library", create=True) as library:
        library.store.events.append(Level.WARNING, "recovery", "library.recovered", {"images": 2, "cleared": 1})
        (entry,) = library.logbook.page(library.owner(), LogFilter(LogTopic.RECOVERY))
    assert "2 images" in log_words.describe(entry)[1]
