"""States, history and geometry of the viewer: pure values."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.viewer.geometry import ViewGeometry
from app.ui.viewer.tools import level_dragged, pan_dragged, toggled_fit, zoom_stepped
from app.ui.viewer.view_history import HISTORY_LIMIT, ViewHistory
from app.ui.viewer.view_state import MAX_ZOOM, MIN_ZOOM, Level, ViewState

ORIENTATIONS = [
    ViewState(rotation=rotation, flip_horizontal=flip) for rotation, flip in product((0, 90, 180, 270), (False, True))
]


def geometry(
    state: ViewState, columns: int = 400, rows: int = 200, width: int = 300, height: int = 300
) -> ViewGeometry:
    return ViewGeometry(columns, rows, width, height, state)


def test_rotating_right_four_times_is_nothing_even_when_mirrored():
    for start in ORIENTATIONS:
        state = start
        for _ in range(4):
            state = state.turned(90)
        assert state == start


def test_rotating_right_turns_clockwise_as_seen_when_mirrored():
    """A point at the top of the cell moves to its right side, flip or not."""
    for start in ORIENTATIONS:
        before, after = geometry(start, 200, 200), geometry(start.turned(90), 200, 200)
        top = before.to_image(150, 10)
        x, y = after.to_screen(*top)
        assert (round(x), round(y)) == (290, 150)


@pytest.mark.parametrize("state", ORIENTATIONS)
def test_flips_mirror_what_is_seen(state: ViewState):
    before = geometry(state, 200, 200)
    point = before.to_image(40, 100)
    x, y = geometry(state.flipped_horizontally(), 200, 200).to_screen(*point)
    assert (round(x), round(y)) == (260, 100)
    x, y = geometry(state.flipped_vertically(), 200, 200).to_screen(*point)
    assert (round(x), round(y)) == (40, 200)


@given(
    st.sampled_from(ORIENTATIONS),
    st.floats(0.1, 20),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.floats(0, 400), st.floats(0, 200)),
)
def test_screen_and_image_are_each_others_inverse(
    state: ViewState, zoom: float, pan: tuple[float, float], point: tuple[float, float]
):
    view = geometry(replace(state, zoom=zoom, pan=pan))
    back = view.to_image(*view.to_screen(*point))
    assert back == pytest.approx(point, abs=1e-6)


@given(st.sampled_from(ORIENTATIONS), st.floats(2, 8), st.floats(0.5, 2.0))
def test_zooming_keeps_the_point_under_the_pointer(state: ViewState, zoom: float, factor: float):
    """True wherever the picture still covers the cell on every side."""
    view = geometry(replace(state, zoom=zoom), 2000, 2000)
    fixed = view.to_image(180, 120)
    after = replace(view, state=view.zoom_at(zoom * factor, 180, 120))
    assert after.to_screen(*fixed) == pytest.approx((180, 120), abs=1e-3)


def test_fit_shows_all_of_a_turned_picture():
    place = geometry(ViewState(rotation=90)).placement()
    assert place is not None
    assert (place.left, place.top, place.right, place.bottom) == (0, 0, 400, 200)
    assert (place.width, place.height) == (150, 300)


def test_non_square_pixels_are_stretched():
    place = replace(geometry(ViewState()), aspect=(2.0, 1.0)).placement()
    assert place is not None
    assert (place.width, place.height) == (300, 300)


def test_at_one_to_one_a_stored_pixel_is_a_device_pixel():
    place = geometry(ViewState(zoom=1.0)).placement()
    assert place is not None
    assert (place.right - place.left, place.bottom - place.top) == (place.width, place.height)


def test_panning_stops_at_the_edges():
    view = geometry(ViewState(zoom=2.0))
    moved = pan_dragged(view, 100_000, 100_000)
    corner = replace(view, state=moved).to_image(0, 0)
    assert corner == pytest.approx((0, 0), abs=1e-6)
    assert pan_dragged(geometry(ViewState()), 50, 50) == ViewState()


def test_zoom_has_limits_and_double_click_goes_there_and_back():
    view = geometry(ViewState())
    assert zoom_stepped(view, 1000).zoom == MAX_ZOOM
    assert zoom_stepped(view, -1000).zoom == MIN_ZOOM
    close = toggled_fit(view, (10, 10))
    assert close.zoom == 1.0
    assert toggled_fit(replace(view, state=close), (10, 10)).zoom is None


def test_level_drag_changes_width_across_and_centre_down():
    state = level_dragged(ViewState(), Level(1000, 2000), 4000, 40, -20)
    assert state.level == Level(800, 2400)
    assert level_dragged(ViewState(), Level(1000, 2000), 4000, -9999, 0).level == Level(1000, 1)


def test_history_steps_back_and_forth_and_drops_what_was_undone():
    history = ViewHistory()
    first, second = ViewState(invert=True), ViewState(invert=True, rotation=90)
    assert history.record(first)
    assert history.record(second)
    assert history.undo(0) == first
    assert history.redo(0) == second
    history.undo(0)
    history.record(ViewState(gamma=2.0))
    assert not history.can_redo
    assert history.undo(3) == replace(first, frame=3)


def test_scrolling_is_not_a_step_and_the_history_is_bounded():
    history = ViewHistory()
    assert not history.record(ViewState(frame=7))
    assert not history.can_undo
    for number in range(HISTORY_LIMIT * 2):
        history.record(ViewState(gamma=1 + number / 1000))
    steps = 0
    while history.can_undo:
        history.undo(0)
        steps += 1
    assert steps == HISTORY_LIMIT - 1


def test_reset_returns_to_the_original_but_stays_on_the_frame():
    changed = ViewState(4, Level(1, 2), None, 3.0, (0.1, 0.9), 90, True, True, 2.0, True)
    assert changed.original() == ViewState(frame=4)


def test_turn_seen_counts_after_the_mirror():
    assert ViewState(flip_horizontal=True).turned(90).turn_seen == 90
    assert ViewState().turned(-90).turn_seen == 270
