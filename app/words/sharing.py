"""Words for shares: kinds, states, what was taken out of a copy, what to look at before it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.domain.sharing import Share, ShareEnd, ShareState
from app.words import numbers
from app.words.catalogue import t, tn

STATES: dict[str, Callable[[], str]] = {
    "uploading": lambda: t("on its way"),
    "live": lambda: t("live"),
    "revoking": lambda: t("being revoked"),
    "revoked": lambda: t("revoked"),
    "expiring": lambda: t("expired, being deleted"),
    "expired": lambda: t("expired"),
    "failed": lambda: t("failed"),
}


def state_key(share: Share) -> str:
    """Return how a share stands, as one word of :data:`STATES`."""
    if share.state is ShareState.ENDING:
        names = {ShareEnd.REVOKED: "revoking", ShareEnd.EXPIRED: "expiring", ShareEnd.FAILED: "failed"}
        return names[share.ending or ShareEnd.FAILED]
    if share.state is ShareState.ENDED:
        return share.ending.value if share.ending else "expired"
    return share.state.value


def state(share: Share) -> str:
    """Return how a share stands."""
    return STATES[state_key(share)]()


def kind(name: str) -> str:
    """Return which way files go."""
    return {"download": t("to fetch"), "upload": t("to send")}.get(name, name)


def warning(name: str) -> str:
    """Return what a person should look at, or know."""
    known = {
        "text_said": t("The file says that text is part of the picture: look for names."),
        "text_possible": t("Text may be part of the picture: look for names."),
        "face_said": t("The file says that the person can be recognised in the picture."),
        "face_possible": t("The person may be recognised in the picture."),
        "first_frame": t("Only the first picture of several goes out."),
        "too_large": t("The copy is larger than may be shared."),
        "identified": t("The copy says whose it is."),
    }
    return known.get(name, name)


def removed(name: str) -> str:
    """Return a kind of parts that are not in the copy."""
    known = {
        "patient": t("Patient’s data"),
        "people": t("Physicians, staff, institution"),
        "devices": t("Devices and software"),
        "dates": t("Dates and times"),
        "numbers": t("Unique numbers"),
        "private": t("Makers’ private data"),
        "overlays": t("Overlays and icons"),
        "texts": t("Descriptions and comments"),
        "other": t("Other data"),
        "camera": t("Camera data (EXIF)"),
        "gps": t("Place (GPS)"),
        "xmp": t("Editing data (XMP)"),
        "iptc": t("Captions (IPTC)"),
        "profile": t("Colour profile"),
        "comments": t("Comments"),
        "behind": t("Data behind the picture"),
        "file_name": t("File name"),
    }
    return known.get(name, name)


def receiver(name: str) -> str:
    """Return what a receiver's profile is called."""
    known = {"specialist": t("A specialist (DICOM)"), "insurer": t("An insurer (JPEG)"), "patient": t("The patient")}
    return known.get(name, name)


def need(name: str) -> str:
    """Return what a receiver wants to know of each image."""
    known = {
        "date": t("When it was taken"),
        "side": t("The side, or a tooth"),
        "tooth": t("The teeth"),
        "caption": t("A caption"),
        "name": t("The patient’s name"),
    }
    return known.get(name, name)


def misfit(code: str, facts: Mapping[str, Any]) -> str:
    """Return what does not fit a receiver's profile."""
    known: dict[str, Callable[[], str]] = {
        "profile.no_date": lambda: t("Nobody knows when it was taken."),
        "profile.no_side": lambda: t("Neither its side nor its teeth are known."),
        "profile.no_tooth": lambda: t("Its teeth are not known."),
        "profile.no_caption": lambda: t("It has no caption."),
        "profile.no_name": lambda: t("The patient has no name."),
        "profile.too_few_pixels": lambda: t("It has {pixels} pixels; {least} are asked for.", **facts),
        "profile.file_too_large": lambda: t(
            "It has {has}; no more than {limit} is taken.",
            has=numbers.size(int(facts["has"])),
            limit=numbers.size(int(facts["limit"])),
        ),
        "profile.too_old": lambda: tn(
            "It is older than {n} month.", "It is older than {n} months.", int(facts["months"])
        ),
    }
    return known[code]() if code in known else code
