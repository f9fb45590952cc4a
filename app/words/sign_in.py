"""What the browser shows when somebody has signed in to Google, or said no."""

from __future__ import annotations

from app.words.catalogue import t


def pages() -> tuple[str, str]:
    """Return the texts of both pages, in the language of now."""
    return (
        t("Bitewing may keep its backups on your Google Drive now. You can close this page."),
        t("Bitewing was not allowed to. You can close this page."),
    )
