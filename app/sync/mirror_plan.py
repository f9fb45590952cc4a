"""What a round would do at a mirror, worked out from the queue and a listing: sends and call-backs, nothing else.

Pure. A mirror never deletes because something is not here: only what a person deleted or moved is called back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

FIRST = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """An image that waits to be sent: its name there, its size."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """What would be done. ``held`` call-backs wait for a person; ``first_…`` are the first names of each."""

    uploads: int = 0
    replaced: int = 0
    bytes: int = 0
    recalls: int = 0
    held: int = 0
    gone_already: int = 0
    unchanged: int = 0
    first_uploads: tuple[str, ...] = ()
    first_recalls: tuple[str, ...] = ()


def plan_mirror(
    uploads: Iterable[Upload],
    recalls: Iterable[str],
    listing: Mapping[str, int],
    *,
    wanted: Collection[str] = (),
    held: int = 0,
) -> MirrorPlan:
    """Return what a round would do.

    Parameters
    ----------
    uploads, recalls
        What waits in the queue, in its order.
    listing
        Names and sizes there.
    wanted
        Names of images that are to be there: never called back, whatever the queue says.
    held
        How many call-backs wait for a person's agreement; they are not done.
    """
    names: list[str] = []
    size = replaced = 0
    for upload in uploads:
        names.append(upload.name)
        size += upload.size
        replaced += upload.name in listing
    kept = frozenset(wanted) | frozenset(names)
    every = [name for name in dict.fromkeys(recalls) if name not in kept]
    there = [name for name in every if name in listing]
    return MirrorPlan(
        uploads=len(names),
        replaced=replaced,
        bytes=size,
        recalls=len(there),
        held=held,
        gone_already=len(every) - len(there),
        unchanged=max(0, len(listing) - replaced - len(there)),
        first_uploads=tuple(names[:FIRST]),
        first_recalls=tuple(there[:FIRST]),
    )
