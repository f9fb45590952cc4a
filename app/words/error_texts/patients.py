"""Words for errors about patients, teeth and roles."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "patient.none": ErrorTemplates(t("No such patient"), t("No patient has the id or chart number {text}.")),
        "patient.ambiguous": ErrorTemplates(
            t("Several patients fit"),
            t("Several patients have the chart number {text}: {ids}."),
            t("Name one by its id."),
        ),
        "patient.nameless": ErrorTemplates(
            t("Nothing to call them"), t("A patient needs a name or a chart number."), t("Type one of them.")
        ),
        "patient.too_long": ErrorTemplates(t("Too long"), t("Names can have {limit} characters at most.")),
        "patient.changed_elsewhere": ErrorTemplates(
            t("Changed meanwhile"),
            t("Somebody else changed this patient meanwhile."),
            t("Look at it again, then repeat."),
        ),
        "patient.same": ErrorTemplates(t("The same patient"), t("A patient cannot be merged with itself.")),
        "patient.merge_self": ErrorTemplates(t("The same patient"), t("A patient cannot be merged with itself.")),
        "patient.chart_number_taken": ErrorTemplates(
            t("Number in use"),
            t("Another patient has the chart number {chart_number} already."),
            t("Choose another number, or merge the two."),
        ),
        "tooth.unknown": ErrorTemplates(
            t("No such tooth"), t("There is no tooth {text}."), t("Use 1–32, A–T, general, fdi:11 or palmer:UR1.")
        ),
        "role.refused": ErrorTemplates(
            t("Not allowed"), t("Your role does not allow this."), t("Ask an administrator of the clinic.")
        ),
    }
