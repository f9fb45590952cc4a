"""``bitewing gui``: the window. The only module of the command line that reaches Qt, loaded when asked for."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import click

from app.bootstrap.window import WindowArgs, run_window
from app.cli import choices
from app.cli.render import SizeType
from app.cli.session import Session, common
from app.core.errors import EnvironmentFault
from app.words import t


@click.command("gui", help=t("Open the window."))
@click.argument("files", metavar="[FILE]…", nargs=-1, type=click.Path(path_type=Path))
@click.option("--patient", metavar="ID", default="", help=t("Open at this patient: our id or a chart number."))
@choices.person_options
@click.option("--tooth", type=choices.ToothType(), metavar="T", default=None, help=t("Open at this tooth."))
@click.option("--image", metavar="ID", default="", help=t("Open this image."))
@click.option("--study", metavar="UID", default="", help=t("Open this study of the library or the archive."))
@click.option("--screenshot", type=click.Path(path_type=Path, dir_okay=False), help=t("Write a picture and end."))
@click.option("--size", type=SizeType(), metavar="WxH", help=t("The window's size."))
@common
@click.pass_obj
def command(
    session: Session,
    files: tuple[Path, ...],
    patient: str,
    family_name: str | None,
    given_name: str | None,
    birth_date: date | None,
    sex: str | None,
    tooth: str | None,
    image: str,
    study: str,
    screenshot: Path | None,
    size: tuple[int, int] | None,
) -> int:
    """Open the window and wait until it is closed."""
    _require_display(may_hide=screenshot is not None)
    return run_window(
        WindowArgs(
            library=session.root(),
            patient=patient,
            last=family_name or "",
            first=given_name or "",
            dob=birth_date.isoformat() if birth_date else "",
            sex=(sex or "").upper(),
            tooth=tooth or "",
            image=image,
            study=study,
            files=files,
            screenshot=screenshot,
            size=size,
        )
    )


def _require_display(*, may_hide: bool) -> None:
    """Say in words that there is no display: Qt itself would abort the process."""
    if not sys.platform.startswith("linux"):
        return
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return
    if not may_hide:
        raise EnvironmentFault("program.no_display")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
