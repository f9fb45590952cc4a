"""Where each tooth and its number stand in the chart. Pure arithmetic; the patient's right is always left.

Two rows, or four with the primary teeth between; columns of upper and lower teeth line up.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.tooth import PERMANENT, PRIMARY, is_primary, is_right, is_upper, position

# Mean mesiodistal widths of upper and lower together, by position from the midline.
_WIDTHS = {1: 7.4, 2: 6.6, 3: 7.4, 4: 7.2, 5: 7.2, 6: 10.0, 7: 9.4, 8: 8.8}
MIDLINE = 5.0
_TOTAL = 2 * sum(_WIDTHS.values()) + MIDLINE
ARCH = 0.10
"""How far the last molars stand from the biting plane, as a part of a tooth's height: the smile of the arch."""


@dataclass(frozen=True, slots=True)
class ToothPlace:
    """Box of a tooth, box of its number, and whether it hangs roots up (upper jaw)."""

    tooth: str
    x: float
    y: float
    width: float
    height: float
    label_y: float
    upper: bool


@dataclass(frozen=True, slots=True)
class ChartPlaces:
    """All places, and how high the chart wants to be for its width."""

    places: tuple[ToothPlace, ...]
    height: float
    label_height: float

    def at(self, x: float, y: float) -> str | None:
        """Return the tooth whose box or number is under a point."""
        for place in self.places:
            top = min(place.y, place.label_y)
            bottom = max(place.y + place.height, place.label_y + self.label_height)
            if place.x <= x < place.x + place.width and top <= y < bottom:
                return place.tooth
        return None

    def place(self, tooth: str) -> ToothPlace | None:
        """Return a tooth's place, ``None`` when its row is not shown."""
        return next((place for place in self.places if place.tooth == tooth), None)


def chart_places(width: float, label_height: float, *, primary: bool) -> ChartPlaces:
    """Return the places of every tooth in a chart ``width`` wide."""
    unit = width / _TOTAL
    tall = min(max(unit * 25.0, 36.0), 116.0)
    small = tall * 0.72
    gap = max(tall * 0.05, 3.0)
    arch = tall * ARCH
    rows: list[tuple[tuple[str, ...], float, bool]] = []
    upper_row = label_height + 2 + arch
    bite = upper_row + tall + gap
    primary_upper = bite
    if primary:
        bite += small + label_height + gap
    bite_lower = bite + (gap if primary else 0)
    lower_row = bite_lower + (small + label_height + gap if primary else 0)
    rows.append((PERMANENT[:16], upper_row, True))
    rows.append((PERMANENT[16:], lower_row, False))
    places: list[ToothPlace] = []
    for teeth, top, upper in rows:
        for tooth in teeth:
            x, wide = _column(tooth, unit, width)
            shift = arch * _bend(tooth)
            y = top - shift if upper else top + shift
            label = y - label_height - 1 if upper else y + tall + 1
            places.append(ToothPlace(tooth, x, y, wide, tall, label, upper))
    if primary:
        for tooth in PRIMARY:
            upper = is_upper(tooth)
            x, wide = _column(tooth, unit, width)
            y = primary_upper + label_height if upper else bite_lower
            label = y - label_height if upper else y + small
            places.append(ToothPlace(tooth, x, y, wide, small, label, upper))
    height = lower_row + tall + arch + label_height + 3
    return ChartPlaces(tuple(places), height, label_height)


def _bend(tooth: str) -> float:
    return ((position(tooth) - 1) / 7) ** 2


def _column(tooth: str, unit: float, width: float) -> tuple[float, float]:
    place = position(tooth)
    wide = _WIDTHS[place] * unit
    inner = (MIDLINE / 2 + sum(_WIDTHS[near] for near in range(1, place))) * unit
    return (width / 2 - inner - wide, wide) if is_right(tooth) else (width / 2 + inner, wide)


def neighbour(tooth: str, across: int, down: int, *, primary: bool) -> str:
    """Return the tooth the arrow keys lead to: ``across`` to the right as drawn, ``down`` a row."""
    rows = _rows(primary=primary)
    row = next(number for number, teeth in enumerate(rows) if tooth in teeth)
    if across:
        teeth = rows[row]
        return teeth[min(max(teeth.index(tooth) + across, 0), len(teeth) - 1)]
    target = rows[min(max(row + down, 0), len(rows) - 1)]
    right, place = is_right(tooth), position(tooth)
    matches = [other for other in target if is_right(other) is right]
    return min(matches, key=lambda other: abs(position(other) - place))


def _rows(*, primary: bool) -> list[tuple[str, ...]]:
    upper, lower = PERMANENT[:16], tuple(reversed(PERMANENT[16:]))
    if not primary:
        return [upper, lower]
    upper_primary = tuple(tooth for tooth in PRIMARY if is_upper(tooth))
    lower_primary = tuple(reversed([tooth for tooth in PRIMARY if not is_upper(tooth)]))
    return [upper, upper_primary, lower_primary, lower]


def in_rectangle(places: ChartPlaces, left: float, top: float, right: float, bottom: float) -> tuple[str, ...]:
    """Return the teeth touched by a rubber band."""
    return tuple(
        place.tooth
        for place in places.places
        if place.x < right and place.x + place.width > left and place.y < bottom and place.y + place.height > top
    )


def shows_primary(teeth: frozenset[str]) -> bool:
    """Whether any of the teeth is a primary one."""
    return any(is_primary(tooth) for tooth in teeth)
