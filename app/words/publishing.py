"""Words for what is public: states, and the risk that is read before publishing is switched on."""

from __future__ import annotations

from app.domain.publication import PublicState
from app.words.catalogue import t


def state(value: PublicState | str) -> str:
    """Return how far a published copy is."""
    return {
        PublicState.WAITING: t("waits to be published"),
        PublicState.UNPROVEN: t("may be public, not proven yet"),
        PublicState.PUBLIC: t("public"),
        PublicState.WITHDRAWING: t("being moved to private"),
        PublicState.PRIVATE: t("private"),
    }[PublicState(value)]


def risks() -> tuple[str, ...]:
    """Return what switching publishing on means, one sentence each."""
    return (
        t("Whoever has the address of a published image can see it, without any password, and pass the address on."),
        t("Others may copy it. Moving it to private deletes our copy and proves it; what others copied stays theirs."),
        t("Only single images are published, each by somebody's own decision; nothing is ever published by itself."),
        t("What is published is a copy without name, dates and camera data, under an address of chance."),
        t("What the picture itself shows, such as a face or a name, stays in it: it has to be looked at."),
        t("Ask for the patient's written consent before you publish anything of them."),
    )


def looked() -> str:
    """Return what a person says who looked at the pictures."""
    return t("I looked at every picture: no name is in it, and whoever can be recognised has agreed to it.")
