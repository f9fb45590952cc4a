"""What a cell says when there is no picture, until the window hands in the program's own texts for errors."""

from __future__ import annotations

from app.core.errors import BitewingError
from app.words import t


def explain_plainly(error: BitewingError) -> tuple[str, str]:
    """Return a title and what to do, for the failures an open image can meet."""
    known = {
        "file.missing": (t("The file is not where it should be"), t("Run Check library to look for it.")),
        "file.truncated": (t("Part of the file is missing"), t("Import the image again from its source.")),
        "file.empty": (t("The file is empty"), t("Import the image again from its source.")),
        "file.too_large": (t("The image is too large to show"), ""),
        "decoder.memory": (t("The image is too large to show"), ""),
        "decoder.timeout": (t("Reading the image took too long"), t("Try again, or run Check library.")),
    }
    return known.get(
        error.code, (t("This image cannot be shown"), t("The file may be damaged. Run Check library to find out."))
    )
