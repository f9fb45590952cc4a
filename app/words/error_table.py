"""The table of words by error code. One function per topic, called when words are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from app.words.catalogue import t


class ErrorTemplates(NamedTuple):
    """Title, explanation and advice with ``{places}`` for facts; ``briefly`` explains where facts are missing."""

    title: str
    explanation: str
    what_to_do: str = ""
    briefly: str = ""


def templates_for(code: str) -> ErrorTemplates | None:
    """Return the templates of a code, in the language in use."""
    topic = TOPICS.get(code.partition(".")[0])
    return topic().get(code) if topic else None


def _files() -> dict[str, ErrorTemplates]:
    keep = t("The file was kept aside in quarantine; ask for it again at its source.")
    return {
        "file.empty": ErrorTemplates(
            t("Empty file"), t("The file is empty: it has no bytes at all."), t("Copy it again from its source.")
        ),
        "file.truncated": ErrorTemplates(
            t("Incomplete file"),
            t("The file is incomplete: it has {has} of {needed} bytes."),
            keep,
            t("The file is incomplete."),
        ),
        "file.not_an_image": ErrorTemplates(
            t("Not an image"), t("The file is neither a DICOM file, a photo nor a PDF document.")
        ),
        "file.unsupported_format": ErrorTemplates(
            t("Unsupported format"),
            t("Files of this format cannot be opened: {format}."),
            "",
            t("Files of this format cannot be opened."),
        ),
        "file.not_a_file": ErrorTemplates(
            t("Not a file"), t("This is a link or a device, not a file; links are not followed.")
        ),
        "file.too_large": ErrorTemplates(
            t("Image too large"),
            t("The image says it is {columns} × {rows} pixels, more than can be opened."),
            keep,
            t("The image is larger than can be opened."),
        ),
        "file.undecodable": ErrorTemplates(
            t("Cannot be decoded"), t("The picture inside the file is damaged or of an unknown kind."), keep
        ),
        "file.hostile": ErrorTemplates(
            t("Unsafe file"), t("The file is built in a way that could harm this computer and was not opened."), keep
        ),
        "file.unreadable": ErrorTemplates(
            t("Cannot be read"), t("The file could not be read as what it seems to be."), keep
        ),
        "file.corrupt": ErrorTemplates(
            t("File has changed"),
            t("The stored file no longer has the bytes that were imported."),
            t("Restore it from a backup; the check lists every such file."),
        ),
        "file.missing": ErrorTemplates(
            t("File not found"),
            t("The file is not where it should be."),
            t("If it lies on a network drive or a stick, connect it and try again."),
        ),
        "file.permission": ErrorTemplates(
            t("No permission"), t("This account may not read the file."), t("Ask whoever looks after this computer.")
        ),
        "file.changed": ErrorTemplates(
            t("File changed meanwhile"), t("The file changed while it was being read."), t("Import it again.")
        ),
    }


def _decoding() -> dict[str, ErrorTemplates]:
    return {
        "decoder.died": ErrorTemplates(
            t("Cannot be decoded"), t("Reading this file made the decoder stop; the program was not affected.")
        ),
        "decoder.unavailable": ErrorTemplates(
            t("Images cannot be read"),
            t("The part of the program that reads images does not start or stops at every file."),
            t("Restart the program and import again. If this stays, free memory or install Bitewing again."),
        ),
        "decoder.timeout": ErrorTemplates(
            t("Takes too long"),
            t("Reading this file took longer than {seconds} seconds and was stopped."),
            "",
            t("Reading this file took too long and was stopped."),
        ),
        "decoder.memory": ErrorTemplates(
            t("Needs too much memory"), t("Reading this file would need more memory than is allowed.")
        ),
        "decoder.closed": ErrorTemplates(t("Closing"), t("The program is closing and opens no more files.")),
        "dicom.no_pixels": ErrorTemplates(
            t("No picture inside"), t("The file is {content}; it has no picture to show.")
        ),
        "dicom.dicomdir": ErrorTemplates(
            t("Index of a disc"), t("The file is a DICOMDIR, the index of a disc; the files it lists are imported.")
        ),
        "dicom.outside_folder": ErrorTemplates(
            t("Points elsewhere"), t("The DICOMDIR names a file outside its own folder; it was not opened.")
        ),
        "photo.unsupported_format": ErrorTemplates(
            t("Unsupported format"),
            t("Pictures of the format {format} cannot be imported."),
            t("Save it as JPEG, PNG or TIFF and import that."),
            t("Pictures of this format cannot be imported."),
        ),
        "document.password": ErrorTemplates(
            t("Protected document"), t("The PDF is protected by a password and cannot be shown.")
        ),
        "frame.sizes_differ": ErrorTemplates(
            t("Pages differ"),
            t("The {frames} pages of this file have different sizes."),
            "",
            t("The pages of this file have different sizes."),
        ),
        "archive.bomb": ErrorTemplates(
            t("Unsafe archive"), t("The archive would unpack to far more than it is and was not opened.")
        ),
        "archive.damaged": ErrorTemplates(
            t("Damaged archive"), t("The archive is damaged or incomplete."), t("Fetch it again from its source.")
        ),
        "archive.encrypted": ErrorTemplates(
            t("Protected archive"),
            t("The archive is protected by a password."),
            t("Unpack it yourself, then import the folder."),
        ),
        "archive.member_damaged": ErrorTemplates(
            t("Damaged in the archive"), t("This file is damaged inside its archive (its checksum is wrong).")
        ),
        "archive.nested": ErrorTemplates(
            t("Archive in an archive"),
            t("An archive inside an archive is not opened."),
            t("Unpack the outer one, then import the folder."),
        ),
        "archive.too_many": ErrorTemplates(t("Too many files"), t("The archive holds more files than are allowed.")),
    }


def _identity() -> dict[str, ErrorTemplates]:
    inbox = t("It waits in the inbox for somebody to decide.")
    return {
        "identity.none": ErrorTemplates(t("Whose image?"), t("The file does not say whose image it is."), inbox),
        "identity.contradicts": ErrorTemplates(
            t("Identities disagree"), t("The file and the patient disagree: {contradictions}."), inbox
        ),
        "identity.ambiguous": ErrorTemplates(
            t("Several patients fit"), t("More than one patient fits what the file says."), inbox
        ),
        "identity.incomplete": ErrorTemplates(
            t("Not sure enough"), t("What the file says of the patient is not enough to be sure."), inbox
        ),
        "identity.interrupted": ErrorTemplates(
            t("Import was cut short"),
            t("The program ended while this file came in, before it was known whose it is."),
            inbox,
        ),
        "identity.unusable": ErrorTemplates(
            t("Unusable name"), t("The patient's name or number in the file cannot be used."), inbox
        ),
    }


def _images() -> dict[str, ErrorTemplates]:
    return {
        "image.duplicate": ErrorTemplates(t("Already here"), t("The same file is in the library already.")),
        "image.in_inbox": ErrorTemplates(
            t("Already here"),
            t("The same file waits in the inbox already."),
            t("File it from the inbox; importing it again does not."),
        ),
        "image.in_quarantine": ErrorTemplates(t("Already here"), t("The same file is in quarantine already.")),
        "image.in_trash": ErrorTemplates(
            t("Deleted before"),
            t("The same file was imported and deleted before."),
            t("Restore it from the deleted images if it is wanted again."),
        ),
        "image.similar": ErrorTemplates(
            t("Likely a duplicate"), t("The same picture is in the library already, from another file.")
        ),
        "image.same_uid": ErrorTemplates(
            t("Same number, other content"),
            t("Another file with the same DICOM number is in the library; both are kept."),
        ),
        "image.other_patient": ErrorTemplates(
            t("Filed under another patient"), t("The same file is already filed under another patient.")
        ),
        "image.none": ErrorTemplates(t("No such image"), t("There is no image {text} in this library.")),
        "image.file_missing": ErrorTemplates(
            t("File not found"),
            t("The image's file is in none of the places where it could be."),
            t("If it lies on a network drive or a stick, connect it and try again."),
        ),
        "image.caption_too_long": ErrorTemplates(
            t("Too long"), t("A caption can have {limit} characters at most."), t("Shorten it.")
        ),
        "inbox.not_waiting": ErrorTemplates(
            t("Not in the inbox"), t("This image does not wait in the inbox any more.")
        ),
        "inbox.put_back": ErrorTemplates(t("Put back"), t("Somebody put this image back into the inbox.")),
        "move.stopped": ErrorTemplates(
            t("Moving stopped"),
            t("{moved} of {total} images were moved, then it stopped: {cause}"),
            t("What was moved stays moved; try again for the rest."),
        ),
        "image.changed_elsewhere": ErrorTemplates(
            t("Changed meanwhile"),
            t("Somebody else changed this image meanwhile."),
            t("Look at it again, then repeat."),
        ),
        "image.no_such_frame": ErrorTemplates(
            t("No such frame"), t("The image has {frames} frames; there is no {frame}.")
        ),
        "import.failed": ErrorTemplates(
            t("Not imported"), t("The file could not be imported."), t("The log has the details.")
        ),
    }


def _patients() -> dict[str, ErrorTemplates]:
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


def _lists() -> dict[str, ErrorTemplates]:
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


def _disk() -> dict[str, ErrorTemplates]:
    return {
        "disk.full": ErrorTemplates(
            t("The disk is full"),
            t("There is no room left on the disk; what was finished is safe."),
            t("Make room, then start again; it goes on where it stopped."),
        ),
        "disk.reserve": ErrorTemplates(
            t("Not enough room"),
            t("{needed} are needed and {free} are free, of which {reserve} stay reserved."),
            t("Make room or choose another disk."),
        ),
        "disk.permission": ErrorTemplates(
            t("No permission"), t("This account may not write there."), t("Ask whoever looks after this computer.")
        ),
        "disk.read_only": ErrorTemplates(t("Read-only disk"), t("The disk can only be read, not written.")),
        "disk.failed": ErrorTemplates(
            t("The disk failed"), t("The disk could not be read or written."), t("Check the disk and its cable.")
        ),
        "disk.busy": ErrorTemplates(
            t("File in use"), t("Another program holds the file."), t("Close it and try again.")
        ),
    }


def _library() -> dict[str, ErrorTemplates]:
    return {
        "library.none": ErrorTemplates(
            t("No library here"), t("There is no library at {path}."), t("Import something, or choose another folder.")
        ),
        "library.in_use": ErrorTemplates(t("Library in use"), t("The library is held by {holder}.")),
        "library.not_empty": ErrorTemplates(
            t("Folder not empty"), t("The folder already holds other files."), t("Choose an empty folder.")
        ),
        "library.away": ErrorTemplates(
            t("Library not reachable"), t("The library's drive is not connected."), t("Connect it; nothing is lost.")
        ),
        "library.catalogue_lost": ErrorTemplates(
            t("Catalogue lost"),
            t("The images in {path} are there, but bitewing.db, which says whose they are, is missing or empty."),
            t("Put the newest backup, or the newest copy bitewing.db.before-…, there as bitewing.db."),
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


def _export() -> dict[str, ErrorTemplates]:
    return {
        "export.original_unchanged": ErrorTemplates(
            t("Originals stay as they are"),
            t("Original files are exported unchanged, with the patient's name in them."),
            t("Choose another format for a copy without a name."),
        ),
        "export.dicomdir_exists": ErrorTemplates(
            t("Folder in use"), t("There is a DICOMDIR at {path} already."), t("Choose an empty folder.")
        ),
        "export.not_in_dicomdir": ErrorTemplates(
            t("Not for a disc"), t("This kind of file cannot be listed in a DICOMDIR.")
        ),
        "export.not_empty": ErrorTemplates(
            t("Folder not empty"), t("The folder already holds other files."), t("Choose an empty folder.")
        ),
        "export.not_a_folder": ErrorTemplates(
            t("Not a folder"), t("{path} is a file, not a folder."), t("Choose another folder.")
        ),
    }


def _program() -> dict[str, ErrorTemplates]:
    return {
        "program.fault": ErrorTemplates(
            t("A fault in Bitewing"),
            t("Something unexpected happened ({kind}); your images are safe."),
            t("Please send us the log."),
        ),
        "program.no_display": ErrorTemplates(
            t("No display"),
            t("There is no display here, so the window cannot open."),
            t("Use --screenshot FILE for a picture of it, or the commands that need no window."),
        ),
        "job.none": ErrorTemplates(t("No such run"), t("This run is not in the list any more.")),
        "job.failed": ErrorTemplates(
            t("Stopped by a fault"), t("A fault ended this run; what was finished stays."), t("Start it again.")
        ),
        "job.interrupted": ErrorTemplates(
            t("Interrupted"),
            t("The program ended while this ran; what was finished stays."),
            t("Start it again; it goes on where it stopped."),
        ),
    }


def _checks() -> dict[str, ErrorTemplates]:
    return {
        "check.missing": ErrorTemplates(
            t("File missing"), t("The image's file is gone."), t("Restore it from a backup.")
        ),
        "check.orphan": ErrorTemplates(
            t("File without image"), t("No image in the catalogue belongs to this file."), t("Import it.")
        ),
        "check.size": ErrorTemplates(t("File has changed"), t("The file does not have the size it was imported with.")),
        "check.hash": ErrorTemplates(
            t("File has changed"), t("The stored file no longer has the bytes that were imported.")
        ),
        "check.unreadable": ErrorTemplates(t("Cannot be read"), t("The file cannot be read.")),
    }


TOPICS: dict[str, Callable[[], dict[str, ErrorTemplates]]] = {
    "file": _files,
    "decoder": _decoding,
    "dicom": _decoding,
    "photo": _decoding,
    "document": _decoding,
    "frame": _decoding,
    "archive": _decoding,
    "identity": _identity,
    "image": _images,
    "import": _images,
    "patient": _patients,
    "tooth": _patients,
    "role": _patients,
    "csv": _lists,
    "disk": _disk,
    "library": _library,
    "database": _library,
    "settings": _library,
    "secrets": _library,
    "cancelled": _library,
    "export": _export,
    "program": _program,
    "job": _program,
    "check": _checks,
    "inbox": _images,
    "move": _images,
}
