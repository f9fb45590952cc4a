"""What the window tells the viewer: compared cells stay, buttons show the state, volumes open in their middle."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.image import FileKind, ImageView
from app.ui.main_window.actions import commands
from app.ui.tree.place import Place
from app.ui.viewer.actions import VIEWER_ACTIONS
from app.words import set_language


@pytest.fixture
def first(library):
    return next(iter(library.people.values()))


@pytest.fixture
def in_arabic():
    set_language("ar")
    yield
    set_language("en")


def test_a_compared_image_stays_when_a_tooth_hides_it(window, first, settled):
    window.open_place(Place(first.id))
    settled()
    one, other = window.table.strip.order()[:2]
    window.table.pane.compare([one, other])
    window.chart.teeth_chosen.emit(("8",))
    settled()
    held = [cell.item.image_id for cell in window.table.pane.cells if cell.item]
    assert other in held
    assert len(held) == 2


def test_the_strip_follows_the_chosen_cell(window, first, settled):
    window.open_place(Place(first.id))
    settled()
    pair = window.table.strip.order()[:2]
    window.table.pane.compare(pair)
    for cell, image_id in zip(window.table.pane.cells, pair, strict=True):
        window.table.pane.choose(cell)
        assert window.table.strip.selected_ids() == [image_id]


def test_buttons_show_the_state_of_the_chosen_image(window, first, settled):
    window.open_place(Place(first.id))
    settled()
    table = window.table
    for name in ("invert", "flip_horizontal", "smooth", "link"):
        assert not table.actions[name].isChecked()
        table.actions[name].trigger()
        assert table.actions[name].isChecked() == table.commands.checked(name)
    assert table.actions["corner_text"].isChecked()
    assert table.actions["link"].isChecked()
    table.commands.run("reset")
    assert not table.actions["invert"].isChecked()
    table.commands.run("undo")
    assert table.actions["invert"].isChecked()


def test_volumes_open_in_the_middle_and_documents_have_pages(window, library, first, settled):
    images = library.of(first.id)
    library.pictures[images[0].id] = replace(images[0], frames=41, view=ImageView.CBCT)
    library.pictures[images[1].id] = replace(images[1], frames=9, view=ImageView.INTRAORAL_PHOTO)
    library.pictures[images[2].id] = replace(images[2], frames=3, kind=FileKind.DOCUMENT)
    window.open_place(Place(first.id))
    settled()
    items = [window.table._item(library.pictures[image.id]) for image in images[:3]]
    assert [item.first_frame for item in items] == [20, 0, 0]
    assert [item.is_document for item in items] == [False, False, True]


def test_arrows_point_onwards_in_the_reading_direction(in_arabic):
    keys = {entry.slot: entry.key() for entry in VIEWER_ACTIONS}
    assert (keys["next_image"], keys["previous_image"]) == ("Left", "Right")
    assert keys["pan_left"] == "Shift+Left"
    window_keys = {command.name: command.key for command in commands()}
    assert (window_keys["next_image"], window_keys["previous_image"]) == ("Ctrl+Left", "Ctrl+Right")
