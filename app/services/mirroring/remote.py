"""What a mirror holds, listed once: names and sizes of images, in either layout, and where one image may lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.core.context import JobContext
from app.core.progress import Progress
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout, remote_name
from app.transfer.stores.store import Store

FOLDERS = {Layout.LIBRARY: "dental_images", Layout.CLINICAL_IMAGES: "clinical-images"}
# Strange files of the right size that are tried for one image; each costs a download.
_MOST_STRANGERS = 4


@dataclass(slots=True)
class Remote:
    """One listing. ``sizes`` are by name; ``strangers`` are names by size that no image is known to have."""

    sizes: dict[str, int] = field(default_factory=dict)
    strangers: dict[int, list[str]] = field(default_factory=dict)

    def set_apart(self, known: Iterable[str]) -> None:
        """Say which names are images' own; the others may be images that moved since the catalogue was copied."""
        strange = set(self.sizes)
        strange.difference_update(known)
        for name in sorted(strange):
            self.strangers.setdefault(self.sizes[name], []).append(name)

    def candidates(self, record: ImageRecord, names: Iterable[str]) -> Iterator[str]:
        """Yield where an image may lie: under ``names`` where the size fits, then strangers of its size."""
        fitting = [name for name in dict.fromkeys(names) if self.sizes.get(name) == record.size_bytes]
        yield from fitting
        if record.placement is Placement.FILED:
            yield from self.strangers.get(record.size_bytes, [])[:_MOST_STRANGERS]


def listed(store: Store, layouts: Iterable[Layout], ctx: JobContext) -> Remote:
    """List the images of a mirror. Raises as every call of a store, and Cancelled."""
    remote = Remote()
    for layout in layouts:
        for entry in store.list(FOLDERS[layout], recursive=True):
            ctx.check()
            remote.sizes[entry.name] = entry.size
            ctx.report(Progress(len(remote.sizes), None, "files"))
    return remote


def names_of(record: ImageRecord, layouts: Iterable[Layout] = tuple(Layout)) -> list[str]:
    """Return what an image is called in these layouts; nothing for one that is not filed."""
    if record.placement is not Placement.FILED or record.patient_id is None:
        return []
    return [remote_name(record, layout) for layout in layouts]
