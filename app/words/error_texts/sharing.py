"""Words for errors about sharing by links."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {**_making(), **_keeping()}


def _making() -> dict[str, ErrorTemplates]:
    return {
        "share.no_destination": ErrorTemplates(
            t("No place for shared images"),
            t("No S3 storage is chosen for sharing."),
            t("Choose one in the settings, under Sharing."),
        ),
        "share.not_s3": ErrorTemplates(
            t("No links from there"),
            t("“{destination}” is no S3 storage; only such storage can make links that expire."),
            t("Choose an S3 storage in the settings, under Sharing."),
        ),
        "share.bad_expiry": ErrorTemplates(
            t("Not a time for a link"),
            t("A link lasts a minute at least and seven days at most."),
            t("Write it like 30m, 1h or 7d."),
        ),
        "share.bad_case": ErrorTemplates(
            t("Case reference too long"), t("A case reference is one line of up to 64 letters.")
        ),
        "share.too_large": ErrorTemplates(
            t("Too large to share"),
            t("This comes to {has}; no more than {limit} is shared by a link."),
            t("Choose the optimised copy, or fewer images."),
        ),
        "share.document": ErrorTemplates(
            t("A document says whose it is"),
            t("“{name}” is a document: its pages may say whose it is, and nobody can take that out."),
            t("Leave it out, or leave in whose it is where the receiver may know."),
        ),
        "share.does_not_fit": ErrorTemplates(
            t("Not what the receiver asks for"),
            t("Something does not fit what “{receiver}” asks for ({count})."),
            t("Complete the images’ details, or choose another receiver."),
        ),
        "share.not_looked_at": ErrorTemplates(
            t("Nobody has looked at it"),
            t("Names and faces in a picture are found by people only, and nobody said that they looked."),
            t("Look at what goes out, then say so."),
        ),
        "share.bad_profile": ErrorTemplates(
            t("Not a receiver’s profile"),
            t("A receiver’s profile has a name, and values of the right kind; “{name}” does not fit."),
        ),
        "share.no_profile": ErrorTemplates(t("No such receiver"), t("There is no receiver called “{name}”.")),
        "share.deleted": ErrorTemplates(
            t("Deleted images are not shared"), t("“{name}” is deleted."), t("Restore it first, or leave it out.")
        ),
        "share.changed_meanwhile": ErrorTemplates(
            t("Changed meanwhile"),
            t("An image or its patient was changed after the copies were made; nothing was shared."),
            t("Share again, and look at the new copies."),
        ),
        "share.nothing": ErrorTemplates(t("Nothing to share"), t("No image is chosen.")),
        "share.too_many": ErrorTemplates(
            t("Too many images"), t("Up to {most} images are shared by one link."), t("Share them in several links.")
        ),
        "share.several_patients": ErrorTemplates(
            t("Images of several patients"),
            t("What says whose it is goes out for one patient at a time."),
            t("Share each patient’s images by a link of their own, or without a name."),
        ),
        "share.offline": ErrorTemplates(
            t("Nothing was shared"),
            t("The storage cannot be reached, and a link cannot be made without it."),
            t("Try again when the internet is back."),
        ),
        "share.takes_nothing": ErrorTemplates(
            t("No links to send with"),
            t("This storage takes no files from a web page."),
            t("Choose another storage for sharing, or have the images sent another way."),
        ),
        "share.public_bucket": ErrorTemplates(
            t("The storage is open to everybody"),
            t("What lies in “{bucket}” can be read without a link, so nothing is shared there."),
            t("Block public access to the bucket, then share again."),
        ),
    }


def _keeping() -> dict[str, ErrorTemplates]:
    return {
        "share.none": ErrorTemplates(t("No such link"), t("There is no link {text}.")),
        "share.links_open": ErrorTemplates(
            t("Links lead there"),
            t("Links that lead to “{destination}” work still ({count}); without it they could not be ended."),
            t("Revoke them first, or wait until they have expired."),
        ),
        "share.ended_meanwhile": ErrorTemplates(
            t("Nothing was shared"), t("The link was ended while it was being made."), t("Share again.")
        ),
        "share.still_there": ErrorTemplates(
            t("Not deleted yet"), t("The storage still shows the file after it was deleted; it is tried again.")
        ),
        "share.until_gone": ErrorTemplates(
            t("Not deleted yet"), t("What the link leads to is not deleted yet; it is tried again.")
        ),
        "share.until_expiry": ErrorTemplates(
            t("Closed until it expires"),
            t("A link to send with cannot be taken back; what comes by it until it expires is deleted unread."),
        ),
        "share.not_looked_after": ErrorTemplates(
            t("A link could not be ended"),
            t("What a link leads to could not be deleted or looked at; it is tried again."),
            t("Look at the storage’s settings."),
        ),
        "share.not_brought_in": ErrorTemplates(
            t("Sent files wait"),
            t("What was sent by a link cannot be brought in now; it stays in the storage and is tried again."),
            t("Look at this computer’s free space, and at what the log says."),
        ),
        "share.no_expiry": ErrorTemplates(
            t("The storage deletes nothing by itself"),
            t("“{bucket}” keeps what was shared until Bitewing deletes it, also if no computer of yours can any more."),
            t("Have the folders “shared” and “received” there expire after eight days."),
        ),
        "share.outlived": ErrorTemplates(
            t("Link ended"),
            t("An image that was shared by a link was deleted, or given to another patient; the link was ended."),
        ),
        "share.received": ErrorTemplates(t("Images came by a link"), t("What was sent by a link waits in the inbox.")),
        "share.upload_too_large": ErrorTemplates(
            t("Sent file refused"), t("Somebody sent more than {limit} by a link; it was deleted.")
        ),
        "share.last_arrivals": ErrorTemplates(
            t("Waiting for the last files"),
            t("The link does not work any more; what was still being sent by it is waited for."),
        ),
        "share.upload_full": ErrorTemplates(
            t("A link was closed"),
            t("More was sent by a link than it may bring; it was closed."),
            t("Look at what came by it; if all is well, make another link."),
        ),
        "share.upload_locked": ErrorTemplates(
            t("Sent file refused"),
            t("Somebody sent a zip by a link that opens with a password; what it holds was deleted unread."),
            t("Ask for it without a password: the link is safe by itself."),
        ),
        "share.upload_failed": ErrorTemplates(
            t("A sent file waits"),
            t("What somebody sent by a link could not be brought in; it stays in the storage until the link is over."),
            t("Restart Bitewing to try again, or ask for it another way."),
        ),
        "share.upload_known": ErrorTemplates(
            t("Sent before"), t("What somebody sent by a link is in the library already; nothing was added.")
        ),
        "share.upload_in_bin": ErrorTemplates(
            t("Sent again"),
            t("What somebody sent by a link was deleted here before; nothing was added."),
            t("Restore it from the deleted images if it is wanted."),
        ),
        "share.upload_kept_aside": ErrorTemplates(
            t("Sent file kept aside"), t("What somebody sent by a link is damaged or unsafe; it was kept aside.")
        ),
        "share.upload_no_image": ErrorTemplates(
            t("Sent file refused"), t("What somebody sent by a link holds no image; it was deleted.")
        ),
    }
