"""The words on the tree's rows, made from nodes when they are painted."""

from __future__ import annotations

from app.domain.tooth import GENERAL, Notation, format_tooth
from app.ui.formats import number
from app.ui.tree.nodes import Node, NodeKind
from app.words import t, terms, tn


class Labels:
    """Says a node in the clinic's tooth numbering and the window's language."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    def label(self, node: Node) -> str:
        """Return the row's first words."""
        if node.kind is NodeKind.PATIENT:
            return node.label
        if node.kind is NodeKind.TOOTH:
            return t("General") if node.key == GENERAL else format_tooth(node.key, self.notation)
        if node.kind is NodeKind.TYPE:
            return terms.image_type(node.key)
        if node.kind is NodeKind.INBOX:
            return t("Inbox")
        return t("Recent") if node.key == "recent" else t("All patients")

    def detail(self, node: Node) -> str:
        """Return the row's quieter words."""
        if node.kind is NodeKind.TOOTH:
            return t("panoramic, CBCT, portrait") if node.key == GENERAL else terms.tooth_name(node.key)
        return node.detail

    def spoken(self, node: Node) -> str:
        """Return the row as one sentence, for tool tips and screen readers."""
        parts = [self.label(node), self.detail(node)]
        if node.kind is NodeKind.INBOX:
            parts.append(tn("{n} image waits for a person", "{n} images wait for a person", node.count))
        elif node.kind is not NodeKind.HEADING:
            parts.append(tn("{n} image", "{n} images", node.count))
        return " · ".join(part for part in parts if part)

    @staticmethod
    def count(node_count: int) -> str:
        """Return a count in the language's digits; nothing for none."""
        return number(node_count) if node_count else ""
