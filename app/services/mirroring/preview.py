"""What a mirror's next round would do, for a person to look at before it is done; nothing is changed."""

from __future__ import annotations

import contextlib

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout, remote_name
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.guard import RemovalGuard
from app.services.mirroring.remote import listed
from app.sync.mirror_plan import MirrorPlan, Upload, plan_mirror


class MirrorPreview:
    """Looks at the mirrors of one library. Any thread."""

    def __init__(self, door: Door, connector: MirrorConnector, guard: RemovalGuard) -> None:
        self._door = door
        self._connector = connector
        self._guard = guard

    def run(self, actor: Actor, ctx: JobContext, name: str) -> MirrorPlan:
        """Return the plan for the mirror of that name.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``settings.no_connection``, ``mirror.not_set_up``.
        BitewingError
            As every call of a store; ``library.away``: without the library there is nothing to compare with.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        paths = self._door.store.paths
        if not (paths.exists() and paths.marker.exists()):
            raise EnvironmentFault("library.away", path=str(paths.root))
        [mirror] = self._connector.chosen(name)
        layout = Layout(mirror.layout)
        with contextlib.closing(self._connector.open(mirror)) as store:
            # Once, without patience: somebody waits.
            store.probe()
            remote = listed(store, (layout,), ctx)
        uploads, recalls, wanted = [], [], set()
        for image_id, wish, remote_id in self._door.store.ledger.open_entries(mirror.destination):
            ctx.check()
            with self._door.store.read():
                record = self._door.store.images.get(image_id)
            goes = record is not None and _is_filed(record)
            if wish == "put" and record is not None and goes:
                uploads.append(Upload(remote_name(record, layout), record.size_bytes))
            elif wish == "remove" and remote_id:
                recalls.append(remote_id)
                if record is not None and goes:
                    wanted.add(remote_name(record, layout))
        held = self._guard.would_hold(mirror.destination)
        return plan_mirror(uploads, recalls, remote.sizes, wanted=wanted, held=held)


def _is_filed(record: ImageRecord) -> bool:
    return record.placement is Placement.FILED and record.deleted_at is None
