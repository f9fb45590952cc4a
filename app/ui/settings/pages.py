"""The pages of the settings dialog as data: which settings, their titles and explanations, who may change them."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.destinations import DIMSE, MIRROR
from app.words import t, tn

DRIVE = "drive"


@dataclass(frozen=True)
class Field:
    """One setting on a page. ``choices`` are (value, words); ``None`` in ``scale`` means as stored."""

    key: str
    title: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    scale: int = 1
    unit: str = ""


@dataclass(frozen=True)
class Page:
    """One page. ``topic``: the kind of destinations whose list stands below its fields, or :data:`DRIVE`."""

    title: str
    icon: str
    fields: tuple[Field, ...]
    topic: str = ""


def pages(buckets: tuple[str, ...] = ()) -> tuple[Page, ...]:
    """Return every page in the window's language; ``buckets`` are the mirrors by which images can be shared."""
    return (
        Page(
            t("General"),
            "clinic",
            (
                Field("clinic.name", t("Name of the clinic"), t("Shown on prints and exports.")),
                Field(
                    "display.tooth_numbers",
                    t("Tooth numbers"),
                    t("How teeth are shown everywhere; what is stored does not change."),
                    (
                        ("fdi", t("FDI (11 to 48)")),
                        ("universal", t("Universal (1 to 32)")),
                        ("palmer", t("Palmer (UR1 to LR8)")),
                    ),
                ),
            ),
        ),
        Page(
            t("Library"),
            "library",
            (
                Field(
                    "storage.reserve_bytes",
                    t("Free space to keep"),
                    t("Imports stop before the disk has less than this left."),
                    scale=1_000_000,
                    unit=t("MB"),
                ),
                Field(
                    "background.sync",
                    t("This computer sends to archives and mirrors"),
                    t(
                        "In the window, and in the agent that works without one. "
                        "What is filed waits for a computer that sends."
                    ),
                ),
                Field(
                    "background.backup",
                    t("This computer makes the regular backups"),
                    t("Several computers with one library: let the one do it that is always on."),
                ),
            ),
        ),
        _folders(),
        _archive(),
        Page(t("Mirrors"), "mirror", (), MIRROR),
        _sharing(buckets),
        _backup(),
        _drive(),
        Page(
            t("Appearance"),
            "theme",
            (
                Field(
                    "display.theme",
                    t("Theme"),
                    t("Images stand on a dark ground in both."),
                    (("dark", t("Dark")), ("light", t("Light")), ("system", t("As the system"))),
                ),
                Field("display.touch_targets", t("Larger targets for touch screens"), t("At least 32 pixels high.")),
                Field(
                    "viewer.wheel",
                    t("The mouse wheel"),
                    t("Ctrl and the wheel do the other."),
                    (("images", t("goes through images and frames")), ("zoom", t("zooms"))),
                ),
            ),
        ),
        Page(
            t("Language"),
            "language",
            (
                Field(
                    "display.language",
                    t("Language"),
                    t("The window changes at once."),
                    (("", t("As the system")), ("en", "English"), ("ar", "العربية")),
                ),
            ),
        ),
    )


def _folders() -> Page:
    return Page(
        t("Folders"),
        "folder",
        (
            Field("monitor.enabled", t("Watch folders for new images"), t("Images are imported as they arrive.")),
            Field(
                "monitor.folders",
                t("Watched folders"),
                t("What your sensor, scanner or camera program writes to. What is not sure waits in the inbox."),
            ),
            Field(
                "monitor.interval",
                t("Look through the folders every"),
                t("Network folders tell nobody when something arrives; they are looked through."),
                unit=t("seconds"),
            ),
        ),
    )


def _archive() -> Page:
    return Page(
        t("Archive"),
        "export",
        (
            Field(
                "orthanc.enabled",
                t("Send images to an Orthanc archive"),
                t("Every filed image, proven to be there; without a network they wait."),
            ),
            Field("orthanc.url", t("Address"), t("As in https://archive:8042.")),
            Field(
                "orthanc.method",
                t("Way of storing"),
                t("DICOMweb where a gateway in between lets nothing else through."),
                (("rest", t("Orthanc's own")), ("stow", t("DICOMweb (STOW-RS)"))),
            ),
            Field("orthanc.username", t("User name")),
            Field("orthanc.password", t("Password")),
            Field(
                "orthanc.ca",
                t("Trusted certificate"),
                t("A PEM file of your own authority, or the fingerprint of the archive's certificate."),
            ),
            Field(
                "orthanc.fetch_new",
                t("Bring in what comes to the archive from elsewhere"),
                t("By the rules for the right patient; then it is in mirrors and backups, too."),
            ),
            Field(
                "orthanc.allow_plain",
                t("Allow a connection that is not encrypted"),
                t("On its way everybody can read along. Who allowed it stands in the audit log."),
            ),
            Field(
                "receive.enabled",
                t("Take what sensors and modalities send by DICOM"),
                t("What is not sure waits in the inbox."),
            ),
            Field("receive.port", t("Port to listen on"), t("11112 is usual.")),
            Field("receive.aet", t("Name to answer to (AE title)"), t("Enter the same at the sensor.")),
            Field(
                "receive.answer",
                t("Let known archives and viewers ask for images"),
                t("Only those named below are answered, by their AE title and address. It stands in the audit log."),
            ),
        ),
        DIMSE,
    )


def _backup() -> Page:
    return Page(
        t("Backup"),
        "backup",
        (
            Field(
                "backup.folder",
                t("Folder for backups"),
                t("An external drive or another computer's folder; never the disk that the library is on."),
            ),
            Field(
                "backup.form",
                t("Form"),
                t("A folder takes only what is new; a file is easy to carry. Each is complete."),
                (("zip", t("One zip file each time")), ("folder", t("A folder that grows"))),
            ),
            Field(
                "backup.contents",
                t("Contents"),
                t("Without the images a backup cannot bring them back."),
                _contents(),
            ),
            Field(
                "backup.schedule",
                t("How often"),
                t("A run that was missed is made up."),
                _how_often(),
            ),
            Field("backup.time", t("At"), t("Hours and minutes, as in 02:00.")),
            Field(
                "backup.retention_days",
                t("Keep backups for"),
                t("Counted from the newest; three are always kept."),
                unit=t("days"),
            ),
            Field(
                "backup.password",
                t("Password of the backups"),
                t("Twelve characters or more. Without it nobody can read them, not even you: write it down."),
            ),
            Field("proof.nightly", t("Read a part of the library again every night"), t("The whole in thirty nights.")),
            Field(
                "proof.drill_days",
                t("Try restoring at least every"),
                t("The status turns amber when the last trial is older."),
                unit=t("days"),
            ),
        ),
    )


def _sharing(buckets: tuple[str, ...]) -> Page:
    return Page(
        t("Sharing"),
        "share",
        (
            Field(
                "share.destination",
                t("Where shared images lie"),
                t("An S3 storage that is set up as a mirror; it need not be switched on. Block public access to it."),
                (("", t("Nowhere: nothing is shared")), *((name, name) for name in buckets)),
            ),
            Field(
                "share.expires",
                t("A link usually lasts"),
                t("Seven days at most. What a link leads to is deleted when it expires."),
                (
                    ("1h", tn("{n} hour", "{n} hours", 1)),
                    ("8h", tn("{n} hour", "{n} hours", 8)),
                    ("1d", tn("{n} day", "{n} days", 1)),
                    ("3d", tn("{n} day", "{n} days", 3)),
                    ("7d", tn("{n} day", "{n} days", 7)),
                ),
            ),
            Field(
                "share.limit_bytes",
                t("A link holds at most"),
                t("More is not sent; a receiver may ask for less."),
                scale=1_000_000,
                unit=t("MB"),
            ),
            Field(
                "share.profiles",
                t("Receivers"),
                t("Which copy each gets, and what must be known of an image before it goes to them."),
            ),
        ),
    )


def _how_often() -> tuple[tuple[str, str], ...]:
    return (
        ("off", t("Only by hand")),
        ("daily", t("Every day")),
        ("weekly", t("Every week")),
        ("monthly", t("Every month")),
    )


def _contents() -> tuple[tuple[str, str], ...]:
    return ("images", t("Everything, with the images")), ("database", t("The catalogue only"))


def _drive() -> Page:
    return Page(
        t("Google Drive"),
        "cloud",
        (
            Field("drive.client_id", t("Client ID"), t("As in 123-abc.apps.googleusercontent.com.")),
            Field("drive.client_secret", t("Client secret")),
            Field("drive.folder", t("Folder on Google Drive"), t("Made when the first backup goes there.")),
            Field(
                "drive.contents",
                t("Contents"),
                t("Without the images a backup cannot bring them back."),
                _contents(),
            ),
            Field(
                "drive.schedule",
                t("How often"),
                t("A run that was missed is made up."),
                _how_often(),
            ),
            Field("drive.time", t("At"), t("Hours and minutes, as in 02:00.")),
            Field(
                "drive.retention_days",
                t("Keep backups for"),
                t("Counted from the newest; three are always kept."),
                unit=t("days"),
            ),
            Field(
                "drive.allow_plain",
                t("Allow backups that are not sealed"),
                t("Whoever gets into the Google account could read them. Who allowed it stands in the audit log."),
            ),
        ),
        DRIVE,
    )
