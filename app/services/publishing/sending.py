"""One published copy to its place and back: proven by asking for its public address, as a stranger would."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, ItemError, TransientFault
from app.core.files import sha256_file
from app.domain.publication import FOLDER, Publication, public_address
from app.services.publishing.caring import PublicCare
from app.services.publishing.proving import GoneProof
from app.storage.catalogue import Catalogue
from app.storage.outbox import Entry, Known
from app.sync.outbox import Ready, Sent
from app.transfer.public_web import Seen, look_at
from app.transfer.stores.store import Stat, Store

# By what it is known that a copy can be seen, or not any more: its public address was asked for, as a stranger would.
BY_ADDRESS = "address"
# Caches let go of what they hold after minutes or hours; then it is asked for again.
_FIRST_AGAIN_S = 15.0
_LAST_AGAIN_S = 6 * 3600.0


class PublicSender:
    """Carries out entries at one place. Any thread.

    ``is_on``: whether publishing there is allowed now; what is to be taken back is taken back all the same. ``base`` is
    where the public folder is seen now. ``care``
    knows whether names can be listed there.
    """

    def __init__(
        self,
        store: Catalogue,
        place: Store,
        outgoing: Path,
        ctx: JobContext,
        care: PublicCare,
        *,
        is_on: bool,
        base: str = "",
        ca: str = "",
    ) -> None:
        self._store = store
        self._place = place
        self._outgoing = outgoing
        self._ctx = ctx
        self._care = care
        self._is_on = is_on
        self._base = base
        self._ca = ca
        self._proof = GoneProof(store, place, ctx, ca)

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._place.probe()

    def prepare(self, entry: Entry) -> Ready | None:
        """Find the copy that was made when it was asked for; ``None`` when it is not to go any more.

        Raises
        ------
        ItemError
            ``publish.off`` where publishing was switched off meanwhile; ``publish.no_address``, ``publish.copy_lost``.
        BitewingError
            As :meth:`PublicCare.require_closed`.
        """
        wanted = self._wanted(entry)
        if wanted is None:
            return None
        if not self._is_on:
            raise ItemError("publish.off", destination=entry.destination)
        _address(wanted)
        path = self._outgoing / wanted.filename
        try:
            digest = sha256_file(path)[0]
        except OSError as error:
            raise ItemError("publish.copy_lost") from error
        if digest != wanted.sha256:
            raise ItemError("publish.copy_lost")
        # Before anything is written down as sent: what never went needs no proof that it is gone.
        self._care.require_closed()
        with self._store.read():
            known = self._store.copies.known_as(entry, wanted.remote_id)
        return Ready(wanted.remote_id, wanted.sha256, wanted, known)

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return nothing: the names are of chance, so nobody else has put anything there."""
        del ready
        return frozenset()

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring a copy there and see it as the public does; ``None`` when it is not to go any more.

        Raises
        ------
        BitewingError
            As :meth:`Store.put` and :func:`look_at`; ``publish.not_served``, ``publish.other_served`` when the place
            has it but the public address shows nothing, or something else.
        """
        wanted: Publication = ready.carried
        if self._wanted(entry) is None:
            return None
        url = _address(wanted)
        there = self._place.stat(ready.remote_id) if ready.known is not Known.NOT_AT_ALL else None
        sent_bytes = 0
        if there is None or not _is_it(there, wanted):
            there = self._place.put(self._outgoing / wanted.filename, ready.remote_id, self._ctx)
            sent_bytes = there.size
            if not _is_it(there, wanted):
                raise TransientFault("store.altered", name=ready.remote_id)
        seen = look_at(url, wanted.size_bytes, self._ctx, self._ca)
        if not seen.is_success:
            raise TransientFault("publish.not_served", status=seen.status)
        if not _shows(seen, wanted):
            raise TransientFault("publish.other_served")
        return Sent(ready.remote_id, ready.digest, BY_ADDRESS, bytes=sent_bytes)

    def remove(self, entry: Entry) -> Sent | None:
        """Take a copy away and prove that the public address does not show it any more.

        Raises
        ------
        TransientFault
            ``publish.still_served`` while some cache shows it; ``publish.unproven``, ``publish.no_address`` when
            nothing can be told; ``store.altered`` when the place has it still.
        BitewingError
            As every call of a store; as :func:`look_at`: without an answer nothing is proven.
        """
        name = entry.remote_id or ""
        if not name.startswith(f"{FOLDER}/"):
            # Nothing but what was published is ever deleted from here.
            raise EnvironmentFault("store.bad_name", name=name)
        was_there = self._place.delete(name)
        if self._place.stat(name) is not None:
            raise TransientFault("store.altered", name=name)
        with self._store.read():
            taken = self._store.publications.get(entry.destination, name)
        url = (taken.url if taken is not None else None) or public_address(self._base, name)
        if url is None:
            # The listing of the place alone says nothing of what some cache shows.
            raise TransientFault("publish.no_address", retry_after_s=_again_s(entry))
        try:
            self._proof.require(url, taken.sha256 if taken is not None else "")
        except TransientFault as fault:
            if fault.code in {"publish.still_served", "publish.unproven"}:
                fault.retry_after_s = _again_s(entry)
            raise
        return Sent(name, "", BY_ADDRESS, was_there=not was_there)

    def _wanted(self, entry: Entry) -> Publication | None:
        """Return what is to be published still; what is not any more is called back, in case it got there."""
        with self._store.read():
            wanted = self._store.publications.get(entry.destination, entry.remote_id or "")
            goes = self._store.outbox.still_goes(entry)
        if wanted is None or (goes and wanted.withdrawn_at is None and wanted.gone_at is None):
            return wanted
        self._store.publications.withdraw(wanted, utc_now())
        return None


def _again_s(entry: Entry) -> float:
    return min(_FIRST_AGAIN_S * float(4 ** min(entry.tries, 10)), _LAST_AGAIN_S)


def _is_it(stat: Stat, wanted: Publication) -> bool:
    if stat.digest is not None and stat.digest.algorithm == "sha256":
        return stat.digest.value == wanted.sha256
    return stat.size == wanted.size_bytes


def _address(wanted: Publication) -> str:
    """Return the public address. Raises ``publish.no_address``: without one nobody sees what is shown, nor that it
    is shown no more.
    """
    if wanted.url is None:
        raise ItemError("publish.no_address")
    return wanted.url


def _shows(seen: Seen, wanted: Publication) -> bool:
    return (seen.size, seen.sha256) == (wanted.size_bytes, wanted.sha256)
