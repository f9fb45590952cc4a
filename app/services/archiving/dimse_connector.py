"""Archives that speak only DIMSE as destinations of the queues: connected by the clinic's settings."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.core.context import JobContext
from app.core.destinations import DIMSE, DimseSettings
from app.core.errors import EnvironmentFault, UserError
from app.core.paths import LibraryPaths
from app.services.archiving.dimse_sending import DimseSender
from app.services.archiving.renditions import Renditions
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.locating import Locator
from app.services.sending.connector import Connection
from app.services.settings import SettingsService
from app.services.watchdog import Observation
from app.sync.outbox import IDLE_S
from app.transfer.certificates import look
from app.transfer.dimse.commitment import Commitments
from app.transfer.dimse.looking import Found, look_around
from app.transfer.dimse.peer import Peer, Tls, plain_fingerprint
from app.transfer.dimse.proving import DimseArchive

# After these nothing more is sent until a person acts: the next image would only meet the same.
BLOCKING = frozenset(
    f"dimse.{what}"
    for what in ("called_unknown", "calling_unknown", "rejected", "certificate", "tls", "no_proof", "not_authorised")
)
# One association at a time: archives may mix up what comes over several at once (dcmtk's dcmqrscp names files by the
# clock, and lets one overwrite another), and no proof by DIMSE compares bytes.
CONNECTIONS = 1
_PLAIN, _NO_PROOF, _NO_WORKLIST = "dimse.plain", "dimse.no_proof", "dimse.no_worklist"
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_PIN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DimseSystem:
    """What trying an archive found: whom was called how, what it lets us do, codes of what is to be minded."""

    host: str
    port: int
    called_aet: str
    calling_aet: str
    encrypted: bool
    answer_ms: int
    stores: bool
    answers_queries: bool
    commits: bool
    has_worklist: bool
    warnings: tuple[str, ...] = ()


class DimseConnector:
    """Connects to the clinic's archives that speak only DIMSE. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        locator: Locator,
        decoders: Decoders,
        commitments: Commitments,
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._locator = locator
        self._decoders = decoders
        self._commitments = commitments

    @contextlib.contextmanager
    def connect(self, destination: str, ctx: JobContext) -> Iterator[Connection]:
        """Make ready to send.

        Raises
        ------
        UserError
            ``settings.no_connection``, ``dimse.not_set_up``, and as :meth:`peer`.
        """
        archive = self.archive(destination)
        if not archive.enabled or not archive.host:
            raise UserError("dimse.not_set_up", destination=archive.name)
        peer = self.peer(archive)
        store = self._door.store
        self._paths.outgoing.mkdir(mode=0o700, exist_ok=True)
        renditions = Renditions(store, self._paths, self._locator, self._decoders.importing(), self._settings.clinic())
        with contextlib.closing(DimseArchive(peer, self._paths.outgoing, commitments=self._commitments)) as there:
            yield Connection(DimseSender(store, there, renditions), BLOCKING, CONNECTIONS, IDLE_S)

    def archive(self, destination: str) -> DimseSettings:
        """Return the settings of an archive by the name of its queue. Raises ``settings.no_connection``."""
        for archive in self._settings.dimse_archives():
            if archive.destination == destination:
                return archive
        raise UserError("settings.no_connection", name=destination.removeprefix(f"{DIMSE}."))

    def peer(self, archive: DimseSettings) -> Peer:
        """Return whom to call and how.

        Raises
        ------
        UserError
            ``dimse.plain_refused`` for another computer without encryption or consent; ``dimse.no_host`` and kin.
        """
        if not (archive.tls or archive.allow_plain or archive.host in _HERE):
            raise UserError("dimse.plain_refused", destination=archive.name, host=archive.host)
        tls = _trust(archive.trust) if archive.tls else None
        peer = Peer(archive.host, archive.port, archive.aet, self._settings.workstation().receive_aet, tls)
        peer.require_usable()
        return peer

    def look_at(self, archive: DimseSettings) -> DimseSystem:
        """Try an archive by these settings; nothing is stored there.

        Raises
        ------
        BitewingError
            As :func:`look_around` and :meth:`peer`; ``dimse.certificate`` has the fact ``fingerprint``.
        """
        peer = self.peer(archive)
        try:
            found = look_around(peer)
        except EnvironmentFault as fault:
            if fault.code != "dimse.certificate":
                raise
            # What is not trusted is shown, so that an administrator can compare it and trust it.
            raise EnvironmentFault(fault.code, fingerprint=look(peer.host, peer.port).fingerprint) from fault
        return DimseSystem(
            peer.host,
            peer.port,
            peer.called_aet,
            peer.calling_aet,
            archive.tls,
            found.answer_ms,
            found.stores,
            found.answers_queries,
            found.commits,
            found.has_worklist,
            tuple(_warnings(archive, found)),
        )

    def observe(self, destination: str) -> Observation:
        """Return the end of an archive's certificate; DIMSE shows no clock. Raises BitewingError."""
        archive = self.archive(destination)
        return Observation(None, look(archive.host, archive.port).until if archive.tls else None)


def _warnings(archive: DimseSettings, found: Found) -> Iterator[str]:
    if not archive.tls and archive.host not in _HERE:
        yield _PLAIN
    if archive.enabled and not found.stores:
        yield "dimse.class_refused"
    if archive.enabled and not (found.commits or found.answers_queries):
        yield _NO_PROOF
    if archive.worklist and not found.has_worklist:
        yield _NO_WORKLIST


def _trust(text: str) -> Tls:
    """Read what an administrator entered: empty, the fingerprint of one certificate, or the path of a PEM file."""
    pin = plain_fingerprint(text)
    return Tls(pin=pin) if _PIN.fullmatch(pin) else Tls(ca=text.strip())
