"""Finds and installs the system packages that Qt and the tests need on Debian and Ubuntu.

Elsewhere it does nothing: Windows and macOS bring what Qt needs. Without root it changes nothing and
gives the one line that somebody with the right may run.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

from preparing import PreparationFailed, say

# What the wheels of Qt expect from the system, and fonts with Latin and Arabic letters.
PROGRAM = (
    "fonts-dejavu-core",
    "fonts-noto-core",
    "libdbus-1-3",
    "libegl1",
    "libfontconfig1",
    "libgl1",
    "libglib2.0-0",
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xinerama0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
    "libxkbcommon0",
)
# A display for the window's tests, a second opinion on DICOM files, a way to kill at every call, servers to send to.
TESTS = (
    "dcmtk",
    "dicom3tools",
    "e2fsprogs",
    "libgdcm-tools",
    "mount",
    "openssh-client",
    "openssh-server",
    "openssh-sftp-server",
    "orthanc",
    "orthanc-dicomweb",
    "strace",
    "vsftpd",
    "xauth",
    "xvfb",
)


def ensure(*, with_tests: bool) -> None:
    """See to it that the system packages are there.

    Raises
    ------
    PreparationFailed
        When packages are missing and could not be installed.
    """
    if not (sys.platform.startswith("linux") and shutil.which("dpkg-query")):
        return
    gone = missing(wanted(with_tests=with_tests), installed())
    if not gone:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *gone]
    if os.geteuid() != 0:
        raise PreparationFailed(
            "System packages are missing. Run this once, then start again:\n  sudo " + " ".join(command)
        )
    say(f"Installing system packages: {' '.join(gone)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "--quiet"], command):
        done = subprocess.run(step, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PreparationFailed(f"{' '.join(step[:2])} failed:\n{done.stderr.strip()}")


def wanted(*, with_tests: bool) -> list[str]:
    """Return the packages this system should have."""
    names = [*PROGRAM, *(TESTS if with_tests else ())]
    if importlib.util.find_spec("ensurepip") is None:
        names.append("python3-venv")
    return names


def missing(names: list[str], there: set[str]) -> list[str]:
    """Return those of ``names`` that are not there, in order."""
    return [name for name in names if name not in there]


def installed() -> set[str]:
    """Return installed packages and the names they stand in for (libglib2.0-0t64 is a libglib2.0-0)."""
    form = "${db:Status-Abbrev}\t${Package}\t${Provides}\n"
    listing = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=False).stdout
    return parse(listing)


def parse(listing: str) -> set[str]:
    """Read dpkg-query's listing: state, name, what else the package provides."""
    names: set[str] = set()
    for line in listing.splitlines():
        state, _, rest = line.partition("\t")
        if not state.startswith("ii"):
            continue
        name, _, provides = rest.partition("\t")
        names.add(name)
        names.update(part.split("(")[0].split(":")[0].strip() for part in provides.split(",") if part.strip())
    return names
