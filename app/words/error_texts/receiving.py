"""Words for the DICOM listener."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "receive.port_taken": ErrorTemplates(
            t("Port in use"),
            t("Another program listens on port {port} already, perhaps Bitewing itself."),
            t("End it, or choose another port here and at the sensor."),
        ),
        "receive.port_refused": ErrorTemplates(
            t("Port refused"), t("This account may not listen on port {port}."), t("Choose a port above 1023.")
        ),
        "receive.set_aside": ErrorTemplates(
            t("Received, no image"),
            t("Something was received that is no image, such as a report or a presentation state."),
            t("It is kept in the library's folder .received/aside."),
        ),
        "receive.asker_unknown": ErrorTemplates(
            t("Unknown caller refused"),
            t("{aet} at {address} asked for images and is not known here. It got no answer."),
            t("Name it in the settings under Archive, with this AE title and address, if it may ask."),
        ),
        "receive.not_imported": ErrorTemplates(
            t("Received, not yet imported"),
            t("{files} objects were received and could not be imported: {cause}."),
            t("They are kept and tried again."),
        ),
    }
