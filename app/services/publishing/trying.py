"""Trying a place out before anything is published: is the public folder seen, and is nothing else seen with it?"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled
from app.domain.publication import FOLDER, public_address
from app.transfer.public_web import look_at
from app.transfer.stores.store import Store


def ca_of(mirror: MirrorSettings) -> str:
    """Return the PEM file that a place is trusted by, if any: its web server may have the same authority."""
    return mirror.trust if mirror.trust and Path(mirror.trust).is_file() else ""


def try_public(mirror: MirrorSettings, place: Store, work: Path, ctx: JobContext) -> tuple[str, ...]:
    """Return what is wrong with publishing at a mirror, as codes; nothing where publishing is off, or all is well.

    A small file is put into the public folder and one beside it, and both are asked for as a stranger would.

    Raises
    ------
    BitewingError
        As every call of a store.
    """
    if not mirror.publish:
        return ()
    if not mirror.public_url:
        return ("publish.no_address",)
    token = secrets.token_hex(20)
    inside, outside = f"{FOLDER}/{token}.txt", f"bitewing-{token}.txt"
    probe = work / "probe.txt"
    probe.write_text(token, "ascii")
    try:
        for name in (inside, outside):
            place.put(probe, name, ctx)
        return _seen(mirror, inside, outside, token, ctx)
    finally:
        for name in (inside, outside):
            place.delete(name)


def _seen(mirror: MirrorSettings, inside: str, outside: str, token: str, ctx: JobContext) -> tuple[str, ...]:
    ca, base = ca_of(mirror), mirror.public_url.rstrip("/")
    digest = hashlib.sha256(token.encode("ascii")).hexdigest()
    try:
        seen = look_at(public_address(base, inside) or "", len(token), ctx, ca)
    except Cancelled:
        raise
    except BitewingError as fault:
        return (fault.code,)
    found = []
    if not seen.is_success:
        found.append("publish.not_served")
    elif seen.sha256 != digest:
        found.append("publish.other_served")
    if shows(f"{base}/", ctx, ca, token):
        found.append("publish.listed")
    # Where the mirror's own folder would be seen: above the public folder, or, entered by mistake, as the public one.
    places = [base, *([base.rpartition("/")[0]] if base.count("/") > 2 else [])]
    if any(shows(f"{place}/{outside}", ctx, ca, token) for place in places):
        found.append("publish.all_public")
    return tuple(found)


def shows(address: str, ctx: JobContext, ca: str, token: str) -> bool:
    """Whether an address shows a word of ours: the file itself, or a listing with its name. Raises Cancelled."""
    try:
        seen = look_at(address, 0, ctx, ca)
    except Cancelled:
        raise
    except BitewingError:
        # What is not answered is not shown.
        return False
    return seen.is_success and token.encode("ascii") in seen.start
