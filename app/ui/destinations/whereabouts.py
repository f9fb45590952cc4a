"""Where an image is beside the library, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.formats import isolated, joined, moment
from app.words import sharing, t, terms

if TYPE_CHECKING:
    from app.services.outbox import Whereabouts


def whereabouts_text(found: Whereabouts) -> str:
    """Return a line for each copy and for each thing that is on its way; empty when there is none."""
    lines = [
        joined(
            terms.destination(copy.destination),
            t("proven {date}", date=isolated(moment(copy.confirmed_at))),
            proof_words(copy.how),
            t("was there before") if copy.is_foreign else "",
        )
        for copy in found.copies
    ]
    for entry in found.entries:
        if entry.wish.value == "remove":
            words = t("is being called back")
        elif entry.state.value == "parked":
            words = t("waits for a decision")
        else:
            words = t("waits to be sent")
        lines.append(joined(terms.destination(entry.destination), words))
    for share in found.shares:
        if share.state.value == "live":
            until = t("until {when}", when=isolated(moment(share.expires_at)))
            lines.append(joined(t("shared by a link"), until, isolated(share.case_reference)))
        else:
            lines.append(joined(t("shared by a link"), sharing.state(share)))
    return "\n".join(lines)


def proof_words(how: str) -> str:
    """Return by what it was found out that a copy is there."""
    known = {
        "md5": t("by its MD5"),
        "sha256": t("by its SHA-256"),
        "size": t("by its size"),
        "commitment": t("by storage commitment"),
        "find": t("found by query"),
        "by hand": t("settled by hand"),
        "address": t("seen at its address"),
    }
    return known.get(how, "")
