"""What receivers of images ask for, as data: form, size, resolution, what must be known of each image. Pure.

A profile chooses how copies are made, and says before they go what of them does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from app.core.errors import UserError
from app.domain.image import ImageRecord, Laterality

NEEDS = ("date", "side", "tooth", "caption", "name")
_NAME = re.compile(r"[\w .&()-]{1,40}")
_FORMS = ("optimised", "original")
_DAYS_A_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of receiver.

    ``strip``: with a line below the picture that says date, tooth and side, and whose it is where ``identified``.
    ``shortest_px``: the least for the longer side of a picture. ``newest_months``: how old an image may be. 0: any.
    ``needs``: of :data:`NEEDS`, what must be known of every image.
    """

    name: str
    form: str = "optimised"
    identified: bool = False
    strip: bool = False
    longest_px: int = 2048
    shortest_px: int = 0
    file_bytes: int = 0
    total_bytes: int = 10_000_000
    newest_months: int = 0
    needs: tuple[str, ...] = ()


BUILT_IN = (
    Profile("specialist", "original", identified=True, needs=("date", "side", "name")),
    Profile(
        "insurer",
        identified=True,
        strip=True,
        longest_px=1920,
        shortest_px=640,
        file_bytes=5_000_000,
        newest_months=12,
        needs=("date", "side", "tooth", "name"),
    ),
    Profile("patient", longest_px=1600),
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit; words are made of its code and facts."""

    code: str
    facts: Mapping[str, Any]


def profiles(own: Iterable[Mapping[str, Any]]) -> tuple[Profile, ...]:
    """Return the built-in profiles and the clinic's own; one of the same name takes a built-in one's place.

    Raises
    ------
    UserError
        ``share.bad_profile``.
    """
    known = {profile.name: profile for profile in BUILT_IN}
    known.update((profile.name, profile) for profile in map(parse_profile, own))
    return tuple(known.values())


def parse_profile(values: Mapping[str, Any]) -> Profile:
    """Return a profile from what a setting says. Raises ``share.bad_profile``."""
    try:
        shown = str(values.get("name", ""))
        unknown = set(values) - {field.name for field in fields(Profile)}
        profile = Profile(**{**values, "needs": tuple(values.get("needs", ()))})
        numbers = (profile.longest_px, profile.shortest_px, profile.file_bytes, profile.total_bytes)
        is_sound = (
            not unknown
            and _NAME.fullmatch(profile.name) is not None
            and profile.form in _FORMS
            and isinstance(profile.identified, bool)
            and isinstance(profile.strip, bool)
            and all(isinstance(one, int) and 0 <= one < 1 << 40 for one in (*numbers, profile.newest_months))
            and 16 <= profile.longest_px <= 20_000
            and profile.total_bytes >= 1
            and set(profile.needs) <= set(NEEDS)
        )
    except (TypeError, AttributeError) as error:
        raise UserError("share.bad_profile", name="") from error
    if not is_sound:
        raise UserError("share.bad_profile", name=shown)
    return profile


def misfits(
    profile: Profile, record: ImageRecord, *, has_name: bool, size_bytes: int, longer_px: int, now: datetime
) -> tuple[Misfit, ...]:
    """Return what of an image and its copy does not fit."""
    found = [Misfit(f"profile.no_{need}", {}) for need in profile.needs if not _is_known(need, record, has_name)]
    if profile.shortest_px and longer_px < profile.shortest_px:
        found.append(Misfit("profile.too_few_pixels", {"pixels": longer_px, "least": profile.shortest_px}))
    if profile.file_bytes and size_bytes > profile.file_bytes:
        found.append(Misfit("profile.file_too_large", {"has": size_bytes, "limit": profile.file_bytes}))
    taken = record.captured_at
    if profile.newest_months and taken is not None and (now - taken).days > profile.newest_months * _DAYS_A_MONTH:
        found.append(Misfit("profile.too_old", {"months": profile.newest_months}))
    return tuple(found)


def _is_known(need: str, record: ImageRecord, has_name: bool) -> bool:
    teeth = record.shown_teeth()
    known = {
        "date": record.captured_at is not None,
        # A tooth says on which side it is.
        "side": record.laterality is not Laterality.UNKNOWN or bool(teeth),
        "tooth": bool(teeth),
        "caption": bool(record.caption.strip()),
        "name": has_name,
    }
    return known[need]


def to_setting(profile: Profile) -> dict[str, Any]:
    """Return a profile as the setting holds it: its name, and what is not as usual."""
    usual = Profile(profile.name)
    values = {item.name: getattr(profile, item.name) for item in fields(Profile)}
    said = {name: value for name, value in values.items() if value != getattr(usual, name)}
    return {"name": profile.name, **said, **({"needs": list(profile.needs)} if profile.needs else {})}
