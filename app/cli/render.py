"""``bitewing render FILE -o OUT``: the picture as the viewer shows it, or the stored values.

Needs no library; the file is read in the decoding child.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click

from app.cli import output, picture_file
from app.cli.places import PathType, refuse_writing, require_file
from app.cli.session import Session, common
from app.core.errors import BitewingError
from app.imaging.child.client import Decoder
from app.imaging.render_args import RenderArgs
from app.words import t

LONGEST_SIDE = 20_000


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """A width and a height written 800x600."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return (width, height)."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([1-9]\d{0,4})[xX×]([1-9]\d{0,4})", str(value))
        if found is None:
            self.fail(t("{text} is no size: write 800x600.", text=value), param, ctx)
        size = int(found[1]), int(found[2])
        if max(size) > LONGEST_SIDE:
            self.fail(t("A picture has at most {limit} pixels a side.", limit=f"{LONGEST_SIDE:,}"), param, ctx)
        return size


@click.command("render", help=t("Write a picture of a file as the viewer shows it."))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=PathType(dir_okay=False), help=t("The file to write."))
@click.option("--frame", type=click.IntRange(1), default=1, show_default=True, help=t("Which frame, counted from 1."))
@click.option("--window", nargs=2, type=float, metavar="CENTER WIDTH", help=t("Instead of the file's own."))
@click.option("--size", type=SizeType(), metavar="WxH", help=t("Fit into this many pixels."))
@click.option("--raw", is_flag=True, help=t("Write stored values of all frames as a NumPy file."))
@common
@click.pass_obj
def command(
    session: Session,
    file: Path,
    out: Path,
    frame: int,
    window: tuple[float, float] | None,
    size: tuple[int, int] | None,
    raw: bool,
) -> int:
    """Render."""
    if window is not None and not (all(map(math.isfinite, window)) and window[1] >= 1):
        raise click.BadParameter(t("A window is two numbers; its width is 1 or more."), param_hint="--window")
    suffix = ".npy" if raw else ".png"
    if out.suffix.lower() not in ("", suffix):
        raise click.BadParameter(t("The name must end in {suffix}.", suffix=suffix), param_hint="--out")
    try:
        require_file(file)
        refuse_writing(out, file)
        shape = _write(file, out, None if raw else RenderArgs(frame - 1, window, size))
    except BitewingError as error:
        output.fail(str(error.facts.get("path") or file), error.code, error.facts)
        if session.json:
            output.emit({"error": output.refusal(error.code, error.facts)})
        return 1
    if session.json:
        output.emit({"path": out, "shape": shape})
    return 0


def _write(file: Path, out: Path, args: RenderArgs | None) -> tuple[int, ...]:
    with Decoder() as decoder:
        if args is None:
            values = decoder.stored(file)
            picture_file.write_npy(out, values)
            return values.shape
        picture = decoder.render(file, args)
        picture_file.write_png(out, picture)
        return picture.shape
