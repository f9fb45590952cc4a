"""Words for errors about the library, its database, settings and secrets."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "library.none": ErrorTemplates(
            t("No library here"), t("There is no library at {path}."), t("Import something, or choose another folder.")
        ),
        "library.not_empty": ErrorTemplates(
            t("Folder not empty"), t("The folder already holds other files."), t("Choose an empty folder.")
        ),
        "library.away": ErrorTemplates(
            t("Library not reachable"), t("The library's drive is not connected."), t("Connect it; nothing is lost.")
        ),
        "library.recovered": ErrorTemplates(
            t("Finished after a crash"),
            t("Work that a crash had cut off was finished: {images} images completed, {cleared} leftovers cleared."),
        ),
        "library.in_use": ErrorTemplates(
            t("Library in use"),
            t("The library is open elsewhere ({kind}, process {pid}, since {since})."),
            t("Close it there, then try again."),
            t("The library is open elsewhere."),
        ),
        "library.busy": ErrorTemplates(
            t("Background work goes on elsewhere"),
            t("Another process ({kind}, {pid}) does this library's background work."),
            t("Let it, or end it there first."),
            t("Another process does this library's background work."),
        ),
        "library.restoring": ErrorTemplates(
            t("Being restored"), t("The library is being restored from a backup."), t("Wait until that has ended.")
        ),
        "library.catalogue_lost": ErrorTemplates(
            t("Catalogue lost"),
            t("The images in {path} are there, but bitewing.db, which says whose they are, is missing or empty."),
            t("Restore the newest backup, or put the newest copy bitewing.db.before-… there as bitewing.db."),
        ),
        "database.locked": ErrorTemplates(
            t("Catalogue busy"), t("Another program holds the catalogue."), t("Try again in a moment.")
        ),
        "database.corrupt": ErrorTemplates(
            t("Catalogue damaged"), t("The catalogue is damaged; the images are not."), t("Restore the newest backup.")
        ),
        "database.newer": ErrorTemplates(
            t("Made by a newer program"),
            t("The library was made by a newer version of Bitewing (schema {found}, this program knows {known})."),
            t("Update Bitewing on this computer."),
        ),
        "database.failed": ErrorTemplates(t("Catalogue error"), t("The catalogue could not be read or written.")),
        "database.migration_failed": ErrorTemplates(
            t("Upgrade failed"), t("The catalogue could not be upgraded; it is unchanged.")
        ),
        "database.network_drive": ErrorTemplates(
            t("Network drive"),
            t("The catalogue cannot live on a network drive: it would be damaged there."),
            t("Choose a folder on this computer."),
        ),
        "database.cloud_folder": ErrorTemplates(
            t("Synchronised folder"),
            t("The catalogue cannot live in a folder that a cloud service synchronises."),
            t("Choose another folder on this computer."),
        ),
        "settings.invalid_value": ErrorTemplates(t("Value does not fit"), t("{value} is not a value for {key}.")),
        "settings.unknown_key": ErrorTemplates(t("No such setting"), t("There is no setting {key}.")),
        "settings.bad_name": ErrorTemplates(
            t("Name not possible"),
            t("“{name}” cannot be the name of a destination."),
            t("Use up to 32 letters from A to Z, digits, hyphens and underscores."),
        ),
        "settings.name_taken": ErrorTemplates(
            t("Name taken"),
            t("There is “{name}” already: names must differ in more than capitals."),
            t("Choose another name."),
        ),
        "settings.no_connection": ErrorTemplates(
            t("No such connection"), t("There is no connection {name} that could be tested.")
        ),
        "secrets.no_store": ErrorTemplates(
            t("No safe place for secrets"),
            t("This computer has no safe store for secrets, so none was stored."),
            t("Name an owner-only file in BITEWING_SECRETS_FILE."),
        ),
        "secrets.no_key": ErrorTemplates(t("Key missing"), t("This account does not hold the library's key.")),
        "secrets.wrong_key": ErrorTemplates(t("Wrong key"), t("The secret was sealed with another library's key.")),
        "secrets.file_open": ErrorTemplates(
            t("Secrets file is open"), t("Others can read the secrets file {path}."), t("Let its owner alone read it.")
        ),
        "secrets.file_damaged": ErrorTemplates(t("Secrets file damaged"), t("The secrets file {path} cannot be read.")),
        "cancelled": ErrorTemplates(t("Stopped"), t("Stopped; what was finished stays.")),
    }
