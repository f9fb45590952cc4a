"""Words for errors and events of migrations from an earlier program."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "migrate.no_source": ErrorTemplates(
            t("Folder not there"), t("The folder {path} is not there, or is no folder."), t("Choose the old folder.")
        ),
        "migrate.own_library": ErrorTemplates(
            t("This is the library itself"),
            t("{path} is this library, or holds it."),
            t("Choose the folder of the earlier program."),
        ),
        "migrate.unreadable_list": ErrorTemplates(
            t("List cannot be read"),
            t("The list {name} beside the images cannot be read."),
            t("Mend it or take it away; without it the folders alone say whose the images are."),
        ),
        "migrate.contradicts": ErrorTemplates(
            t("Somebody else has this number"),
            t("Chart number {chart_number} belongs to somebody else here."),
            t("The images wait in the inbox; choose the patient there."),
        ),
        "migrate.no_patient": ErrorTemplates(
            t("No such patient"), t("The lists name no patient “{text}”."), t("What depends on it waits in the inbox.")
        ),
        "migrate.no_file_name": ErrorTemplates(t("No file name"), t("This line of the list names no file.")),
        "migrate.no_such_image": ErrorTemplates(
            t("No such image"), t("A treatment names an image that is in no list.")
        ),
        "migrate.bad_date": ErrorTemplates(
            t("Date not understood"), t("“{text}” is no date, or has two readings; it was left out.")
        ),
        "migrate.links_wait": ErrorTemplates(
            t("Images wait in the inbox"),
            t("{count} images of this treatment are not filed under its patient yet."),
            t("File them, then add them to the treatment."),
        ),
        "migrate.not_brought_in": ErrorTemplates(
            t("Not brought in"), t("Nothing was ever brought in from {path}."), t("Bring it in first.")
        ),
        "migrate.finished": ErrorTemplates(
            t("Migration finished"), t("Of {source} files {planned} are images; {arrived} of them are here now.")
        ),
        "migrate.stopped": ErrorTemplates(
            t("Migration stopped"),
            t("Of {planned} images {arrived} are here so far."),
            t("Start it again: it goes on where it stopped."),
        ),
        "migrate.source_removed": ErrorTemplates(
            t("Old files removed"), t("{count} files were compared with the library once more and removed.")
        ),
    }
