"""What is asked of a mirror or of an archive that speaks DICOM alone, as data: which fields, for which kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.destinations import MIRROR
from app.ui.formats import ltr
from app.ui.settings.pages import Field
from app.words import t

ANY: tuple[str, ...] = ()
_NETWORK = ("ftp", "ftps", "sftp")
# Nobody sees a folder of Google Drive by an address of their own.
_SHOWN_ON_THE_WEB = ("folder", *_NETWORK, "s3")


@dataclass(frozen=True)
class DestinationField:
    """A field, by the last part of its key, and the kinds of destinations that have it (none named: all)."""

    field: Field
    kinds: tuple[str, ...] = ANY


@dataclass(frozen=True)
class Destination:
    """A destination as the settings page holds it until it is saved. ``values`` by the last part of the key."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def fields_of(topic: str) -> tuple[DestinationField, ...]:
    """Return the fields of a topic in the order they are asked in."""
    return _mirror() if topic == MIRROR else _dimse()


def kind_words() -> dict[str, str]:
    """Return what each kind of mirror is called."""
    return {
        "folder": t("Folder or network drive"),
        "sftp": t("SFTP server"),
        "ftps": t("FTP server, encrypted"),
        "ftp": t("FTP server, not encrypted"),
        "s3": t("S3 storage"),
        "drive": t("Google Drive"),
    }


def _mirror() -> tuple[DestinationField, ...]:
    return (
        DestinationField(Field("kind", t("Kind"), choices=tuple(kind_words().items()))),
        DestinationField(Field("host", t("Server")), _NETWORK),
        DestinationField(Field("port", t("Port"), t("0 is the usual one.")), _NETWORK),
        DestinationField(Field("username", t("User name")), _NETWORK),
        DestinationField(Field("password", t("Password")), _NETWORK),
        DestinationField(
            Field("key_file", t("Key file"), t("A private key instead of a password; the password is then its own.")),
            ("sftp",),
        ),
        DestinationField(Field("endpoint", t("Address"), t("Left empty: Amazon's own.")), ("s3",)),
        DestinationField(Field("region", t("Region")), ("s3",)),
        DestinationField(Field("bucket", t("Bucket")), ("s3",)),
        DestinationField(Field("access_key", t("Access key")), ("s3",)),
        DestinationField(Field("secret_key", t("Secret key")), ("s3",)),
        DestinationField(Field("path_style", t("Name the bucket in the path")), ("s3",)),
        DestinationField(Field("path", t("Folder"))),
        DestinationField(
            Field("trust", t("Trusted"), t("A PEM file, or the fingerprint of certificate or host key.")),
            ("ftps", "sftp", "s3"),
        ),
        DestinationField(
            Field(
                "allow_plain",
                t("Allow a connection that is not encrypted"),
                t("On its way everybody can read along. Who allowed it stands in the audit log."),
            ),
            ("ftp", "s3"),
        ),
        DestinationField(
            Field(
                "allow_unsealed",
                t("Let images lie at Google as they are"),
                t(
                    "They go to the account that is connected for backups, unsealed: whoever gets into it sees them."
                    " Who allowed it stands in the audit log."
                ),
            ),
            ("drive",),
        ),
        DestinationField(
            Field(
                "layout",
                t("Arrangement"),
                t("Names are made of ids, never of people's names."),
                (("library", t("As in the library")), ("clinical-images", t("By patient, as clinical images"))),
            )
        ),
        DestinationField(Field("interval", t("Send every"), unit=t("seconds"))),
        DestinationField(Field("connections", t("Connections at once")), (*_NETWORK, "s3", "drive")),
        DestinationField(Field("enabled", t("Send images there"))),
        DestinationField(
            Field(
                "publish",
                t("Allow single images to be published there"),
                t(
                    "Off by default. Whoever has the address of a published image can see it; nothing is published "
                    "but what somebody chose. Who allowed it stands in the audit log."
                ),
            ),
            _SHOWN_ON_THE_WEB,
        ),
        DestinationField(
            Field(
                "public_url",
                t("Public address"),
                t(
                    "Where the folder “published” is seen on the web, such as {example}; nothing else of the mirror "
                    "may be seen there.",
                    example=ltr("https://images.example.org"),
                ),
            ),
            _SHOWN_ON_THE_WEB,
        ),
    )


def _dimse() -> tuple[DestinationField, ...]:
    return (
        DestinationField(Field("host", t("Server"))),
        DestinationField(Field("port", t("Port"), t("104 and 11112 are usual."))),
        DestinationField(Field("aet", t("Its name (AE title)"))),
        DestinationField(Field("tls", t("Encrypted (TLS)"))),
        DestinationField(Field("trust", t("Trusted"), t("A PEM file, or the fingerprint of its certificate."))),
        DestinationField(
            Field(
                "allow_plain",
                t("Allow a connection that is not encrypted"),
                t("On its way everybody can read along. Who allowed it stands in the audit log."),
            )
        ),
        DestinationField(Field("worklist", t("It has the worklist of the day"))),
        DestinationField(Field("enabled", t("Send images there"))),
    )
