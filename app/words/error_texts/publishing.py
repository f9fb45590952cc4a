"""Words about publishing images, and about taking them back."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {**_rules(), **_address(), **_warnings()}


def _rules() -> dict[str, ErrorTemplates]:
    return {
        "publish.off": ErrorTemplates(
            t("Publishing is off"),
            t("No image may be published there: publishing was not switched on."),
            t("An administrator can switch it on in the settings of a mirror, after reading what that means."),
        ),
        "publish.which": ErrorTemplates(
            t("Several places"),
            t("Images may be published at several places: {names}."),
            t("Say which one is meant."),
        ),
        "publish.still_public": ErrorTemplates(
            t("Images are public there"),
            t("{count} published copies at {name} are not proven to be gone; nobody could take them back any more."),
            t("Move them to private first, and wait until that is confirmed."),
        ),
        "publish.not_filed": ErrorTemplates(
            t("Not filed"),
            t("Only an image that is filed for a patient can be published."),
            t("File it first, or restore it."),
        ),
        "publish.look_first": ErrorTemplates(
            t("Look at the picture first"),
            t("The picture itself may show a name or a face, which no program takes out for sure."),
            t("Look at it; publish it only if no name is in it and whoever can be recognised has agreed."),
        ),
        "publish.not_dicom": ErrorTemplates(
            t("Not a DICOM image"),
            t("Only a DICOM image can be published as DICOM."),
            t("Publish it as a picture."),
        ),
        "publish.elsewhere": ErrorTemplates(
            t("Public at another place"),
            t("The copy was brought to another place than the settings of the mirror lead to now."),
            t("Set the mirror to where it was, then it is taken back: {place}."),
        ),
        "publish.too_many_unknown": ErrorTemplates(
            t("Much that nobody knows of"),
            t("{count} of {there} copies there are in no record: a newer catalogue of this library may know them."),
            t("Look whether this is the right library and the newest backup; then say that many may be taken away."),
        ),
        "publish.only_proof": ErrorTemplates(
            t("Not proven to be private"),
            t("An image counts as private only when its public address does not show it any more."),
            t("It is asked for by itself; “Move to private” asks at once."),
        ),
        "publish.copy_lost": ErrorTemplates(
            t("Copy lost"),
            t("The copy that was to be published is not here any more, or was changed."),
            t("Move the image to private and publish it again."),
        ),
    }


def _address() -> dict[str, ErrorTemplates]:
    return {
        "publish.unreachable": ErrorTemplates(
            t("Web server does not answer"),
            t("The public address cannot be asked, so nothing is proven."),
            t("It is asked again by itself."),
        ),
        "publish.slow": ErrorTemplates(
            t("Web server too slow"),
            t("The public address did not answer in time, so nothing is proven."),
            t("It is asked again by itself."),
        ),
        "publish.cut_off": ErrorTemplates(
            t("Web server cut the line"),
            t("The answer of the public address broke off, so nothing is proven."),
            t("It is asked again by itself."),
        ),
        "publish.busy": ErrorTemplates(
            t("Web server in trouble"),
            t("The web server answers that it cannot answer, so nothing is proven."),
            t("It is asked again by itself."),
        ),
        "publish.certificate": ErrorTemplates(
            t("Web server not trusted"),
            t("The certificate of the public address is not valid."),
            t("Have whoever runs the web server renew it."),
        ),
        "publish.no_web": ErrorTemplates(
            t("Not a public address"),
            t("What was entered as the public address cannot be asked for."),
            t("Correct the public address in the settings of the mirror."),
        ),
        "publish.not_served": ErrorTemplates(
            t("Not seen in public"),
            t("The copy lies at the mirror, but the public address does not show it."),
            t("Look whether it is the address of the folder “published”, and whether the web server may read there."),
        ),
        "publish.other_served": ErrorTemplates(
            t("Something else is shown"),
            t("The copy lies at the mirror, but the public address shows something else."),
            t("Look whether the public address is that of the folder “published”."),
        ),
        "publish.unproven": ErrorTemplates(
            t("Not proven"),
            t(
                "The copy was deleted, but the web server gives no clear answer: it does not show a trial picture"
                " either, or does not say that nothing is there."
            ),
            t(
                "It is asked again by itself. Look whether the public address is shown to everybody, without"
                " signing in."
            ),
        ),
        "publish.still_served": ErrorTemplates(
            t("Still to be seen"),
            t("The copy was deleted, but the public address shows it still: some cache has kept it."),
            t("It is asked again by itself; if it stays, have the cache of the web server emptied."),
        ),
    }


def _warnings() -> dict[str, ErrorTemplates]:
    return {
        "publish.no_address": ErrorTemplates(
            t("No public address"),
            t("Without one nobody can be told where an image is, and nothing proves that it is gone."),
            t("Enter the address at which the folder “published” is seen."),
        ),
        "publish.open_bucket": ErrorTemplates(
            t("Open to everybody"),
            t("Everybody on the internet can read or list something in this bucket."),
            t("Look that it is the folder “published” alone, and that nobody may list it."),
        ),
        "publish.listed": ErrorTemplates(
            t("The public folder can be listed"),
            t("The web server shows the names of everything in the public folder, so that anybody finds every image."),
            t("Have the listing of folders switched off before anything is published."),
        ),
        "publish.all_public": ErrorTemplates(
            t("The whole mirror is public"),
            t("The web server shows files outside the public folder too: every image of the mirror, with its data."),
            t("Have it show the folder “published” alone before anything is sent."),
        ),
    }
