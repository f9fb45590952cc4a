"""Words for errors about backups and restoring."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {**_making(), **_reading(), **_events()}


def _events() -> dict[str, ErrorTemplates]:
    return {
        "backup.made": ErrorTemplates(t("Backup made"), t("A backup of {images} images was made, read back and good.")),
        "backup.made_with_gaps": ErrorTemplates(
            t("Backup with gaps"),
            t("A backup was made, but the library itself lacks {files} of its files, or has them damaged."),
            t("Check the library; older backups may have them."),
        ),
        "backup.not_made": ErrorTemplates(t("No backup"), t("No backup was made: {cause}"), t("Try again.")),
        "backup.found_damaged": ErrorTemplates(
            t("Backup found damaged"), t("{members} files of a backup are damaged."), t("Make a new backup now.")
        ),
        "backup.rotated": ErrorTemplates(
            t("Old backups deleted"), t("{count} backups older than the settings ask for were deleted.")
        ),
        "restore.done": ErrorTemplates(
            t("Library restored"), t("{images} images were restored from the backup of {created_at}.")
        ),
    }


def _making() -> dict[str, ErrorTemplates]:
    return {
        "backup.no_folder": ErrorTemplates(
            t("No folder for backups"),
            t("The folder {path} is not there."),
            t("Plug in the drive, or choose another folder in the settings."),
            t("No folder for backups is chosen."),
        ),
        "backup.inside_library": ErrorTemplates(
            t("Inside the library"),
            t("{path} is inside the library: what destroys the one destroys the other."),
            t("Choose a folder on another disk."),
        ),
        "backup.no_room": ErrorTemplates(
            t("Not enough room for the backup"),
            t("The backup needs {needed}; {free} are free in {path}."),
            t("Free some space there, or choose another folder."),
        ),
        "backup.exists": ErrorTemplates(
            t("Name in use"), t("There is a file at {path} already; it was left as it is."), t("Choose another name.")
        ),
        "backup.short_password": ErrorTemplates(
            t("Password too short"),
            t("A backup's password needs at least {least} characters: whoever has the file can try for ever."),
            t("Choose a longer one, several words for example, and write it down."),
        ),
        "backup.not_sealed": ErrorTemplates(
            t("Folder without a password"),
            t("The backups in {path} are not sealed with a password, so new ones cannot be."),
            t("Choose an empty folder."),
        ),
        "backup.not_verified": ErrorTemplates(
            t("Backup not good"),
            t("Read back, the new backup was not what was written ({member}); it was removed."),
            t("Try another drive: this one loses data."),
        ),
    }


def _reading() -> dict[str, ErrorTemplates]:
    return {
        "backup.none": ErrorTemplates(
            t("No such backup"), t("There is no backup at {path}."), t("Plug in the drive, or choose another one.")
        ),
        "backup.not_a_backup": ErrorTemplates(
            t("Not a backup"), t("{path} is no backup of Bitewing."), t("Choose another file.")
        ),
        "backup.damaged": ErrorTemplates(
            t("Backup damaged"),
            t("A part of the backup is damaged: {member}."),
            t("Use another backup. Nothing was changed."),
        ),
        "backup.hostile": ErrorTemplates(
            t("Backup refused"),
            t("The archive holds something that no backup of ours holds: {member}."),
            t("Use another backup, and ask who made this one. Nothing was changed."),
        ),
        "backup.newer": ErrorTemplates(
            t("From a newer Bitewing"),
            t("This backup of “{clinic}” was made with version {program}, which is newer than this program."),
            t("Update Bitewing, then restore. Nothing was changed."),
        ),
        "backup.foreign": ErrorTemplates(
            t("Another library's backup"),
            t("This is a backup of another library (“{clinic}”)."),
            t("Restore it only if you mean to replace this library by that one: --foreign, or the box in the window."),
        ),
        "backup.without_images": ErrorTemplates(
            t("The catalogue only"),
            t("This backup holds the catalogue without the images: no patient's images can come from it."),
            t("Choose a backup that holds the images."),
        ),
        "restore.image_not_in_backup": ErrorTemplates(
            t("Not in the backup"), t("The image was missing already when the backup was made.")
        ),
        "restore.files_missing": ErrorTemplates(
            t("Images without files"),
            t("The catalogue is restored, but {count} images have no file here."),
            t("Restore a backup that holds the images, or look for them with “bitewing check”."),
        ),
        "restore.not_a_library": ErrorTemplates(
            t("Not a library"),
            t("{path} is not empty and is no library; nothing was put there."),
            t("Choose an empty folder."),
        ),
        "backup.password_needed": ErrorTemplates(
            t("Password needed"), t("This backup is sealed with a password."), t("Type the password of the backup.")
        ),
        "backup.wrong_password": ErrorTemplates(
            t("Wrong password"), t("This is not the password of the backup."), t("Nothing was changed; try again.")
        ),
    }
