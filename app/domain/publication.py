"""Published copies of images: names that nobody can guess, and how far each copy is. Pure.

What lies in public says nothing of whose it is: to whoever does not know the library its name is chance alone.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# The only folder of a mirror whose files anybody may read; no round of the mirror ever looks at it.
FOLDER = "published"
KIND = "public"
# What the ledger says of a copy whose sending has begun.
BEGUN = "attempted"
_TOKEN_BYTES = 20
_MARK_DIGITS = 8


class PublicForm(StrEnum):
    """What is published of an image."""

    JPEG = "jpeg"
    DICOM = "dicom"


class PublicState(StrEnum):
    """How far a published copy is.

    ``UNPROVEN``: it was sent, or its sending has begun, and the address was not seen to show it; strangers may see it.
    ``WITHDRAWING``: whoever has the address may still see it.
    """

    WAITING = "waiting"
    UNPROVEN = "unproven"
    PUBLIC = "public"
    WITHDRAWING = "withdrawing"
    PRIVATE = "private"


_SUFFIXES = {PublicForm.JPEG: "jpg", PublicForm.DICOM: "dcm"}
_NAME = re.compile(rf"{FOLDER}/(?P<token>[0-9a-f]{{40}})(?P<mark>[0-9a-f]{{8}})\.({'|'.join(_SUFFIXES.values())})")


@dataclass(frozen=True, slots=True)
class Publication:
    """One copy: of which image, where it lies under which name, what it is, and its dates.

    ``place`` says where its destination was when it was asked for: by other settings it is not found.
    ``url`` is ``None`` where the place has no public address. ``filename`` is what is sent, among the library's own
    outgoing files, until it is proven to be there. ``how``: by what was found out last how it stands.
    """

    id: str
    image_id: str
    patient_id: str
    destination: str
    remote_id: str
    place: str
    url: str | None
    form: PublicForm
    filename: str
    sha256: str
    size_bytes: int
    image_type: str
    caption: str
    asked_by: str
    asked_at: datetime
    public_at: datetime | None = None
    withdrawn_at: datetime | None = None
    gone_at: datetime | None = None
    how: str = ""

    @property
    def state(self) -> PublicState:
        """How far it is."""
        if self.gone_at is not None:
            return PublicState.PRIVATE
        if self.withdrawn_at is not None:
            return PublicState.WITHDRAWING
        if self.public_at is not None:
            return PublicState.PUBLIC
        return PublicState.UNPROVEN if self.how == BEGUN else PublicState.WAITING


def is_public(destination: str) -> bool:
    """Whether a queue is that of a public folder."""
    return destination.startswith(f"{KIND}.")


def public_destination(mirror: str) -> str:
    """Return what the queue of a mirror's public folder is called."""
    return f"{KIND}.{mirror}"


def new_name(form: PublicForm, library_id: str) -> str:
    """Return a name below the mirror's base: 160 bits of chance, and by what a library knows them as its own.

    Whoever does not know the library's id sees chance alone, and not even that two names are of the same library.
    """
    token = secrets.token_hex(_TOKEN_BYTES)
    return f"{FOLDER}/{token}{_mark(token, library_id)}.{_SUFFIXES[form]}"


def has_our_form(name: str) -> bool:
    """Whether a library of ours, this one or another, gave that name."""
    return _NAME.fullmatch(name) is not None


def is_own_name(name: str, library_id: str) -> bool:
    """Whether this very library gave that name."""
    found = _NAME.fullmatch(name)
    return found is not None and hmac.compare_digest(found["mark"], _mark(found["token"], library_id))


def form_of(name: str) -> PublicForm:
    """Return what is published under a name that has our form."""
    return next(form for form, suffix in _SUFFIXES.items() if name.endswith(f".{suffix}"))


def _mark(token: str, library_id: str) -> str:
    return hmac.digest(library_id.encode(), token.encode(), "sha256").hex()[:_MARK_DIGITS]


def public_address(base: str, name: str) -> str | None:
    """Return the address of a published file; ``base`` is the address of the public folder itself."""
    return f"{base.rstrip('/')}/{name.removeprefix(f'{FOLDER}/')}" if base else None
