"""Typed paths: what may be read, what may be written, and the libraries that stay untouched.

Raises errors with words of its own; decides nothing about what is in a file.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from app.core.errors import EnvironmentFault, UserError
from app.core.paths import LibraryPaths
from app.words import t


class PlaceRefused(click.ClickException):
    """A place that may not be used: exit code 1, with a code for scripts."""

    def __init__(self, path: Path, code: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.code = code


class PathType(click.Path):
    """A path; what looks like an option is a value that was forgotten."""

    def __init__(self, **kinds: bool) -> None:
        super().__init__(path_type=Path, **kinds)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if str(value).startswith("-"):
            self.fail(t("{text} is no path here; write ./{text} if it is one.", text=value), param, ctx)
        return super().convert(value, param, ctx)


def require_file(path: Path) -> None:
    """Refuse what would be waited for or never ends: pipes, devices, folders.

    Raises
    ------
    EnvironmentFault
        ``file.missing``, ``file.permission``.
    UserError
        ``file.not_a_file``.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        raise EnvironmentFault("file.permission") from error
    except OSError as error:
        raise EnvironmentFault("file.missing") from error
    if not stat.S_ISREG(mode):
        raise UserError("file.not_a_file")


def refuse_writing(out: Path, *sources: Path) -> None:
    """Refuse to write over a source (through links too) or into any library. Raises PlaceRefused."""
    for source in sources:
        if out.exists() and source.exists() and out.samefile(source):
            raise PlaceRefused(out, "place.same_file", t("This is the file that is read; choose another."))
    real = out.resolve()
    # Beside the real place the typed one: a link in a library would be replaced, not followed.
    for folder in (real, *real.parents, out.parent.resolve(), *out.parent.resolve().parents):
        if LibraryPaths(folder).exists():
            raise PlaceRefused(out, "place.in_library", t("This is inside a library; choose another place."))


def refuse_own(root: Path, paths: Iterable[Path]) -> None:
    """Refuse to import a library into itself: from its folder, or one around it. Raises PlaceRefused."""
    own = root.resolve()
    if not LibraryPaths(own).exists():
        return
    for path in paths:
        real = path.resolve()
        if real == own or own in real.parents or real in own.parents:
            raise PlaceRefused(path, "place.in_library", t("The library itself is there; choose another place."))
