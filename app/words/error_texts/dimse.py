"""What DICOM peers (archives, worklists) say when something does not go as it should."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the texts by code, in the language of now."""
    return {**_entered(), **_away(), **_blocked(), **_one_object(), **_asked()}


def _entered() -> dict[str, ErrorTemplates]:
    return {
        "dimse.no_host": ErrorTemplates(
            t("No address"), t("The DICOM peer has no address."), t("Enter its host name or IP address.")
        ),
        "dimse.not_set_up": ErrorTemplates(
            t("Archive not set up"),
            t("Nothing goes to the archive “{destination}”: it is off, or its address is missing."),
            t("Complete it in the settings."),
        ),
        "dimse.plain_refused": ErrorTemplates(
            t("Connection not encrypted"),
            t("{host} is another computer, and the connection to it would not be encrypted."),
            t("Switch TLS on, or allow a connection that is not encrypted in the settings."),
        ),
        "dimse.plain": ErrorTemplates(
            t("Connection not encrypted"),
            t("The connection to the archive is not encrypted: on its way everybody can read along."),
            t("Switch TLS on if the archive has it."),
        ),
        "dimse.no_worklist": ErrorTemplates(
            t("No worklist there"),
            t("The DICOM peer does not answer questions for the worklist."),
            t("Ask whoever runs it to allow worklist queries for our AE title."),
        ),
        "dimse.bad_port": ErrorTemplates(
            t("No such port"),
            t("{port} is no port."),
            t("A port is a number from 1 to 65535; often it is 104 or 11112."),
        ),
        "dimse.bad_aet": ErrorTemplates(
            t("No AE title"),
            t("“{aet}” cannot be an AE title."),
            t("It has 1 to 16 Latin letters, digits or signs, without a backslash."),
        ),
        "dimse.bad_pin": ErrorTemplates(
            t("No fingerprint"),
            t("What was entered is no SHA-256 fingerprint of a certificate."),
            t("It has 64 digits and letters from a to f."),
        ),
        "dimse.bad_ca": ErrorTemplates(
            t("Certificate file not usable"),
            t("{path} cannot be read as certificates."),
            t("Choose the PEM file of the authority that signed the peer's certificate."),
        ),
    }


def _away() -> dict[str, ErrorTemplates]:
    later = t("Nothing is lost: images wait and are sent as soon as it answers.")
    return {
        "dimse.unreachable": ErrorTemplates(
            t("DICOM peer not reached"), t("Nothing answers at its address and port."), later
        ),
        "dimse.slow": ErrorTemplates(t("DICOM peer too slow"), t("The DICOM peer did not answer in time."), later),
        "dimse.cut_off": ErrorTemplates(t("Connection lost"), t("The connection to the DICOM peer broke off."), later),
        "dimse.aborted": ErrorTemplates(
            t("Broken off by the other side"), t("The DICOM peer aborted the connection."), t("It is tried again.")
        ),
        "dimse.busy": ErrorTemplates(
            t("DICOM peer busy"), t("The DICOM peer cannot serve any more at the moment."), later
        ),
        "dimse.full": ErrorTemplates(
            t("No room at the archive"),
            t("The archive says that it has no room or no means to take the image ({status})."),
            t("It is tried again. If that goes on, ask whoever runs the archive."),
        ),
        "dimse.not_proven": ErrorTemplates(
            t("Not there yet"), t("The archive took an image, but does not show it."), t("It is sent again.")
        ),
    }


def _blocked() -> dict[str, ErrorTemplates]:
    ask = t("Ask whoever runs it to enter this workstation's AE title and address.")
    return {
        "dimse.called_unknown": ErrorTemplates(
            t("AE title not accepted"),
            t("The DICOM peer does not answer to the AE title that it was called by."),
            t("Enter the AE title that it has; capital and small letters count."),
        ),
        "dimse.calling_unknown": ErrorTemplates(
            t("Not known there"), t("The DICOM peer does not know our AE title and lets nobody else in."), ask
        ),
        "dimse.rejected": ErrorTemplates(
            t("Refused"), t("The DICOM peer refused the connection (source {source}, reason {reason})."), ask
        ),
        "dimse.not_authorised": ErrorTemplates(
            t("Not allowed"), t("The DICOM peer does not allow us to do this."), ask
        ),
        "dimse.certificate": ErrorTemplates(
            t("Certificate not trusted"),
            t("The peer's certificate is not valid for its address, nobody known has signed it, or it is another one."),
            t("If it is your own, choose the file of its authority in the settings. Nothing was sent."),
        ),
        "dimse.tls": ErrorTemplates(
            t("No encrypted connection"),
            t("The DICOM peer does not speak TLS at this port, or no version that is safe."),
            t("Check the port. Nothing was sent."),
        ),
        "dimse.no_proof": ErrorTemplates(
            t("Cannot be proven"),
            t("The archive takes images, but neither commits to them nor answers whether it has them."),
            t("Ask whoever runs it to allow queries (C-FIND) or storage commitment."),
        ),
        "dimse.cannot_remove": ErrorTemplates(
            t("Cannot be taken back"),
            t("By DICOM nothing can be removed from an archive."),
            t("Ask its administrator to remove the image."),
        ),
    }


def _one_object() -> dict[str, ErrorTemplates]:
    others = t("The others are sent.")
    return {
        "dimse.refused": ErrorTemplates(t("Not taken"), t("The archive does not take this image ({status})."), others),
        "dimse.class_refused": ErrorTemplates(
            t("Kind not accepted"), t("The DICOM peer does not accept this kind of object or request."), others
        ),
        "dimse.syntax_refused": ErrorTemplates(
            t("Encoding not accepted"),
            t("The archive does not accept how this image is compressed, and it cannot be rewritten without loss."),
            others,
        ),
        "dimse.unsendable": ErrorTemplates(
            t("Cannot be sent"), t("The file does not say what it is, as a DICOM file must."), others
        ),
        "dimse.altered": ErrorTemplates(
            t("Changed by the archive"),
            t("The archive has the image, and says that it changed or doubts it ({status})."),
            t("Look at it there, and ask whoever runs the archive what it changes."),
        ),
    }


def _asked() -> dict[str, ErrorTemplates]:
    return {
        "dimse.not_answered": ErrorTemplates(
            t("Not answered"),
            t("The DICOM peer did not carry out the request ({status})."),
            t("Ask for less, or ask whoever runs it."),
        ),
        "dimse.destination_unknown": ErrorTemplates(
            t("Does not know where to send"),
            t("The archive does not know the AE title of our listener."),
            t("Ask whoever runs it to enter the listener's AE title, address and port."),
        ),
    }
