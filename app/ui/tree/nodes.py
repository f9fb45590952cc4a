"""The tree's nodes: plain Python, no Qt, small enough that 100,000 patients fit.

Knows how a patient's counts become children and what differs between two versions of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

from app.domain.tooth import tooth_order

TYPE_ORDER = ("xray", "before", "after", "clinical", "other")
Counts = Mapping[str, Mapping[str, int]]


class NodeKind(IntEnum):
    """What a row is."""

    ROOT = 0
    INBOX = 1
    HEADING = 2
    PATIENT = 3
    TOOTH = 4
    TYPE = 5


class Node:
    """One row. ``children`` is ``None`` until they were fetched."""

    __slots__ = ("children", "count", "detail", "handle", "key", "kind", "label", "parent", "row")

    def __init__(self, handle: int, kind: NodeKind, key: str, parent: Node | None, count: int = 0) -> None:
        self.handle = handle
        self.kind = kind
        self.key = key
        self.parent = parent
        self.count = count
        self.label = ""
        self.detail = ""
        self.row = 0
        self.children: list[Node] | None = None

    def ancestor(self, kind: NodeKind) -> Node | None:
        """Return this node or the nearest one above it of that kind."""
        node: Node | None = self
        while node is not None and node.kind is not kind:
            node = node.parent
        return node

    def below(self) -> Iterator[Node]:
        """Yield every fetched node under this one."""
        for child in self.children or ():
            yield child
            yield from child.below()

    def renumber(self, start: int = 0) -> None:
        """Write the children's row numbers afresh from ``start`` on."""
        children = self.children or []
        for row in range(start, len(children)):
            children[row].row = row


def ordered_teeth(counts: Counts) -> list[str]:
    """Return the teeth of a patient's counts in chart order, leaving out empty ones."""
    return sorted((tooth for tooth, types in counts.items() if sum(types.values())), key=tooth_order)


def ordered_types(types: Mapping[str, int]) -> list[str]:
    """Return the image types that have images, in the order people expect."""
    known = {name: place for place, name in enumerate(TYPE_ORDER)}
    return sorted((str(name) for name, count in types.items() if count), key=lambda name: known.get(name, len(known)))
