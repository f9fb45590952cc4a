"""The proof that a public address shows a copy no more: what it answers, beside what it answers for what is there.

A refusal proves nothing by itself. A wall against robots, a page to sign in at or a web server without its folder
refuse us alone, or everything; strangers, or those whom a cache serves, may see the copy all the same. So a small
picture without meaning is put beside it, which has to be seen, and a name is asked for that nothing ever had.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault
from app.domain.publication import FOLDER, KIND, public_address
from app.services.workroom import private_folder
from app.storage.catalogue import Catalogue
from app.transfer.public_web import Asking, Seen, look_at
from app.transfer.stores.store import Store

log = logging.getLogger(__name__)

# Asked for twice with so much between: one of several servers behind an address may know it before the other.
AGAIN_S = 3.0
# What says that nothing is there, and not only that we are not let in.
_NOTHING_THERE = frozenset({404, 410})
_CONTROL = re.compile(rf"({FOLDER}/)?bitewing-[0-9a-f]{{40}}\.[a-z]{{3}}")


def control_name(suffix: str) -> str:
    """Return a name for what is put into the public folder for a moment; of chance, so that no cache knows it."""
    return f"{FOLDER}/bitewing-{secrets.token_hex(20)}{suffix}"


def is_control(name: str) -> bool:
    """Whether a file was put there to try something out, in the public folder or beside it."""
    return _CONTROL.fullmatch(name) is not None


def control_bytes(name: str) -> bytes:
    """Return something small of the kind that a name is for, its own for each, that says nothing of anybody."""
    noise = hashlib.shake_256(name.encode("ascii")).digest(256)
    if not name.endswith(".jpg"):
        return bytes(128) + b"DICM" + noise
    # A real picture: servers that make others of what they show do so with this one.
    from PIL import Image

    written = BytesIO()
    Image.frombytes("L", (16, 16), noise).save(written, "JPEG")
    return written.getvalue()


def take_away(place: Store, name: str) -> None:
    """Delete what was put there for a moment. What stays says nothing of anybody, and is swept later."""
    try:
        place.delete(name)
    except BitewingError as fault:
        log.warning("a trial picture is left over at a public place: %s", fault.code)


class GoneProof:
    """Asks at one place what strangers still see. Any thread."""

    def __init__(self, store: Catalogue, place: Store, ctx: JobContext, ca: str) -> None:
        self._store = store
        self._place = place
        self._ctx = ctx
        self._ca = ca

    def require(self, url: str, sha256: str) -> None:
        """Return when an address shows nothing of the copy with this digest any more.

        Raises
        ------
        TransientFault
            ``publish.still_served`` while it is shown; ``publish.unproven`` when nothing can be told from the answer.
        BitewingError
            As every call of a store, but for what is wrong with writing there alone; as :func:`look_at`.
        """
        base, _slash, last = url.rpartition("/")
        key = f"{KIND}.trial.{last}"
        with self._store.read():
            known = self._store.state.get(key)
        name = known if isinstance(known, str) and is_control(known) else control_name(PurePosixPath(last).suffix)
        control = _Control(name, control_bytes(name))
        self._put(control)
        try:
            for number, asking in enumerate(Asking):
                if number:
                    self._ctx.wait(AGAIN_S)
                self._ask_once(url, base, control, sha256, asking)
        finally:
            if control.is_seen:
                # Another the next time: what was seen once some cache may have kept.
                take_away(self._place, name)
                self._store.state.remove(key)
            elif name != known:
                # It stays, to be met again: a web server may have its files from the mirror hours later.
                self._store.state.set(key, name)

    def _put(self, control: _Control) -> None:
        with private_folder(self._store) as work:
            (work / "control").write_bytes(control.data)
            try:
                self._place.put(work / "control", control.name, self._ctx)
            except (Cancelled, TransientFault):
                raise
            except EnvironmentFault as fault:
                # A place that takes nothing more is no reason to stop taking back.
                raise TransientFault("publish.unproven", cause=fault.code) from fault

    def _ask_once(self, url: str, base: str, control: _Control, sha256: str, asking: Asking) -> None:
        seen = self._look(url, asking)
        # Asked only now: what was let in after the copy was asked for says nothing of that answer.
        never = control_name(PurePosixPath(control.name).suffix)
        nothing = self._look(public_address(base, never) or "", asking)
        shown = self._look(public_address(base, control.name) or "", asking)
        is_shown = (
            shown.is_success and (shown.start == control.data or shown.is_an_image) and nothing.sha256 != shown.sha256
        )
        control.is_seen = control.is_seen or is_shown
        if seen.sha256 == sha256 or (seen.is_success and seen.is_an_image):
            raise TransientFault("publish.still_served")
        if not is_shown or not _says_nothing_is_there(seen, nothing):
            raise TransientFault("publish.unproven", status=seen.status)

    def _look(self, url: str, asking: Asking) -> Seen:
        return look_at(url, 0, self._ctx, self._ca, asking)


@dataclass(slots=True)
class _Control:
    """What was put beside a copy, and whether it was seen there."""

    name: str
    data: bytes
    is_seen: bool = False


def _says_nothing_is_there(seen: Seen, nothing: Seen) -> bool:
    """Whether an answer means that nothing is there: it says so, or is what a name gets that nothing ever had."""
    if seen.is_an_image and seen.sha256 != nothing.sha256:
        return False
    if seen.status in _NOTHING_THERE:
        return True
    said = (seen.status, seen.kind, seen.elsewhere)
    # Refusals carry the number of the request, pages that are shown for everything do not.
    return said == (nothing.status, nothing.kind, nothing.elsewhere) and (
        seen.status >= 400 or seen.sha256 == nothing.sha256
    )
