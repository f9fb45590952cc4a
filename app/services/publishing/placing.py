"""Seeing to it that a copy is looked for only where it was brought: elsewhere nothing is sent, found or proven."""

from __future__ import annotations

from collections.abc import Sequence, Set

from app.core.errors import EnvironmentFault
from app.storage.catalogue import Catalogue
from app.storage.outbox import Entry
from app.sync.outbox import Ready, Sender, Sent


class AtItsPlace:
    """A sender that refuses what lies at another place; a restored catalogue brings old settings. Any thread."""

    def __init__(self, sender: Sender, store: Catalogue, place: str) -> None:
        self._sender = sender
        self._store = store
        self._place = place

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._sender.probe()

    def prepare(self, entry: Entry) -> Ready | None:
        """Make ready what is to be sent. Raises ``publish.elsewhere``; as the sender."""
        self._require(entry)
        return self._sender.prepare(entry)

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return which of these are there already."""
        return self._sender.survey(ready)

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring a copy there and prove it."""
        return self._sender.send(entry, ready)

    def remove(self, entry: Entry) -> Sent | None:
        """Take a copy away and prove it. Raises ``publish.elsewhere``; as the sender."""
        self._require(entry)
        return self._sender.remove(entry)

    def _require(self, entry: Entry) -> None:
        with self._store.read():
            copy = self._store.publications.get(entry.destination, entry.remote_id or "")
        if copy is not None and copy.place != self._place:
            raise EnvironmentFault("publish.elsewhere", place=copy.place)
