"""The strip of text below an exported picture: who, when, which tooth. Never over the picture itself."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, features

from app.core.settings import ClinicSettings
from app.domain.image import Laterality
from app.domain.tooth import GENERAL, Notation, format_tooth
from app.services.export.model import Exportable, ExportArgs, day_of
from app.words import t

# Fonts with Latin and Arabic letters, as systems install them; Pillow's own has Latin only.
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "C:/Windows/Fonts/segoeui.ttf",
    "C:/Windows/Fonts/arial.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "/System/Library/Fonts/Supplemental/Arial.ttf",
)
_SHARE_OF_HEIGHT = 0.035
_LEAST_POINTS, _MOST_POINTS = 12, 64


def strip_lines(image: Exportable, args: ExportArgs, clinic: ClinicSettings) -> list[str]:
    """Return the lines of an image's strip; without the patient when the export is de-identified."""
    record, patient = image.record, image.patient
    where = (
        []
        if record.tooth == GENERAL
        else [t("Tooth {tooth}", tooth=format_tooth(record.tooth, Notation(clinic.tooth_numbers)))]
    )
    side = {Laterality.LEFT: t("Left"), Laterality.RIGHT: t("Right"), Laterality.BOTH: t("Both sides")}
    if record.laterality in side:
        where.append(side[record.laterality])
    if args.deidentify:
        return [" · ".join(where)] if where else []
    who = []
    if patient is not None:
        born = patient.birth_date.isoformat() if patient.birth_date else ""
        who = [part for part in (patient.name, patient.chart_number, born) if part]
    return [
        line
        for line in (" · ".join(who), " · ".join([day_of(record).isoformat(), *where, clinic.clinic_name]).strip(" ·"))
        if line
    ]


def strip_below(picture: Image.Image, lines: list[str]) -> Image.Image:
    """Return the picture with white-on-black text below it."""
    if not lines:
        return picture
    points = max(_LEAST_POINTS, min(_MOST_POINTS, round(picture.height * _SHARE_OF_HEIGHT)))
    font = _font(points)
    step = round(points * 1.5)
    taller = Image.new(picture.mode, (picture.width, picture.height + step * len(lines) + points // 2))
    taller.paste(picture, (0, 0))
    draw = ImageDraw.Draw(taller)
    white = 255 if picture.mode == "L" else (255, 255, 255)
    for index, line in enumerate(lines):
        draw.text((points // 2, picture.height + points // 4 + index * step), line, fill=white, font=font)
    return taller


@lru_cache(maxsize=8)
def _font(points: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    for name in _FONTS:
        if Path(name).is_file():
            return ImageFont.truetype(name, points, layout_engine=layout)
    return ImageFont.load_default(points)
