"""What a remote store (folder, FTP, SFTP, S3, Google Drive) says when something does not go as it should."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the texts by code, in the language of now."""
    return {**_away(), **_set_up(), **_blocked(), **_trust(), **_files(), **_warnings()}


def _away() -> dict[str, ErrorTemplates]:
    later = t("Nothing is lost: files wait and are sent as soon as it answers.")
    return {
        "store.unreachable": ErrorTemplates(
            t("Destination not reached"),
            t("Nothing answers at its address, or its drive is not connected."),
            later,
        ),
        "store.other_drive": ErrorTemplates(
            t("Another drive, or none"),
            t("A folder is at its place, but not the one that was used before: its drive is away, or was replaced."),
            t("Connect the drive. If it was replaced, start afresh there: everything is sent anew."),
        ),
        "store.slow": ErrorTemplates(t("Destination too slow"), t("The destination did not answer in time."), later),
        "store.cut_off": ErrorTemplates(t("Connection lost"), t("The connection to the destination broke off."), later),
        "store.busy": ErrorTemplates(
            t("Destination busy"), t("The destination cannot take anything at the moment."), later
        ),
        "store.altered": ErrorTemplates(
            t("Did not arrive whole"),
            t("What the destination has is not what was sent; it was not kept."),
            t("It is sent again."),
        ),
    }


def _set_up() -> dict[str, ErrorTemplates]:
    return {
        "store.no_address": ErrorTemplates(
            t("No address"), t("The destination has no usable address."), t("Enter it in the settings.")
        ),
        "store.plain_refused": ErrorTemplates(
            t("Not encrypted"),
            t("The connection to {host} would not be encrypted. Nothing was sent."),
            t("Use an encrypted kind, or allow it in the settings: who did so stands in the audit log."),
        ),
        "store.unsealed_refused": ErrorTemplates(
            t("Not sealed"),
            t("Images would lie at Google as they are, and nobody has allowed that. Nothing was sent."),
            t("Allow it in the mirror's settings, or choose another kind of mirror."),
        ),
        "store.bad_trust": ErrorTemplates(
            t("Certificate not usable"),
            t("“{trust}” is neither a file of certificates nor a fingerprint."),
            t("Choose the PEM file of the authority, or enter the SHA-256 fingerprint."),
        ),
        "store.pin_refused": ErrorTemplates(
            t("Fingerprint not usable here"),
            t("For S3 a file of certificates is needed; a fingerprint is not enough."),
            t("Choose the PEM file of the authority, or of the server's own certificate."),
        ),
        "store.bad_key": ErrorTemplates(
            t("Key file not usable"),
            t("{path} cannot be read as a private key with this pass phrase."),
            t("Choose the file of the private key and enter its pass phrase as the password."),
        ),
        "store.bad_expiry": ErrorTemplates(
            t("Link lasts too long"),
            t("A link lasts between one second and seven days."),
            t("Choose a shorter time."),
        ),
        "store.no_encryption": ErrorTemplates(
            t("No encryption offered"),
            t("The server does not offer encrypted connections. Nothing was sent."),
            t("Ask whoever runs it to switch on FTPS, or use SFTP."),
        ),
    }


def _blocked() -> dict[str, ErrorTemplates]:
    ask = t("Ask whoever runs the destination.")
    return {
        "store.unauthorized": ErrorTemplates(
            t("Not signed in"),
            t("The destination does not accept user name, password or key."),
            t("Enter them again."),
        ),
        "store.forbidden": ErrorTemplates(t("Not allowed"), t("The destination does not let this user do that."), ask),
        "store.full": ErrorTemplates(
            t("Destination full"), t("The destination has no room left."), t("Make room there; files wait here.")
        ),
        "store.missing": ErrorTemplates(
            t("Not found there"),
            t("The destination has no folder or bucket of this name."),
            t("Check its name in the settings."),
        ),
        "store.clock": ErrorTemplates(
            t("Clock differs"),
            t("The destination refuses because this computer's clock is wrong."),
            t("Set the clock of this computer."),
        ),
        "store.failed": ErrorTemplates(
            t("Destination failed"),
            t("The destination refused: {detail}"),
            ask,
            t("The destination refused without saying why."),
        ),
    }


def _trust() -> dict[str, ErrorTemplates]:
    compare = t("Compare the fingerprint with whoever runs the server; an administrator can then trust it.")
    return {
        "store.certificate": ErrorTemplates(
            t("Certificate not trusted"),
            t("The certificate is not valid for this address and time, or nobody known has signed it: {fingerprint}."),
            compare,
            t("The certificate is not valid for this address and time, or nobody known has signed it."),
        ),
        "store.host_key_unknown": ErrorTemplates(
            t("Unknown server"),
            t("This server was not met before. Its key: {fingerprint}."),
            compare,
            t("This server was not met before."),
        ),
        "store.host_key_changed": ErrorTemplates(
            t("Another server answers"),
            t("The server has another key than before: {fingerprint}. Nothing was sent."),
            t("Do not go on before whoever runs the server has explained it: somebody may be listening in."),
            t("The server has another key than before. Nothing was sent."),
        ),
    }


def _files() -> dict[str, ErrorTemplates]:
    return {
        "store.bad_name": ErrorTemplates(
            t("Name not possible"), t("The destination cannot keep a file named “{name}”.")
        ),
        "store.conflict": ErrorTemplates(
            t("Something else is there"),
            t("Under the name {name} the destination has other bytes, and keeps them."),
            t("Compare both and decide; nothing was overwritten."),
        ),
        "store.not_there": ErrorTemplates(
            t("File not there"), t("The destination has no file “{name}”."), t("It may have been deleted there.")
        ),
    }


def _warnings() -> dict[str, ErrorTemplates]:
    return {
        "store.plain": ErrorTemplates(
            t("Not encrypted"),
            t("The connection is not encrypted: on its way everybody can read along."),
            t("Use an encrypted kind."),
        ),
        "store.public": ErrorTemplates(
            t("Open to everybody"),
            t("Everybody on the internet can read what lies in this bucket."),
            t("Block public access to it before anything is sent."),
        ),
        "store.little_space": ErrorTemplates(
            t("Little room"), t("The destination has less than 1 GB of room left."), t("Make room there.")
        ),
    }
