"""Settings that exist once per name: mirrors and archives that speak DICOM alone (``mirror.NAME.host``).

Pure: stored values by key in, frozen dataclasses out. What a destination is called among the queues is
``KIND.NAME``, so that a name serves once per kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

# Where a mirror on Google Drive lies whose settings name no folder.
DRIVE_FOLDER = "Bitewing mirror"
# PS3.5 table 6.2-1: up to sixteen characters, none of them a backslash, not blanks alone.
AE_TITLE = r"(?=.*\S)[ -\[\]-~]{1,16}"
MIRROR = "mirror"
DIMSE = "dimse"
_NAME = r"[A-Za-z0-9_-]{1,32}"
_KEY = re.compile(rf"(mirror|dimse)\.({_NAME})\.([a-z_]+)")
# Encrypted, so that nobody on the way changes what is shown under the clinic's name; plain to this computer alone.
# Without a name and password: whoever is given the address would have them.
_PUBLIC_ADDRESS = r"(https://[^\s/?#@]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s?#]*)?)?"
_PORT = {"minimum": 0, "maximum": 65535}


@dataclass(frozen=True, slots=True)
class MirrorSettings:
    """One mirror. Port 0 is the protocol's own; ``interval_s`` counts seconds between two rounds.

    ``publish``: images may be published there, one by one (REQUIREMENTS F7); ``public_url``: where its public folder
    is seen on the web.
    ``allow_unsealed``: an admin's consent that images lie at Google, which otherwise gets sealed archives alone.
    ``paused``: what is filed is queued and waits. ``clear_catalogue``: the catalogue may lie there unsealed.
    """

    name: str = ""
    enabled: bool = field(default=False, metadata={"key": "enabled"})
    kind: str = field(
        default="folder", metadata={"key": "kind", "choices": ("folder", "ftp", "ftps", "sftp", "s3", "drive")}
    )
    host: str = field(default="", metadata={"key": "host"})
    port: int = field(default=0, metadata={"key": "port", **_PORT})
    username: str = field(default="", metadata={"key": "username"})
    key_file: str = field(default="", metadata={"key": "key_file"})
    path: str = field(default="", metadata={"key": "path"})
    layout: str = field(default="library", metadata={"key": "layout", "choices": ("library", "clinical-images")})
    interval_s: int = field(default=120, metadata={"key": "interval", "minimum": 1})
    connections: int = field(default=4, metadata={"key": "connections", "minimum": 1, "maximum": 16})
    trust: str = field(default="", metadata={"key": "trust"})
    allow_plain: bool = field(default=False, metadata={"key": "allow_plain"})
    public_url: str = field(default="", metadata={"key": "public_url", "pattern": _PUBLIC_ADDRESS})
    publish: bool = field(default=False, metadata={"key": "publish"})
    endpoint: str = field(default="", metadata={"key": "endpoint", "pattern": r"(https?://[^\s/]+\S*)?"})
    region: str = field(default="", metadata={"key": "region"})
    bucket: str = field(default="", metadata={"key": "bucket"})
    access_key: str = field(default="", metadata={"key": "access_key"})
    path_style: bool = field(default=False, metadata={"key": "path_style"})
    paused: bool = field(default=False, metadata={"key": "paused"})
    clear_catalogue: bool = field(default=False, metadata={"key": "clear_catalogue"})
    allow_unsealed: bool = field(default=False, metadata={"key": "allow_unsealed"})

    @property
    def destination(self) -> str:
        """What its queue is called."""
        return f"{MIRROR}.{self.name}"


@dataclass(frozen=True, slots=True)
class DimseSettings:
    """One archive that speaks DICOM's own protocol. ``aet`` is its AE title."""

    name: str = ""
    enabled: bool = field(default=True, metadata={"key": "enabled"})
    host: str = field(default="", metadata={"key": "host"})
    port: int = field(default=104, metadata={"key": "port", "minimum": 1, "maximum": 65535})
    aet: str = field(default="ANY-SCP", metadata={"key": "aet", "pattern": AE_TITLE})
    worklist: bool = field(default=False, metadata={"key": "worklist"})
    tls: bool = field(default=False, metadata={"key": "tls"})
    trust: str = field(default="", metadata={"key": "trust"})
    allow_plain: bool = field(default=False, metadata={"key": "allow_plain"})

    @property
    def destination(self) -> str:
        """What its queue is called."""
        return f"{DIMSE}.{self.name}"


_TOPICS: dict[str, type] = {MIRROR: MirrorSettings, DIMSE: DimseSettings}
_SECRETS = {MIRROR: ("password", "secret_key"), DIMSE: ()}


# What says where a destination is: after a change of these it is another place, and nothing is proven there. A server
# may show each of its users another folder.
PLACES = {
    "orthanc": frozenset({"url"}),
    MIRROR: frozenset({"kind", "host", "port", "username", "path", "endpoint", "bucket"}),
    DIMSE: frozenset({"host", "port", "aet"}),
}
# Written in capitals or not, these mean the same; folders and names in buckets do not.
_WITHOUT_CASE = frozenset({"kind", "host", "aet"})


def is_place(key: str) -> bool:
    """Whether a setting says where a destination is."""
    topic, _dot, rest = key.partition(".")
    return rest.rpartition(".")[2] in PLACES.get(topic, frozenset())


def is_same_place(key: str, before: Any, after: Any) -> bool:
    """Whether two values of such a setting mean the same place: an address may be written in several ways."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return bool(before == after)
    if "//" in before and "//" in after:
        return _address(before) == _address(after)
    old, new = before.strip().rstrip("/"), after.strip().rstrip("/")
    is_without_case = key.rpartition(".")[2] in _WITHOUT_CASE
    return before == after or (old.casefold() == new.casefold() if is_without_case else old == new)


def _address(url: str) -> tuple[str, str, str]:
    """Return host, port and path; whether it is encrypted says nothing of where it is."""
    parts = urlsplit(url)
    return (parts.hostname or "", str(parts.port or ""), parts.path.rstrip("/"))


def place_of(mirror: MirrorSettings) -> str:
    """Return where a mirror's files lie, in one line: the same place has the same line.

    Not by whom it is entered: who may go in changes now and then, and a wrong account is mended that way. Nor whether
    the way there is encrypted.
    """
    path = mirror.path.rstrip("/")
    if mirror.kind == "folder":
        return f"folder {path}"
    if mirror.kind == "s3":
        host, port, rest = _address(mirror.endpoint)
        return f"s3 {host}:{port}{rest} {mirror.bucket} {path}"
    kind = "sftp" if mirror.kind == "sftp" else "ftp"
    return f"{kind} {mirror.host.strip().casefold()}:{mirror.port or ''} {path}"


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key that was taken apart. ``field`` names the field that it sets; empty for a secret."""

    topic: str
    name: str
    field: str
    default: Any
    metadata: Mapping[str, Any]


def named_key(key: str) -> NamedKey | None:
    """Return what a key of a named destination stands for; ``None`` for all others."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    topic, name, last = match.groups()
    if last in _SECRETS[topic]:
        return NamedKey(topic, name, "", "", {})
    for item in fields(_TOPICS[topic]):
        if item.metadata.get("key") == last:
            return NamedKey(topic, name, item.name, item.default, item.metadata)
    return None


def keys_of(topic: str, name: str) -> Iterator[str]:
    """Yield every key of one destination, secrets last."""
    for item in fields(_TOPICS[topic]):
        if "key" in item.metadata:
            yield f"{topic}.{name}.{item.metadata['key']}"
    yield from (f"{topic}.{name}.{secret}" for secret in _SECRETS[topic])


def is_name(text: str) -> bool:
    """Whether a destination may be called that."""
    return re.fullmatch(_NAME, text) is not None


def names_of(topic: str, keys: Mapping[str, Any]) -> list[str]:
    """Return the names that occur among stored keys, sorted."""
    parsed = (_KEY.fullmatch(key) for key in keys)
    return sorted({match[2] for match in parsed if match is not None and match[1] == topic})
