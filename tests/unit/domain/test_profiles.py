"""What receivers ask for: said before anything goes, cell by cell; a clinic's own profiles are checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.core.errors import UserError
from app.domain.image import FileKind, ImageRecord, Laterality, Placement
from app.domain.profiles import BUILT_IN, Profile, misfits, parse_profile, profiles

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
COMPLETE = {
    "captured_at": NOW - timedelta(days=30),
    "laterality": Laterality.LEFT,
    "teeth": ("14",),
    "caption": "Before the crown",
}


def codes(
    profile: Profile, *, has_name: bool = True, size: int = 1000, longer: int = 1200, **more: object
) -> list[str]:
    record = ImageRecord(
        "i", "p", Placement.FILED, "x/", "a.jpg", "a.jpg", "", 1, "image/jpeg", FileKind.PHOTO, NOW, **more
    )  # type: ignore[arg-type]
    return [one.code for one in misfits(profile, record, has_name=has_name, size_bytes=size, longer_px=longer, now=NOW)]


@pytest.mark.parametrize("profile", BUILT_IN, ids=lambda profile: profile.name)
def test_a_complete_image_fits_every_receiver(profile: Profile) -> None:
    assert codes(profile, **COMPLETE) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"captured_at": None}, "profile.no_date"),
        ({"captured_at": NOW - timedelta(days=400)}, "profile.too_old"),
        ({"teeth": ()}, "profile.no_tooth"),
        ({"has_name": False}, "profile.no_name"),
        ({"longer": 639}, "profile.too_few_pixels"),
        ({"size": 5_000_001}, "profile.file_too_large"),
    ],
)
def test_an_insurer_is_told_nothing_that_is_missing(change: dict[str, object], code: str) -> None:
    insurer = next(profile for profile in BUILT_IN if profile.name == "insurer")
    assert codes(insurer, **{**COMPLETE, **change}) == [code]  # type: ignore[arg-type]


def test_a_side_is_known_by_itself_or_by_a_tooth() -> None:
    asks = Profile("x", needs=("side", "caption"))
    assert codes(asks, teeth=("3",), caption=" x ") == []
    assert codes(asks, laterality=Laterality.RIGHT, caption="x") == []
    assert codes(asks) == ["profile.no_side", "profile.no_caption"]


def test_a_clinics_own_profile_joins_or_replaces() -> None:
    own = {"name": "insurer", "form": "original", "needs": ["date"], "newest_months": 6}
    every = profiles([own, {"name": "Dr Weiss", "longest_px": 1024}])
    assert [profile.name for profile in every] == ["specialist", "insurer", "patient", "Dr Weiss"]
    assert (every[1].form, every[1].needs, every[1].newest_months) == ("original", ("date",), 6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": ""},
        {"name": "x", "form": "fax"},
        {"name": "x", "needs": ["blood"]},
        {"name": "x", "needs": 3},
        {"name": "x", "longest_px": "many"},
        {"name": "x", "longest_px": 0},
        {"name": "x", "identified": "yes"},
        {"name": "x", "total_bytes": -1},
        {"name": "x", "colour": "green"},
        "x",
    ],
)
def test_what_is_no_profile_is_refused(values: object) -> None:
    with pytest.raises(UserError, match=r"share\.bad_profile"):
        parse_profile(values)  # type: ignore[arg-type]
