"""Trying a place out: is the public folder seen, and is nothing else seen with it, nor the names of what is in it?"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled, TransientFault
from app.domain.publication import public_address
from app.services.publishing.proving import control_bytes, control_name, take_away
from app.transfer.public_web import Asking, Seen, look_at
from app.transfer.stores.retrying import RetryingStore
from app.transfer.stores.store import Store

# With these nothing may be published: names that nobody can guess are told to everybody, or more than they is shown.
OBSTACLES = ("publish.listed", "publish.all_public")
# What says that a page is a listing: any name that we give, or the way in which buckets tell theirs.
_OURS = re.compile(rb"[0-9a-f]{40}\.(?:jpg|dcm)")
_BUCKETS = b"<ListBucketResult"
_MOST_FOLDERS = 8


def ca_of(mirror: MirrorSettings) -> str:
    """Return the PEM file that a place is trusted by, if any: its web server may have the same authority."""
    return mirror.trust if mirror.trust and Path(mirror.trust).is_file() else ""


def try_public(mirror: MirrorSettings, place: Store, work: Path, ctx: JobContext) -> tuple[str, ...]:
    """Return what is wrong with publishing at a mirror, as codes; nothing where publishing is off, or all is well.

    Raises
    ------
    BitewingError
        As every call of a store.
    """
    if not mirror.publish:
        return ()
    if not mirror.public_url:
        return ("publish.no_address",)
    trial = _Trial(mirror, place, ctx)
    trial.put(work)
    try:
        return trial.seen()
    except Cancelled:
        raise
    except BitewingError as fault:
        return (fault.code,)
    finally:
        trial.remove()


def look_over(mirror: MirrorSettings, place: Store, work: Path, ctx: JobContext) -> tuple[str, ...]:
    """Return what is wrong at a mirror with a public address, as codes, when there is an answer to tell by.

    Raises
    ------
    BitewingError
        As every call of a store, and as :func:`look_at`: without an answer nothing is known.
    """
    trial = _Trial(mirror, place, ctx)
    trial.put(work)
    try:
        return trial.seen()
    finally:
        trial.remove()


class _Trial:
    """A picture without meaning in the public folder and a file beside it, both asked for as a stranger would."""

    def __init__(self, mirror: MirrorSettings, place: Store, ctx: JobContext) -> None:
        self._is_bucket = mirror.kind == "s3"
        self._place, self._ctx, self._ca = place, ctx, ca_of(mirror)
        self._base = mirror.public_url.rstrip("/")
        self._inside, self._outside = control_name(".jpg"), f"bitewing-{secrets.token_hex(20)}.txt"
        self._picture, self._text = control_bytes(self._inside), secrets.token_hex(20).encode("ascii")

    def put(self, work: Path) -> None:
        """Put both there; what was put before a fault is removed again, or swept where the place is away."""
        try:
            for name, data in ((self._inside, self._picture), (self._outside, self._text)):
                (work / "trial").write_bytes(data)
                self._place.put(work / "trial", name, self._ctx)
        except TransientFault:
            raise
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Take both away again."""
        for name in (self._inside, self._outside):
            take_away(self._place, name)

    def seen(self) -> tuple[str, ...]:
        """Return what is wrong. Raises as :func:`look_at` when the picture cannot be asked for."""
        seen = look_at(public_address(self._base, self._inside) or "", len(self._picture), self._ctx, self._ca)
        found = []
        if not seen.is_success:
            found.append("publish.not_served")
        elif seen.sha256 != hashlib.sha256(self._picture).hexdigest():
            found.append("publish.other_served")
        if any(self._is_a_listing(address) for address in self._listings()):
            found.append("publish.listed")
        # Where the mirror's own folder would be seen: above the public one, or, entered by mistake, as the public one.
        if any(self._is_outside(folder) for folder in list(self._folders())[:2]) or self._bucket_shows_more():
            found.append("publish.all_public")
        return tuple(found)

    def _bucket_shows_more(self) -> bool:
        """Whether strangers read beside the public folder at the bucket's own address, whatever fronts it."""
        return isinstance(self._place, RetryingStore) and self._place.lets_strangers_read(self._outside)

    def _folders(self) -> Iterator[str]:
        """Yield the public folder and those above it, as far as the address goes."""
        folder, shortest = self._base, self._base.index("://") + 3
        for _number in range(_MOST_FOLDERS):
            yield folder
            slash = folder.rfind("/")
            if slash < shortest:
                return
            folder = folder[:slash]

    def _listings(self) -> Iterator[str]:
        path = urlsplit(self._base).path.strip("/")
        for folder in self._folders():
            yield f"{folder}/"
            if self._is_bucket:
                # A bucket lists for whoever asks at its root, by the beginning of the names.
                above = urlsplit(folder).path.strip("/")
                rest = path.removeprefix(above).strip("/")
                yield f"{folder}/?list-type=2&max-keys=9&prefix={quote(f'{rest}/' if rest else '')}"

    def _is_a_listing(self, address: str) -> bool:
        seen = self._shown(address)
        if seen is None:
            return False
        # Further up, pages that are not of this may name files of their own in such a way.
        is_here = address.startswith(f"{self._base}/")
        names = (
            _OURS.search(seen.start) is not None
            if is_here
            else self._inside.rpartition("/")[2].encode("ascii") in seen.start
        )
        return names or _BUCKETS in seen.start

    def _is_outside(self, folder: str) -> bool:
        seen = self._shown(f"{folder}/{self._outside}")
        return seen is not None and self._text in seen.start

    def _shown(self, address: str) -> Seen | None:
        """Return what is shown, ``None`` when nothing is: what is not answered is not shown. Raises Cancelled."""
        try:
            seen = look_at(address, 0, self._ctx, self._ca, Asking.PAGE)
        except Cancelled:
            raise
        except BitewingError:
            return None
        return seen if seen.is_success else None
