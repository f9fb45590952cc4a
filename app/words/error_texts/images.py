"""Words for errors about images, imports, the inbox and moving."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
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
        "case.of_another": ErrorTemplates(
            t("Another patient's case"),
            t("The case {reference} has images of another patient; a case belongs to one patient."),
            t("Check the reference, or use another one."),
        ),
        "case.not_filed": ErrorTemplates(
            t("Not filed yet"),
            t("Only images that are filed for a patient belong to cases."),
            t("File the image first."),
        ),
        "image.caption_too_long": ErrorTemplates(
            t("Too long"), t("A caption can have {limit} characters at most."), t("Shorten it.")
        ),
        "inbox.by_link": ErrorTemplates(
            t("Sent by a link"),
            t("Somebody outside the clinic sent this by an upload link."),
            t("Look at it, then file it under its patient."),
        ),
        "inbox.not_waiting": ErrorTemplates(
            t("Not in the inbox"), t("This image does not wait in the inbox any more.")
        ),
        "inbox.not_all_back": ErrorTemplates(
            t("Not all are back"),
            t("{stayed} of {total} images stay where they are: somebody went on from them, or deleted them."),
            t("The others wait in the inbox again."),
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
