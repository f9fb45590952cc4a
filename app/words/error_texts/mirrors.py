"""Words about mirrors as they are set up."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "mirror.not_a_folder": ErrorTemplates(
            t("No folder"), t("{name} is no folder, so it has no drive that could have been replaced.")
        ),
        "mirror.none": ErrorTemplates(
            t("No mirror"), t("No mirror is set up."), t("Add one in the settings, under “Mirrors”.")
        ),
        "mirror.inside_library": ErrorTemplates(
            t("Not beside the library"),
            t("{path} and the library lie within each other."),
            t("Choose a folder on another disk or another computer."),
        ),
        "mirror.not_set_up": ErrorTemplates(
            t("Mirror not set up"),
            t("The mirror {destination} is switched off, or its address is missing."),
            t("Complete it in the settings, under “Mirrors”."),
        ),
        **_catalogue(),
        **_files(),
    }


def _catalogue() -> dict[str, ErrorTemplates]:
    return {
        "mirror.no_catalogue": ErrorTemplates(
            t("No catalogue there"),
            t("The mirror has no copy of this library's catalogue: without it files are only files."),
            t("Restore a backup first, then bring the files back."),
        ),
        "mirror.several_libraries": ErrorTemplates(
            t("Several libraries"),
            t("Several libraries have their catalogues there: {ids}."),
            t("Say which one with --library-id."),
        ),
        "mirror.catalogue_unsealed": ErrorTemplates(
            t("Catalogue not copied"),
            t("The catalogue would lie in clear at the mirror {destination}, and there is nothing to seal it with."),
            t("Set a password for backups: it seals the catalogue too, and opens it when this computer is lost."),
        ),
        "mirror.bad_address": ErrorTemplates(
            t("Not an address"),
            t("{text} does not say where a mirror is."),
            t("Write a folder's path, or sftp://USER@HOST/PATH, ftps://USER@HOST/PATH or s3://BUCKET/PATH."),
        ),
        "mirror.secret_in_address": ErrorTemplates(
            t("Password in the address"),
            t("An address is seen by others of this computer; no password may stand in it."),
            t("Give the password on standard input, with --secret-stdin."),
        ),
        "mirror.key_needed": ErrorTemplates(
            t("Sealed by the library's key"),
            t("The catalogue was sealed by the library's own key, and this account does not have it."),
            t("Bring it back on the computer and account that it was made with, or restore a backup."),
        ),
        "mirror.say_from": ErrorTemplates(
            t("No library"),
            t("There is no library at {path}, so nobody knows its mirrors."),
            t("Say where the mirror is with --from."),
        ),
        "mirror.not_kept": ErrorTemplates(
            t("Mirror without a new catalogue"),
            t("The catalogue's copy at {destination} could not be renewed: {cause}."),
            t("Images are sent all the same. Look at the destination's settings, and set a password for backups."),
        ),
    }


def _files() -> dict[str, ErrorTemplates]:
    return {
        "mirror.not_there": ErrorTemplates(
            t("Not at the mirror"), t("The mirror does not have this file."), t("Look for it in a backup.")
        ),
        "mirror.never_there": ErrorTemplates(
            t("Never at the mirror"),
            t("Mirrors hold filed images alone: this one is in the inbox, deleted or kept aside."),
            t("Look for it in a backup."),
        ),
        "mirror.file_missing": ErrorTemplates(t("Missing"), t("It is missing at the mirror."), t("It is sent again.")),
        "mirror.file_different": ErrorTemplates(
            t("Different"), t("Other bytes lie at the mirror than were sent."), t("It is sent again.")
        ),
        "mirror.file_extra": ErrorTemplates(
            t("Extra"),
            t("It lies at the mirror and belongs to no image."),
            t("Nothing is deleted; look at it yourself."),
        ),
        "mirror.many_removals": ErrorTemplates(
            t("Many removals held"),
            t("{count} images would vanish from this mirror, which has {there}."),
            t("If they were deleted on purpose, agree to it; else restore them here."),
        ),
        "mirror.found_different": ErrorTemplates(
            t("Mirror differs"),
            t("At {destination}, {missing} files are missing and {different} have other bytes."),
            t("{queued} are sent again. Look after that disk or server: it loses data."),
        ),
        "mirror.pulled": ErrorTemplates(
            t("Files brought back"),
            t("{downloaded} files were brought back from {destination}, {failed} could not be."),
            t("Check the library thoroughly."),
        ),
        "mirror.fetched": ErrorTemplates(
            t("Image brought back"),
            t("An image's file was missing here and was brought back from {destination}."),
            t("Look after the disk: it loses data."),
        ),
    }
