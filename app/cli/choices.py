"""Options that several commands have: patient, tooth, type, view, demographics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import click

from app.core.errors import UserError
from app.domain.image import IMPORTABLE, FileKind, Filing, ImageType, ImageView
from app.domain.patient import Sex, parse_birth_date
from app.domain.tooth import parse_teeth, parse_tooth
from app.words import t

_KINDS = {"dicom": FileKind.DICOM, "photos": FileKind.PHOTO, "documents": FileKind.DOCUMENT}


class ToothType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """A tooth in Universal numbers; ``fdi:11`` and ``palmer:UR1`` are understood."""

    name = "tooth"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the Universal number."""
        try:
            return parse_tooth(str(value))
        except UserError:
            self.fail(t("{text} is no tooth: use 1–32, A–T, general, fdi:11 or palmer:UR1.", text=value), param, ctx)


class TeethType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """Teeth with commas between them."""

    name = "teeth"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the Universal numbers in chart order."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_teeth(str(value))
        except UserError as error:
            text = error.facts.get("text", value)
            self.fail(t("{text} is no tooth: use 1–32, A–T, general, fdi:11 or palmer:UR1.", text=text), param, ctx)


class BirthDateType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """A day written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date | str:
        """Return the day; an empty text stays one: no day."""
        if isinstance(value, date):
            return value
        if not str(value):
            return ""
        day = parse_birth_date(str(value))
        if day is None:
            self.fail(t("{text} is no date: write YYYY-MM-DD.", text=value), param, ctx)
        return day


def kind_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--only``: the kinds of file to take, told by their content."""
    names = click.Choice(list(_KINDS))
    text = t("Take only files of this kind, whatever they are called; may be given more than once.")
    return click.option("--only", "kinds", type=names, multiple=True, help=text)(command)


def kinds_of(chosen: tuple[str, ...]) -> frozenset[FileKind]:
    """Return what ``--only`` asked for; everything when it was not given."""
    return frozenset(_KINDS[name] for name in chosen) or IMPORTABLE


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--patient --tooth --teeth --type --view``."""
    for option in (
        click.option("--view", type=click.Choice([view.value for view in ImageView]), help=t("What it shows.")),
        click.option("--type", "image_type", type=click.Choice([kind.value for kind in ImageType]), help=t("Type.")),
        click.option("--teeth", type=TeethType(), metavar="T,T", help=t("The teeth it shows.")),
        click.option("--tooth", type=ToothType(), metavar="T", help=t("The tooth it is filed under.")),
        click.option("--patient", metavar="ID", help=t("Our id or an exact chart number.")),
    ):
        command = option(command)
    return command


def filing(patient_id: str | None, place: Mapping[str, Any]) -> Filing:
    """Return what the place options chose; ``None`` where nothing was."""
    image_type, view = place["image_type"], place["view"]
    return Filing(
        patient_id,
        place["tooth"],
        place["teeth"],
        ImageType(image_type) if image_type else None,
        ImageView(view) if view else None,
    )


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--last --first --dob --sex``."""
    sexes = [sex.value for sex in Sex]
    for option in (
        click.option("--sex", type=click.Choice(sexes, case_sensitive=False), metavar="M|F|O", help=t("Sex.")),
        click.option("--dob", "birth_date", type=BirthDateType(), metavar="YYYY-MM-DD", help=t("Birth date.")),
        click.option("--first", "given_name", metavar="NAME", help=t("Given name.")),
        click.option("--last", "family_name", metavar="NAME", help=t("Family name.")),
    ):
        command = option(command)
    return command
