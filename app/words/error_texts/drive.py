"""What goes wrong with Google Drive, and what its log says: what happened, and what to do next."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the texts by code, in the language of now."""
    return {**_away(), **_account(), **_sign_in(), **_there(), **_backups(), **_events()}


def _away() -> dict[str, ErrorTemplates]:
    later = t("Nothing is lost: the next attempt goes on where this one stopped.")
    return {
        "drive.unreachable": ErrorTemplates(
            t("Google not reached"), t("Google Drive does not answer; this computer may be offline."), later
        ),
        "drive.slow": ErrorTemplates(t("Google too slow"), t("Google Drive did not answer in time."), later),
        "drive.cut_off": ErrorTemplates(t("Connection lost"), t("The connection to Google Drive broke off."), later),
        "drive.busy": ErrorTemplates(t("Google busy"), t("Google Drive asks to wait for a while."), later),
        "drive.certificate": ErrorTemplates(
            t("Not certain that this is Google"),
            t("What answers for Google does not prove who it is. Nothing was sent."),
            t("Check the date of this computer, and ask whoever looks after the network about its proxy."),
        ),
        "drive.not_drive": ErrorTemplates(
            t("Not Google's answer"),
            t("Something else answers in the place of Google, perhaps the sign-in page of a network."),
            t("Open a web page in the browser, sign in to the network, and try again."),
        ),
    }


def _account() -> dict[str, ErrorTemplates]:
    return {
        "drive.no_client": ErrorTemplates(
            t("Google Drive not set up"),
            t("The client ID and the client secret of your Google Cloud project are missing."),
            t("Enter both in the settings, page Google Drive."),
        ),
        "drive.not_connected": ErrorTemplates(
            t("Not connected to Google Drive"),
            t("Nobody has signed in to Google for this library yet."),
            t("Choose Connect in the settings, page Google Drive."),
        ),
        "drive.revoked": ErrorTemplates(
            t("Google asks to sign in again"),
            t(
                "The access to Google Drive was taken back or has run out. While the Google Cloud project is in "
                "“Testing”, Google ends it after seven days."
            ),
            t("Choose Connect in the settings, page Google Drive; publish the project so that it lasts."),
        ),
        "drive.bad_client": ErrorTemplates(
            t("Client not known to Google"),
            t("Google does not know this client ID, or the client secret is not its own."),
            t("Copy both again from the Google Cloud console, type “Desktop app”."),
        ),
        "drive.api_disabled": ErrorTemplates(
            t("Google Drive API is off"),
            t("The Google Cloud project may not use the Google Drive API yet."),
            t("Enable the Google Drive API in the Google Cloud console and wait a few minutes."),
        ),
        "drive.forbidden": ErrorTemplates(
            t("Not allowed on Google Drive"),
            t("Google does not allow this, perhaps by a rule of your organisation."),
            t("Ask whoever looks after the Google account."),
        ),
    }


def _sign_in() -> dict[str, ErrorTemplates]:
    again = t("Choose Connect again.")
    return {
        "drive.denied": ErrorTemplates(t("Not allowed"), t("In the browser the access was not allowed."), again),
        "drive.no_answer": ErrorTemplates(
            t("No answer from the browser"), t("Nobody signed in within ten minutes."), again
        ),
        "drive.scope_missing": ErrorTemplates(
            t("Permission not ticked"),
            t("The box that lets Bitewing see its own files on Google Drive was not ticked."),
            t("Choose Connect again and tick it."),
        ),
    }


def _there() -> dict[str, ErrorTemplates]:
    return {
        "drive.full": ErrorTemplates(
            t("Google Drive is full"),
            t("{needed} are needed on Google Drive and {free} are free."),
            t("Make room there, also in its trash, or get more; the next attempt goes on where this one stopped."),
            briefly=t("There is no room left on Google Drive."),
        ),
        "drive.not_there": ErrorTemplates(
            t("Not on Google Drive"), t("The file is not there any more."), t("Refresh the list and choose another.")
        ),
        "drive.failed": ErrorTemplates(
            t("Google refused"),
            t("Google Drive refused it ({status})."),
            t("Try again later; the log has the details."),
        ),
        "drive.altered": ErrorTemplates(
            t("Did not arrive whole"),
            t("What came over the line is not what was sent; it was not kept."),
            t("Try again. If it stays so, something on the way changes files: a proxy, or a failing disk."),
        ),
    }


def _backups() -> dict[str, ErrorTemplates]:
    return {
        "drive.not_sealed": ErrorTemplates(
            t("Only sealed backups go to Google"),
            t("The backups of this library have no password, so others could read them."),
            t("Set the password of the backups in the settings, page Backup, and write it down."),
        ),
        "drive.running": ErrorTemplates(
            t("Already under way"),
            t("A backup of this library is on its way to Google Drive."),
            t("Wait until it has arrived."),
        ),
        "drive.last_failed": ErrorTemplates(
            t("Old backups stay"),
            t("The last backup has not arrived on Google Drive, so no older one is deleted."),
            t("Make a backup to Google Drive first."),
        ),
        "drive.none": ErrorTemplates(
            t("No such backup"),
            t("There is no good backup “{name}” on Google Drive."),
            t("Look at the list of backups there."),
        ),
        "drive.given_up": ErrorTemplates(
            t("Upload given up"), t("It was not gone on with in time, or its archive is gone; a new one was made.")
        ),
    }


def _events() -> dict[str, ErrorTemplates]:
    return {
        "drive.connected": ErrorTemplates(t("Connected to Google Drive"), t("Backups can go there now.")),
        "drive.disconnected": ErrorTemplates(
            t("Disconnected from Google Drive"), t("The backups that lie there stay there.")
        ),
        "drive.sent": ErrorTemplates(
            t("Backup on Google Drive"), t("It arrived whole: Google's checksum is ours. Images in it: {images}.")
        ),
        "drive.not_sent": ErrorTemplates(t("No backup on Google Drive"), "{cause}"),
        "drive.pruned": ErrorTemplates(
            t("Old backups deleted"), t("Backups deleted from Google Drive by their age: {count}.")
        ),
        "drive.not_pruned": ErrorTemplates(t("Old backups not deleted"), "{cause}"),
    }
