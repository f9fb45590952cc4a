"""Whether a file that came from the archive is the one that was asked for: told by its own header."""

from __future__ import annotations

from pathlib import Path

from app.core.errors import EnvironmentFault
from app.core.files import translate_os_error
from app.domain.folding import fold
from app.imaging.header import HeaderFacts
from app.imaging.header_scan import Fallback, scan_header


def require_asked_for(
    path: Path, fallback: Fallback, study_uid: str, sop_uid: str | None = None, patient_id: str | None = None
) -> HeaderFacts:
    """Return a file's header.

    Raises
    ------
    EnvironmentFault
        ``pacs.something_else`` when it belongs to another study or patient, or is another image, than was asked for.
    """
    try:
        header = scan_header(path, fallback)
    except OSError as error:
        raise translate_os_error(error) from error
    if header is None or header.study_uid != study_uid or (sop_uid and header.sop_instance_uid != sop_uid):
        raise EnvironmentFault("pacs.something_else")
    if patient_id is not None and fold(header.patient_id) != fold(patient_id):
        # Two patients under one Study Instance UID: the other one's images must not be shown under this name.
        raise EnvironmentFault("pacs.something_else")
    return header
