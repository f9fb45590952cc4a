"""The protocol that every remote store keeps, and the plain values it answers with.

A store keeps files under relative names with ``/`` between their parts. What lies under a final name is whole:
it is uploaded under another name and renamed, or the server itself shows it only when complete. Expected failures
are ``store.*`` codes; those that may pass by themselves are :class:`app.core.errors.TransientFault`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from app.core.context import JobContext

# Gets the length of each block that went over the line; may raise, and that ends the transfer.
OnBlock = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash in hexadecimal and what made it: ``sha256`` or ``md5``."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Stat:
    """One stored file.

    ``digest``: what the store knows or, after a transfer, what was proven; ``None`` where only the size was.
    ``modified``: UTC by the store's clock; ``None`` where it does not say.
    """

    name: str
    size: int
    modified: datetime | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing; ``name`` is the whole name, as :meth:`Store.get` takes it."""

    name: str
    size: int
    is_folder: bool = False
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of store can do; asked for, never guessed.

    ``has_hash``: :meth:`Store.stat` tells a digest. ``atomic_rename``: a rename replaces in one step, so that the
    name is never gone in between. ``resume``: a broken transfer goes on where it stopped. ``free_space``:
    :meth:`Store.check` may know it. ``any_thread``: many threads may use it at once.
    ``signed_links``: it can make links that expire.
    """

    has_hash: bool = False
    atomic_rename: bool = False
    resume: bool = False
    free_space: bool = False
    any_thread: bool = False
    signed_links: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """What Test finds out. ``warnings`` are codes: ``store.plain``, ``store.public``, ``store.little_space``.

    ``fingerprint``: SHA-256 of the certificate or the host key that was met, for people to compare.
    """

    kind: str
    software: str = ""
    free_bytes: int | None = None
    fingerprint: str = ""
    warnings: tuple[str, ...] = ()


class Store(Protocol):
    """One place that keeps files.

    Every call but :meth:`close` raises :class:`TransientFault` (``store.unreachable``, ``store.slow``,
    ``store.cut_off``, ``store.busy``, ``store.altered``, ``store.other_drive``) or
    :class:`EnvironmentFault` (``store.unauthorized``, ``store.forbidden``, ``store.missing``, ``store.full``,
    ``store.certificate``, ``store.host_key_unknown``, ``store.host_key_changed``, ``store.bad_name``,
    ``store.failed``). Connections open when first needed.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this kind of store can do."""
        ...

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Store a file under ``name``, replacing what is there, folders made as needed.

        The name appears (or changes) only when all of it is there and its size, or more, is proven.

        Raises
        ------
        EnvironmentFault
            Also ``file.missing``, ``file.permission``, ``file.unreadable`` for the source.
        TransientFault
            Also ``store.altered``: what arrived is not what was sent.
        Cancelled
            Nothing is under the final name that was not there before.
        """
        ...

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Fetch a file to ``target``, replacing it as a whole, durably.

        Raises
        ------
        EnvironmentFault
            Also ``store.not_there``; ``disk.*`` for the target.
        Cancelled
            The target is as it was.
        """
        ...

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file, ``None`` when there is none (a folder is none)."""
        ...

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder (``""``: all), in no order; nothing when it is not there.

        Recursively, files alone are yielded. Uploads that are not finished are left out.
        """
        ...

    def delete(self, name: str) -> bool:
        """Delete a file; false when it was not there."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, replacing what has it. Raises also ``store.not_there``."""
        ...

    def probe(self) -> None:
        """Ask for a sign of life, quickly."""
        ...

    def check(self, ctx: JobContext) -> System:
        """Sign in, write, read and delete a small file, and tell what was found."""
        ...

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished and return how many."""
        ...

    def close(self) -> None:
        """Let go of connections; the store may be used again and then opens new ones."""
        ...
