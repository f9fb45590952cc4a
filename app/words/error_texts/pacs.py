"""What the archive says when something does not go as it should."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the texts by code, in the language of now."""
    return {**_away(), **_blocked(), **_warnings(), **_one_image(), **_browsing()}


def _away() -> dict[str, ErrorTemplates]:
    later = t("Nothing is lost: images wait and are sent as soon as it answers.")
    return {
        "pacs.unreachable": ErrorTemplates(
            t("Archive not reached"), t("Nothing answers at the archive's address."), later
        ),
        "pacs.slow": ErrorTemplates(t("Archive too slow"), t("The archive did not answer in time."), later),
        "pacs.cut_off": ErrorTemplates(t("Connection lost"), t("The connection to the archive broke off."), later),
        "pacs.busy": ErrorTemplates(
            t("Archive busy"), t("The archive cannot take anything at the moment (HTTP {status})."), later
        ),
        "pacs.not_proven": ErrorTemplates(
            t("Not there yet"), t("The archive took an image, but does not show it."), t("It is sent again.")
        ),
    }


def _blocked() -> dict[str, ErrorTemplates]:
    return {
        "pacs.not_set_up": ErrorTemplates(
            t("No archive"), t("No archive is set up."), t("Enter its address in the settings, Archive.")
        ),
        "pacs.no_url": ErrorTemplates(
            t("No address"),
            t("“{url}” is no address of an archive."),
            t("It begins with https:// or http://, as in https://archive:8042."),
        ),
        "pacs.plain_refused": ErrorTemplates(
            t("Not encrypted"),
            t("The connection to {url} would not be encrypted. Nothing was sent."),
            t("Use https://, or allow it in the settings, Archive: who did so stands in the audit log."),
        ),
        "pacs.bad_ca": ErrorTemplates(
            t("Certificate file not usable"),
            t("{path} cannot be read as certificates."),
            t("Choose the PEM file of the authority that signed the archive's certificate."),
        ),
        "pacs.unauthorized": ErrorTemplates(
            t("Not signed in"), t("The archive does not accept user name and password."), t("Enter them again.")
        ),
        "pacs.forbidden": ErrorTemplates(
            t("Not allowed"),
            t("The archive knows the user and does not let them do this."),
            t("Ask whoever runs the archive for the right to store images."),
        ),
        "pacs.full": ErrorTemplates(
            t("Archive full"),
            t("The archive has no room left."),
            t("Ask whoever runs it for more. Images wait here until you let them be sent again."),
        ),
        "pacs.certificate": ErrorTemplates(
            t("Certificate not trusted"),
            t("The archive's certificate is not valid for its address, or nobody known has signed it: {fingerprint}."),
            t("If it is your own, choose the file of its authority in the settings. Nothing was sent."),
            t("The archive's certificate is not valid for its address, or nobody known has signed it."),
        ),
        "pacs.not_an_archive": ErrorTemplates(
            t("Not an Orthanc"),
            t("Something answers at this address, but not an Orthanc: perhaps a login page or another program."),
            t("Check the address and the port."),
        ),
    }


def _warnings() -> dict[str, ErrorTemplates]:
    careful = t("Ask whoever runs the archive.")
    return {
        "pacs.no_password": ErrorTemplates(
            t("No password"), t("It asks nobody for a password: whoever reaches it sees every image."), careful
        ),
        "pacs.default_password": ErrorTemplates(
            t("First password"), t("It accepts the password that every Orthanc has at first. Change it."), careful
        ),
        "pacs.plain": ErrorTemplates(
            t("Not encrypted"), t("The connection is not encrypted: on its way everybody can read along."), careful
        ),
        "pacs.clock": ErrorTemplates(
            t("Clock differs"), t("Its clock differs from this computer's by more than a minute."), careful
        ),
    }


def _one_image() -> dict[str, ErrorTemplates]:
    return {
        "pacs.not_kept": ErrorTemplates(
            t("A study was not brought in"),
            t("The study {study} could not be brought in from the archive: {cause}"),
            t("It is tried again."),
        ),
        "pacs.refused": ErrorTemplates(
            t("Not taken"), t("The archive does not take this image (HTTP {status})."), t("The others are sent.")
        ),
        "pacs.conflict": ErrorTemplates(
            t("Something else is there"),
            t("Under this image's number the archive has other bytes, and keeps them."),
            t("Compare both and decide; nothing was overwritten."),
        ),
        "pacs.altered": ErrorTemplates(
            t("Changed by the archive"),
            t("The archive keeps other bytes than it was sent."),
            t("Ask whoever runs it whether it compresses images as they come in."),
        ),
    }


def _browsing() -> dict[str, ErrorTemplates]:
    nothing = t("Nothing was brought into the library.")
    return {
        "pacs.no_dicomweb": ErrorTemplates(
            t("No DICOMweb"),
            t("The archive takes images, but cannot be searched: its DICOMweb plug-in is missing."),
            t("Ask whoever runs the archive to switch it on."),
        ),
        "pacs.gone": ErrorTemplates(
            t("Not there any more"), t("The archive does not have this study or image."), t("Search again.")
        ),
        "pacs.bad_uid": ErrorTemplates(
            t("No valid number"), t("This is not the number (UID) of a study, a series or an image."), t("Check it.")
        ),
        "pacs.no_picture": ErrorTemplates(t("No picture"), t("The archive cannot draw this object."), ""),
        "pacs.too_large": ErrorTemplates(
            t("Too large"), t("There is not enough room on this computer for what the archive sends."), nothing
        ),
        "pacs.something_else": ErrorTemplates(
            t("Something else came"),
            t("The archive sent an image of another study or patient than it was asked for."),
            nothing,
        ),
        "pacs.incomplete": ErrorTemplates(
            t("Not all came"),
            t("The archive sent {came} of {expected} images."),
            nothing,
        ),
    }
