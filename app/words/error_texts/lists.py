"""Words for errors about patient lists."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "csv.damaged": ErrorTemplates(t("Damaged list"), t("The list cannot be read from line {line} on.")),
        "csv.encoding": ErrorTemplates(
            t("Unknown characters"), t("The list's characters cannot be read."), t("Save it as UTF-8 and try again.")
        ),
        "csv.no_columns": ErrorTemplates(
            t("No columns found"),
            t("The list's first line names no column for a name or a number."),
            t("Name the columns family name, given name, number, birth date, sex, phone."),
        ),
        "csv.too_large": ErrorTemplates(t("List too large"), t("The list is larger than allowed ({limit}).")),
        "csv.repeated": ErrorTemplates(
            t("Twice in the list"), t("The chart number {chart_number} stands in the list more than once.")
        ),
        "csv.contradicts": ErrorTemplates(
            t("Identities disagree"),
            t("The list and the patient with the chart number {chart_number} disagree; nothing was changed."),
        ),
        "csv.birth_date": ErrorTemplates(t("Unknown date"), t("The birth date in this line cannot be read.")),
        "csv.ambiguous_date": ErrorTemplates(
            t("Date with two readings"),
            t("Day and month of the birth date {text} cannot be told apart; the patient has no birth date now."),
            t("Enter the birth date, or write the list's dates as year-month-day."),
        ),
        "csv.sex": ErrorTemplates(t("Unknown sex"), t("The sex in this line cannot be read.")),
        "csv.field_too_large": ErrorTemplates(t("Field too large"), t("A field in this line is larger than allowed.")),
    }
