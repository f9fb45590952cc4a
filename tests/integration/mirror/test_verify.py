"""A mirror compared with the library: flipped bits, what is missing, what is extra; and what is queued again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.storage.outbox import LEFT_OUT
from tests.integration.mirror.conftest import Away
from tests.integration.mirror.test_pull_back import bitewing, mirrored

OWNER, QUIET = owner("test"), JobContext.silent()


def figures(library: Library, *, deep: bool = False) -> tuple[int, int, int, int, int]:
    report = library.verification.run(OWNER, QUIET, "away", deep=deep)
    return report.missing, report.different, report.extra, report.verified, report.queued_again


def test_what_is_wrong_there_is_found_and_mended(library: Library, away: Away, tmp_path: Path) -> None:
    mirrored(library, away, tmp_path / "in", 9)
    assert figures(library, deep=True) == (0, 0, 0, 10, 0)
    good = {name: data for name, data in away.files().items() if name.startswith("dental_images/")}
    flipped, short, missing, *_rest = sorted(good)
    away.put(flipped, good[flipped][:-1] + bytes([good[flipped][-1] ^ 1]))
    away.put(short, good[short][:-5])
    away.remove(missing)
    away.put("dental_images/strange/name.dcm", b"somebody's")
    found = library.verification.run(OWNER, QUIET, "away", deep=True)
    assert (found.missing, found.different, found.extra, found.verified) == (1, 2, 1, 7)
    assert {item.name: item.status for item in found.items} == {
        flipped: "different",
        short: "different",
        missing: "missing",
        "dental_images/strange/name.dcm": "extra",
    }
    assert found.queued_again == 3
    assert library.mirrors.sync(OWNER, QUIET).drained.sent == 3
    # Nothing is deleted by itself.
    now = {name: data for name, data in away.files().items() if name.startswith("dental_images/")}
    assert now == {**good, "dental_images/strange/name.dcm": b"somebody's"}
    assert figures(library, deep=True) == (0, 0, 1, 10, 0)


def test_names_and_sizes_alone_find_what_is_short_or_gone(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    first, second, _third = [image.path for image in library.images.list(OWNER)]
    folder_away.put(first, b"short")
    folder_away.remove(second)
    assert figures(library) == (1, 1, 0, 1, 2)


def test_a_bad_file_here_is_not_sent_over_what_is_there(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    image = library.images.list(OWNER)[0]
    (library.paths.root / image.path).write_bytes(b"rotten here")
    folder_away.put(image.path, b"and there")
    report = library.verification.run(OWNER, QUIET, "away")
    assert [(item.status, item.code) for item in report.items] == [("different", "file.corrupt")]
    assert report.queued_again == 0


def test_what_waits_is_not_missing(library: Library, folder_away: Away, tmp_path: Path) -> None:
    folder_away.set_up(library)
    (tmp_path / "in").mkdir()
    from_here = tmp_path / "in"
    mirrored(library, folder_away, from_here, 1)
    with library.store.write():
        library.store.database.execute("DELETE FROM copies")
    library.settings.set(OWNER, "mirror.away.interval", "60")
    report = library.verification.run(OWNER, QUIET, "away")
    assert (report.missing, report.waiting, report.extra) == (0, 2, 0)


def test_a_mirror_that_is_away_is_not_missing_everything(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    assert folder_away.folder is not None
    folder_away.folder.rename(tmp_path / "unplugged")
    with pytest.raises(BitewingError, match=r"store\.unreachable"):
        library.verification.run(OWNER, QUIET, "away")
    assert library.mirrors.sync(OWNER, QUIET).queued == 0


def test_on_the_command_line(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    root = library.paths.root
    done = bitewing(root, "mirror", "--verify", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("missing", "different", "extra", "verified")} == {
        "missing": 0,
        "different": 0,
        "extra": 0,
        "verified": 3,
    }
    folder_away.remove(library.images.list(OWNER)[0].path)
    done = bitewing(root, "mirror", "--verify", "--destination", "away")
    assert done.returncode == 1
    assert "It is missing at the mirror." in done.stderr
    assert bitewing(root, "mirror", "--destination", "away").returncode == 0
    assert bitewing(root, "mirror", "--verify", "--deep").returncode == 0
    runs = [job for job in library.activity.jobs(OWNER) if job.kind == "mirror-verify"]
    assert [run.counts["missing"] for run in runs] == [0, 1, 0]


@pytest.mark.parametrize("deep", [False, True])
def test_a_catalogue_that_is_gone_or_bad_is_found_and_made_anew(
    library: Library, folder_away: Away, tmp_path: Path, deep: bool
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    [name] = [one for one in folder_away.files() if one.startswith("bitewing-catalogue/")]
    if deep:
        data = bytearray(folder_away.files()[name])
        data[-1] ^= 1
        folder_away.put(name, bytes(data))
    else:
        folder_away.remove(name)
    found = library.verification.run(OWNER, QUIET, "away", deep=deep)
    assert [(item.status, item.name) for item in found.items] == [("missing", "bitewing-catalogue")]
    library.mirrors.sync(OWNER, QUIET)
    assert library.verification.run(OWNER, QUIET, "away", deep=deep).is_sound


def test_what_a_person_left_out_is_not_missing(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    image = library.images.list(OWNER)[0]
    folder_away.remove(image.path)
    with library.store.write():
        library.store.database.execute("UPDATE copies SET how = ? WHERE image_id = ?", (LEFT_OUT, image.id))
    assert figures(library) == (0, 0, 0, 2, 0)
