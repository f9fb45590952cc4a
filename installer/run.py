"""The one command that starts Bitewing from a fresh copy: ``python3 installer/run.py``.

Installs what is missing into ``.venv``, then opens the window. ``--demo`` opens a made-up clinic,
``--screenshot FILE`` writes a picture of the window instead (no display needed); everything else is
passed on to ``bitewing gui``. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this very check is for older ones
    sys.exit(f"Bitewing needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import preparing
import system_packages

DEMO_LIBRARY = preparing.ROOT / "build" / "demo-library"


def main(arguments: list[str]) -> int:
    """Prepare and start; return the exit code."""
    options, passed_on = _parser().parse_known_args(arguments)
    environment = dict(os.environ)
    if not has_display(environment):
        if options.screenshot is None:
            print(
                "There is no display here, so the window cannot open.\n"
                "For a picture of it, use:  installer/run.py --demo --screenshot window.png",
                file=sys.stderr,
            )
            return 1
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        system_packages.ensure(with_tests=False)
        python = preparing.prepare(with_tests=False)
    except preparing.PreparationFailed as error:
        print(error, file=sys.stderr)
        return 1
    library = library_of(options)
    if options.demo and not (library and (library / "bitewing.db").is_file()):
        preparing.say("Drawing a demonstration clinic…")
        failed = subprocess.run(_bitewing(python, "demo", library), env=environment, check=False).returncode
        if failed:
            return failed
    command = _bitewing(python, "gui", library)
    if options.screenshot is not None:
        command += ["--screenshot", str(options.screenshot.resolve())]
    else:
        preparing.say("Opening Bitewing…")
    try:
        return subprocess.run([*command, *passed_on], env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


def library_of(options: argparse.Namespace) -> Path | None:
    """Return the library to open: the named one, the demonstration's own, or none for the default.

    Made-up patients never go into the clinic's own library unless it is named.
    """
    if options.library is not None:
        return Path(options.library).expanduser().resolve()
    return DEMO_LIBRARY if options.demo else None


def has_display(environment: dict[str, str]) -> bool:
    """Whether a window could be seen."""
    if not sys.platform.startswith("linux"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _bitewing(python: Path, command: str, library: Path | None) -> list[str]:
    return [str(python), "-P", "-m", "app", command, *(["--library", str(library)] if library else [])]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Install what is missing and open Bitewing.", allow_abbrev=False)
    parser.add_argument("--demo", action="store_true", help="open a made-up clinic")
    parser.add_argument("--library", help="the library folder to open")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="write a picture of the window and end")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
