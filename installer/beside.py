"""Unpacks Debian packages for the tests that cannot be installed beside others (ProFTPD conflicts with vsftpd).

They go, with those of their libraries that the system has not, into a folder of the user's cache, which needs no
rights and changes nothing of the system. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from preparing import PreparationFailed, say

PACKAGES = ("proftpd-core", "proftpd-mod-crypto")
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bitewing-tests" / "packages"
PROFTPD = FOLDER / "usr" / "sbin" / "proftpd"


def ensure(there: set[str]) -> None:
    """Unpack what is not there yet; ``there``: the installed packages.

    Raises
    ------
    PreparationFailed
        When a package cannot be fetched or unpacked.
    """
    if PROFTPD.is_file() or shutil.which("proftpd") or not shutil.which("apt-get"):
        return
    say(f"Unpacking for the tests: {' '.join(PACKAGES)}")
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as name:
        fetched, unpacked = Path(name) / "fetched", Path(name) / "unpacked"
        fetched.mkdir()
        _run(["apt-get", "download", "--quiet", *PACKAGES, *libraries(there)], fetched)
        for package in sorted(fetched.glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(unpacked)], fetched)
        # Whole or not at all, should somebody interrupt it.
        shutil.rmtree(FOLDER, ignore_errors=True)
        unpacked.rename(FOLDER)


def libraries(there: set[str]) -> list[str]:
    """Return the libraries that the packages need and the system has not."""
    command = ["apt-cache", "depends", "--recurse", "--important", *PACKAGES]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return parse(listing, there)


def parse(listing: str, there: set[str]) -> list[str]:
    """Read what apt-cache tells of dependencies: the libraries among them that are not there."""
    names = {line.split()[-1] for line in listing.splitlines() if line.strip().startswith("Depends: ")}
    return sorted(name for name in names if name.startswith("lib") and name not in there)


def library_path() -> str:
    """Return where the unpacked libraries lie, for LD_LIBRARY_PATH."""
    return os.pathsep.join(str(folder) for folder in sorted((FOLDER / "usr" / "lib").glob("*-linux-gnu*")))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PreparationFailed(f"{' '.join(command[:2])} failed:\n{done.stderr.strip()}")


if __name__ == "__main__":
    import system_packages

    try:
        ensure(system_packages.installed())
    except PreparationFailed as error:
        sys.exit(str(error))
