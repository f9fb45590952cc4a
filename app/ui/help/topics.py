"""What the built-in help says: short topics, in the words that the window itself uses."""

from __future__ import annotations

from dataclasses import dataclass

from app.words import t


@dataclass(frozen=True, slots=True)
class Topic:
    """One page of help."""

    name: str
    title: str
    paragraphs: tuple[str, ...]

    def matches(self, words: str) -> bool:
        """Whether every word stands somewhere on the page, case aside."""
        page = "\n".join((self.title, *self.paragraphs)).casefold()
        return all(word in page for word in words.casefold().split())


def topics() -> tuple[Topic, ...]:
    """Return every topic in the window's language, in the order in which people need them."""
    return (*_every_day(), *_safe_keeping())


def _every_day() -> tuple[Topic, ...]:
    return (
        Topic(
            "import",
            t("Bringing images in"),
            (
                t(
                    "Drag files or folders onto the window, onto a patient or onto a tooth, paste a picture, or choose "
                    "Import. Zip archives and DICOM discs are opened like folders."
                ),
                t(
                    "The original bytes are kept as they are. The same bytes are never filed twice, and a picture that "
                    "is there already in another file is pointed out."
                ),
                t(
                    "A DICOM file says whose it is. If anything in it disagrees with the patient – number, name or "
                    "birth date – it waits in the inbox instead of being filed."
                ),
                t(
                    "An import can be stopped and goes on later; every file that was not taken is named with "
                    "the reason."
                ),
            ),
        ),
        Topic(
            "inbox",
            t("The inbox"),
            (
                t("What has no sure patient waits here. On the left is what waits, on the right whose it may be."),
                t(
                    "The file's identity and the patient's stand side by side; what disagrees is red and must be "
                    "accepted on purpose. Below stands what speaks for the proposed patient."
                ),
                t("Enter files the image. With the box ticked, the other images of the same study go along."),
                t("A wrong decision is taken back with Undo, also later."),
            ),
        ),
        Topic(
            "find",
            t("Finding a patient"),
            (
                t(
                    "Ctrl+K, then any part of a name, chart number, phone number or birth date, in any order, in Latin "
                    "or Arabic letters, with or without accents."
                ),
                t("In the tree a patient opens into teeth, a tooth into kinds of image. The chart shows the same."),
                t("Images of one appointment or referral: give them a case, then Cases and appointments finds them."),
            ),
        ),
        Topic(
            "view",
            t("Looking at an image"),
            (
                t(
                    "Drag with the right button for brightness and contrast and with the middle one to move; the left "
                    "button does what is chosen above. The wheel goes to the next frame or image, with Ctrl it zooms."
                ),
                t("Layout shows several images side by side; a double click makes one of them large and small again."),
                t("Nothing you do here changes the original: a badge shows what is adjusted, and Reset takes it back."),
                t(
                    "“For processing” means that a sensor wrote its raw values; the picture shown is a fair default, "
                    "not what the sensor maker's program would show."
                ),
            ),
        ),
        Topic(
            "treatments",
            t("Treatments"),
            (
                t(
                    "What was done, or is planned, for which teeth, with the images that belong to it. Choose "
                    "images in "
                    "the filmstrip and add them with “Add chosen images” or from their menu."
                ),
                t("Deleting a treatment leaves its images where they are."),
            ),
        ),
    )


def _safe_keeping() -> tuple[Topic, ...]:
    return (
        Topic(
            "folders",
            t("Watched folders"),
            (
                t(
                    "Settings, Folders: what a sensor or a camera leaves there is brought in by itself, once it is "
                    "complete. The rule says where the patient is read from, and its preview shows what it reads."
                ),
                t(
                    "A folder that is away, on a network drive or a stick, is waited for. Nothing there is ever taken "
                    "for deleted."
                ),
                t(
                    "“Delete them once they are safe” removes a file only when its bytes were read back from the "
                    "library. Nobody sure means the inbox, here too."
                ),
            ),
        ),
        Topic(
            "backup",
            t("Backups"),
            (
                t(
                    "Settings, Backup: a folder on another drive, a time, and a password if the drive leaves "
                    "the house. "
                    "A backup counts once it was read back; a missed one is made up."
                ),
                t(
                    "A backup folder takes only what is new, and each backup in it is complete. Old ones are let go "
                    "after the time you set, but three good ones always stay."
                ),
                t(
                    "The lamp is amber when the newest good backup is older than planned or restoring was not "
                    "tried for "
                    "a long time. “Try restoring” does it in a temporary place and changes nothing."
                ),
                t(
                    "Google Drive: Settings, Google Drive, says what it needs. Only sealed backups go there; one that "
                    "was interrupted goes on where it stopped, and one counts when Google's checksum is the same."
                ),
                t("Without its password a sealed backup cannot be opened by anybody. Keep the password elsewhere."),
            ),
        ),
        Topic(
            "restore",
            t("Bringing things back"),
            (
                t("Deleted images: Ctrl+Alt+Z. The last things you did: Undo."),
                t(
                    "One patient: Backups, choose one, “One patient…”. What is gone, deleted or damaged comes back; "
                    "what was changed since stays."
                ),
                t(
                    "The whole library: Backups, “Restore…”. It is unpacked beside the present one and verified first; "
                    "the present library stays beside it."
                ),
                t(
                    "If the catalogue is damaged, Bitewing says so at the start and offers the newest backup. Until "
                    "then the images can be looked at with “Open for reading only”."
                ),
            ),
        ),
        Topic(
            "archive",
            t("The archive"),
            (
                t(
                    "Settings, Archive: with the address of an Orthanc there, every filed image is sent to it as well, "
                    "and counts only once its bytes there are proven to be the same."
                ),
                t(
                    "Without a network images wait and are sent later by themselves: the lamp is amber, and nobody has "
                    "to do anything. It is red only when somebody must decide or put something right."
                ),
                t(
                    "An image that is moved to another patient or deleted is called back from the archive. Where each "
                    "image is, its details say under “Also in”."
                ),
                t("“Try the connection” says whether the archive answers, and what is unsafe about it."),
                t(
                    "An archive that speaks only DICOM's own protocol goes into the list on the same page. It proves "
                    "what it has by storage commitment or by answering queries. Nothing can be called back from it: "
                    "such an image is listed for a decision."
                ),
                t(
                    "“Where images go” (Ctrl+Alt+A) lists what waits. For what needs a decision, choose it: “Try this "
                    "one again”, or “It is settled” once somebody has seen to it at the other side."
                ),
                t("Sensors and modalities can send by DICOM: the port and the name to answer to are set there, too."),
                t(
                    "Archives and viewers that are named there may ask for images where that is allowed; what they "
                    "asked for and what was sent to them stands in the audit log."
                ),
            ),
        ),
        Topic(
            "worklist",
            t("Worklist of the day"),
            (
                t(
                    "Ctrl+Shift+W shows who is expected today, if an archive in the settings is said to have the "
                    "worklist. A double click opens the patient; somebody new is added by it."
                ),
                t(
                    "Whoever is described differently there than here is shown side by side first. Nobody is ever "
                    "opened for another."
                ),
                t(
                    "The line above the images then says what the next image of today is filed as: kind, description, "
                    "study and accession number. “Not this” gives that up. What the file or you yourself say wins."
                ),
            ),
        ),
        Topic(
            "mirrors",
            t("Mirrors, and what is not everywhere yet"),
            (
                t(
                    "Settings, Mirrors: a folder on another computer, an FTP, SFTP or S3 server. Every filed image "
                    "goes there too, as it is, under names made of ids, and counts once its hash or size there is "
                    "proven."
                ),
                t(
                    "Google Drive can be a mirror, too, in the account of the backups: images lie there as they are, "
                    "so an administrator has to allow it, and the audit log keeps who did. People can rename and move "
                    "its folders there; what they put into the bin is sent anew after “Compare now”."
                ),
                t(
                    "Where images go (Ctrl+Alt+A) shows every destination with a lamp, what waits for it and why, and "
                    "what is not everywhere yet. “Try the connection” writes, reads and deletes a small file."
                ),
                t(
                    "A server that is not known shows its fingerprint: compare it with whoever runs it before you "
                    "trust it. If it changes later, nothing is sent until somebody has explained it."
                ),
                t(
                    "When a mirror's drive was replaced, “Start afresh…” there sends everything to the new one. While "
                    "a drive is only unplugged, connect it again instead."
                ),
                t(
                    "Amber also means: a queue that has not moved for a day, a clock that differs, a certificate that "
                    "ends soon, or a sensor that has been silent for days."
                ),
            ),
        ),
        Topic(
            "publishing",
            t("Publishing images"),
            (
                t(
                    "Off until an administrator allows it for a mirror (Settings, Mirrors) and reads what it means. "
                    "Then “Publish…” in an image's menu makes a copy without name, dates and camera data, under an "
                    "address that nobody can guess, and shows you the picture as strangers will see it."
                ),
                t(
                    "It counts as public once its address shows exactly that copy. The details show the address, to "
                    "copy and to open; “Public images…” (Ctrl+Alt+U) lists everything that is or may be public."
                ),
                t(
                    "“Move to private” deletes the copy and asks for its address, as a browser does, until nothing is "
                    "there any more while a trial picture beside it is shown; until then it stays in the list. An "
                    "image that is deleted or goes to another patient is taken back by itself."
                ),
                t(
                    "Taking back goes before publishing and is never given up; “Move to private” once more asks at "
                    "once. A copy that its address never shows is taken away again, and so is what waits when "
                    "publishing is switched off."
                ),
                t(
                    "The public address is that of the folder “published”, which a web server shows. “Try the "
                    "connection” says whether it is seen, whether it can be listed, and whether anything else of the "
                    "mirror can be seen with it; with either of the last two nothing is published until it is mended."
                ),
            ),
        ),
        Topic(
            "sharing",
            t("Sharing by a link"),
            (
                t(
                    "Choose images, then Share (Ctrl+Shift+H). You see exactly what goes out and what is left out of "
                    "it. Text and faces in a picture only you can find: go through all of them, 1:1 shows every pixel, "
                    "say that you looked, then a link is made."
                ),
                t(
                    "Choose for whom it is: a specialist, an insurer or the patient each get the copy that they need, "
                    "and what they would miss – a date, a side, a tooth, enough pixels – is said before anything goes."
                ),
                t(
                    "Whoever has a link can fetch the copy until it expires: send it to the right person only. Under "
                    "Links (Ctrl+Alt+H) it is ended before: what it leads to is deleted, and proven to be gone."
                ),
                t(
                    "For somebody to send you images, make a link there: it opens a page to choose files. What comes "
                    "waits in the inbox and never goes to a patient by itself. What cannot be brought in is said in "
                    "the log."
                ),
                t(
                    "Links are made by an S3 storage that is chosen in the settings, under Sharing. Without the "
                    "internet nothing can be shared; revoking waits until it is back, and the list says so. Where "
                    "images are deleted or moved to another patient, their links end by themselves."
                ),
            ),
        ),
        Topic(
            "browse",
            t("Browsing the archive"),
            (
                t(
                    "Ctrl+Shift+A: search the archive by name, number, days, kind or description. It is asked "
                    "anew each time, newest first; scroll for older ones."
                ),
                t(
                    "“Open” shows a study without importing it; whose it is stands above the viewer, and nothing of it "
                    "stays here. “Fetch into the library” brings a study, a series or an image in."
                ),
                t(
                    "The rules for the right patient are those of every import: whoever is not surely meant waits in "
                    "the inbox. Stopped or cut off, a fetch leaves nothing behind."
                ),
                t("“New” beside the archive counts studies that came from elsewhere since you last looked."),
            ),
        ),
        Topic(
            "agent",
            t("Working without a window"),
            (
                t(
                    "Watched folders, sending, receiving and backups go on without a window where the agent is "
                    "installed: the command bitewing agent install lets the system start it with the machine and "
                    "restart it."
                ),
                t(
                    "While a window is open the window does this work; the agent hands it over and takes it back when "
                    "the window has closed. Nothing is done twice."
                ),
                t(
                    "Watching, sending and backups are switched off one by one in the settings, for this computer. "
                    "The command bitewing agent status says how the agent stands, stop and start do what they say, and "
                    "remove lets the system forget it."
                ),
            ),
        ),
        Topic(
            "migration",
            t("Coming from another program"),
            (
                t(
                    "Import, “Bring in from an earlier program…”: choose its folder of images. Lists of patients and "
                    "treatments beside it (CSV, SQLite, JSON) are understood."
                ),
                t(
                    "First you see what would be brought in and what is not as it should be. A backup is made, then "
                    "everything is copied; the old folder is never changed."
                ),
            ),
        ),
        Topic(
            "trouble",
            t("When something is wrong"),
            (
                t("Activity (Ctrl+J) shows what runs and what failed. The log (Ctrl+Alt+L) shows it for longer."),
                t("“Check the library” compares every image with its file; at night a part is read again by itself."),
                t(
                    "The log and the technical log hold no patient's name and can be sent to whoever helps you. "
                    "“Export…” in the log writes a file."
                ),
            ),
        ),
    )
