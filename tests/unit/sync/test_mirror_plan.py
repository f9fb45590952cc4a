"""The plan of a mirror's round: only what the queue says, never what is merely not here."""

from __future__ import annotations

from app.sync.mirror_plan import FIRST, MirrorPlan, Upload, plan_mirror


def test_nothing_waits() -> None:
    assert plan_mirror((), (), {"a": 1, "b": 2}) == MirrorPlan(unchanged=2)


def test_sends_new_and_again_and_call_backs() -> None:
    listing = {"old": 5, "again": 7, "stays": 9}
    plan = plan_mirror((Upload("new", 3), Upload("again", 7)), ("old", "gone"), listing)
    assert plan == MirrorPlan(
        uploads=2,
        replaced=1,
        bytes=10,
        recalls=1,
        gone_already=1,
        unchanged=1,
        first_uploads=("new", "again"),
        first_recalls=("old",),
    )


def test_what_is_to_be_there_is_never_called_back() -> None:
    plan = plan_mirror((Upload("a", 1),), ("a", "b"), {"a": 1, "b": 1}, wanted={"b"})
    assert (plan.recalls, plan.first_recalls, plan.uploads) == (0, (), 1)


def test_an_empty_listing_calls_nothing_back() -> None:
    assert plan_mirror((), ("a", "b"), {}).recalls == 0


def test_many_names_are_counted_and_the_first_are_named() -> None:
    plan = plan_mirror((Upload(f"n{number}", 1) for number in range(500)), (), {})
    assert (plan.uploads, plan.bytes, len(plan.first_uploads)) == (500, 500, FIRST)
