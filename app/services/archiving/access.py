"""How the archive is reached by the settings: its address, who we are there, and what is refused."""

from __future__ import annotations

from app.core.errors import UserError
from app.services.settings import SettingsService
from app.transfer.connection import OrthancArgs, is_private

PASSWORD_KEY = "orthanc.password"  # noqa: S105 - the name of a setting
CONNECTIONS = 4


def archive_args(settings: SettingsService) -> OrthancArgs:
    """Return how to reach the archive.

    Raises
    ------
    UserError
        ``pacs.not_set_up``; ``pacs.plain_refused`` for another computer without encryption or consent.
    """
    clinic = settings.clinic()
    if not clinic.orthanc_url:
        raise UserError("pacs.not_set_up")
    if not (clinic.orthanc_allow_plain or is_private(clinic.orthanc_url)):
        raise UserError("pacs.plain_refused", url=clinic.orthanc_url)
    password = settings.secret(PASSWORD_KEY) or ""
    return OrthancArgs(clinic.orthanc_url, clinic.orthanc_username, password, clinic.orthanc_ca, CONNECTIONS)
