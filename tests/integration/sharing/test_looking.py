"""What people look at before it goes: whose images, how many pictures, and that it is what goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import UserError
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.services.outgoing.model import OutgoingArgs, Warn, args_for
from app.services.sharing.model import ShareWish
from app.sync.report import ImportArgs

QUIET = JobContext.silent()


def imported(library: Library, path: Path, chart: str) -> str:
    actor, ids = library.owner(), list[str]()
    patient = library.patients.add(actor, PatientDraft(f"Name{chart}", "", chart))
    library.imports.run(
        actor, ImportArgs((path,), Filing(patient.id)), QUIET, lambda item: ids.append(item.image_id or "")
    )
    return ids[0]


def test_images_of_several_patients_are_not_told_by_one_name(
    library: Library, images: list[str], tmp_path: Path
) -> None:
    actor, other = library.owner(), tmp_path / "other.png"
    Image.new("RGB", (30, 20), "navy").save(other)
    every = [*images, imported(library, other, "2")]
    with pytest.raises(UserError, match=r"share\.several_patients"):
        library.sharing.prepare(actor, every, OutgoingArgs(identified=True), QUIET)
    with library.sharing.prepare(actor, every, OutgoingArgs(), QUIET) as prepared:
        assert Warn.SEVERAL_PATIENTS in prepared.to_look_at
    for alone in (images, every[2:]):
        with library.sharing.prepare(actor, alone, OutgoingArgs(identified=True), QUIET) as prepared:
            assert Warn.SEVERAL_PATIENTS not in prepared.to_look_at


def test_the_clinic_says_how_much_a_link_holds(library: Library, images: list[str]) -> None:
    actor, much = library.owner(), OutgoingArgs(limit_bytes=200_000_000)
    for key, expected in (("20000000", 20_000_000), ("1000000", 1_000_000)):
        library.settings.set(actor, "share.limit_bytes", key)
        with library.sharing.prepare(actor, images[:1], much, QUIET) as prepared:
            assert prepared.args.limit_bytes == expected
    with pytest.raises(UserError):
        library.settings.set(actor, "share.limit_bytes", "1")


def test_a_share_remembers_whose_wishes_it_followed(library: Library, images: list[str]) -> None:
    actor = library.owner()
    args = args_for(library.sharing.profile("patient"))
    with library.sharing.prepare(actor, images, args, QUIET) as prepared:
        one = library.sharing.send(actor, prepared, ShareWish(seen=prepared.to_look_at, code="abcd-efgh"), QUIET)
    kept = library.sharing.get(actor, one.share.id).share
    assert (kept.receiver, kept.locked) == ("patient", True)
