"""The pages of the settings dialog as data: which settings, their titles and explanations, who may change them."""

from __future__ import annotations

from dataclasses import dataclass

from app.words import t


@dataclass(frozen=True)
class Field:
    """One setting on a page. ``choices`` are (value, words); ``None`` in ``scale`` means as stored."""

    key: str
    title: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    scale: int = 1
    unit: str = ""


@dataclass(frozen=True)
class Page:
    """One page."""

    title: str
    icon: str
    fields: tuple[Field, ...]


def pages() -> tuple[Page, ...]:
    """Return every page in the window's language."""
    return (
        Page(
            t("General"),
            "clinic",
            (
                Field("clinic.name", t("Name of the clinic"), t("Shown on prints and exports.")),
                Field(
                    "display.tooth_numbers",
                    t("Tooth numbers"),
                    t("How teeth are shown everywhere; what is stored does not change."),
                    (
                        ("fdi", t("FDI (11 to 48)")),
                        ("universal", t("Universal (1 to 32)")),
                        ("palmer", t("Palmer (UR1 to LR8)")),
                    ),
                ),
            ),
        ),
        Page(
            t("Library"),
            "library",
            (
                Field(
                    "storage.reserve_bytes",
                    t("Free space to keep"),
                    t("Imports stop before the disk has less than this left."),
                    scale=1_000_000,
                    unit=t("MB"),
                ),
            ),
        ),
        Page(
            t("Appearance"),
            "theme",
            (
                Field(
                    "display.theme",
                    t("Theme"),
                    t("Images stand on a dark ground in both."),
                    (("dark", t("Dark")), ("light", t("Light")), ("system", t("As the system"))),
                ),
                Field("display.touch_targets", t("Larger targets for touch screens"), t("At least 32 pixels high.")),
                Field(
                    "viewer.wheel",
                    t("The mouse wheel"),
                    t("Ctrl and the wheel do the other."),
                    (("images", t("goes through images and frames")), ("zoom", t("zooms"))),
                ),
            ),
        ),
        Page(
            t("Language"),
            "language",
            (
                Field(
                    "display.language",
                    t("Language"),
                    t("The window changes at once."),
                    (("", t("As the system")), ("en", "English"), ("ar", "العربية")),
                ),
            ),
        ),
    )
