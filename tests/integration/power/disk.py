"""A disk in a file, and what a power cut at this moment would leave of it (RELIABILITY, ways to inject).

The backing file of a loop device holds what has reached the disk and nothing of what the kernel still
keeps in memory. A copy of it, taken while nobody writes, is the disk after the cut; mounting the copy
replays its journal as the next start would. Not covered: drives that lie about having written.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = 192 * 1024 * 1024
# The longest that ext4 takes: nothing gets to the disk on its own during a test.
_OPTIONS = "loop,commit=300,noatime"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Make an empty ext4 file system in ``folder/disk.img`` and give the place where it is mounted."""
    image = folder / "disk.img"
    with image.open("wb") as stream:
        stream.truncate(SIZE)
    _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    with _mounted(image, folder / "disk") as place:
        yield place


def settle(place: Path) -> None:
    """Bring everything there is to the disk."""
    _run("sync", "-f", str(place))


@contextmanager
def after_power_cut(folder: Path) -> Iterator[Path]:
    """Give the disk of ``folder`` as it would be found after a power cut now. Whoever writes must be stopped."""
    copy = folder / "cut.img"
    _run("cp", "--sparse=always", str(folder / "disk.img"), str(copy))
    try:
        with _mounted(copy, folder / "cut") as place:
            yield place
    finally:
        copy.unlink()


@contextmanager
def _mounted(image: Path, place: Path) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    _run("mount", "-o", _OPTIONS, str(image), str(place))
    try:
        yield place
    finally:
        _run("umount", str(place))
