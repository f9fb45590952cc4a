"""What trying a connection found, in a few lines; each kind of destination has its own way to be tried."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from app.core.context import JobContext
from app.ui.formats import joined, ltr
from app.words import errors as error_words
from app.words import numbers, t, tn
from app.words.connections import dimse_lines

if TYPE_CHECKING:
    from app.services.archiving.dimse_connector import DimseSystem
    from app.ui.session import Session


def try_connection(session: Session, destination: str) -> list[str]:
    """Try a stored destination and return what was found. Any thread. Raises BitewingError."""
    library, actor = session.library, session.actor
    kind, _dot, name = destination.partition(".")
    if kind in {"mirror", "public"}:
        return store_words(library.mirrors.test(actor, name, JobContext.silent()))
    if kind == "dimse":
        return dimse_words(library.archive.test_dimse(actor, name))
    return _orthanc_words(library.archive.test(actor))


def store_words(system: object) -> list[str]:
    """Return what a store told: that it takes files, its program, its room, what is to be minded."""
    free_bytes = getattr(system, "free_bytes", None)
    free = "" if free_bytes is None else t("{size} free", size=numbers.size(free_bytes))
    lines = [t("A file was written, read and deleted."), joined(ltr(getattr(system, "software", "")), free)]
    return [line for line in [*lines, *map(error_words.reason, getattr(system, "warnings", ()))] if line]


def dimse_words(system: DimseSystem) -> list[str]:
    """Return whom was asked, what the peer lets us do, what is to be minded."""
    lines = dimse_lines(**asdict(system), isolate=ltr)
    return [*lines, *map(error_words.reason, system.warnings)]


def _orthanc_words(system: object) -> list[str]:
    plugins = getattr(system, "plugins", ())
    web = t("DICOMweb is there") if "dicom-web" in plugins else t("no DICOMweb")
    count = getattr(system, "instances", 0)
    first = joined(
        t("Orthanc {version}", version=getattr(system, "version", "")),
        getattr(system, "name", ""),
        web,
        tn("{n} image there", "{n} images there", count),
    )
    return [first, *map(error_words.reason, getattr(system, "warnings", ()))]
