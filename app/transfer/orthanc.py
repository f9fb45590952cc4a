"""An Orthanc server over its REST API: storing with proof, looking up, removing (Orthanc Book, "REST API").

``AlreadyStored`` is no proof of anything: Orthanc keeps the older file of two with one SOP Instance UID and says so
(RELIABILITY, fact 1). What lies there is therefore always compared by its MD5.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.core.clock import utc_now
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.core.files import BLOCK_BYTES
from app.transfer.http_errors import fault_of, translated

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
# What Orthanc's own configuration file comes with.
_FIRST_PASSWORD = ("orthanc", "orthanc")
_CLOCK_S = 60.0
# No answer that is asked for here is longer than some kilobytes.
_LONGEST_ANSWER = 4 << 20
_PROBE_TIMEOUT = httpx.Timeout(5.0)


@dataclass(frozen=True, slots=True)
class OrthancArgs:
    """Where an Orthanc is and who we are there. ``ca``: a PEM file to trust instead of the system's authorities."""

    url: str
    username: str = ""
    password: str = ""
    ca: str = ""
    connections: int = 4


@dataclass(frozen=True, slots=True)
class System:
    """What an Orthanc says of itself.

    ``warnings``: ``pacs.no_password``, ``pacs.default_password``, ``pacs.clock``, and ``pacs.plain`` for a
    connection to another computer that is not encrypted.
    """

    version: str
    name: str
    plugins: tuple[str, ...]
    instances: int
    disk_bytes: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """Where an instance lies; ``is_new`` is false where one with its UIDs was there before."""

    instance: str
    is_new: bool


def is_private(url: str) -> bool:
    """Whether nobody can read along on the way: it is encrypted, or it does not leave this computer."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme == "https" or parsed.host in {"127.0.0.1", "localhost", "::1"}


class Orthanc:
    """One server. Any thread; connections are kept and shared."""

    def __init__(self, args: OrthancArgs) -> None:
        """Make ready; nothing is asked yet.

        Raises
        ------
        UserError
            ``pacs.no_url``, ``pacs.bad_ca``.
        """
        if not args.url.startswith(("http://", "https://")):
            raise UserError("pacs.no_url", url=args.url)
        self._verify = _trust(args.ca)
        self._client = httpx.Client(
            base_url=args.url.rstrip("/") + "/",
            auth=httpx.BasicAuth(args.username, args.password) if args.username else None,
            verify=self._verify,
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=args.connections + 2, max_keepalive_connections=args.connections + 2),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def probe(self) -> None:
        """Ask for a sign of life, quickly. Raises as :meth:`system`."""
        self._json("GET", "system", timeout=_PROBE_TIMEOUT)

    def system(self) -> System:
        """Return what the server says of itself.

        Raises
        ------
        TransientFault
            ``pacs.unreachable``, ``pacs.slow``, ``pacs.cut_off``, ``pacs.busy``.
        EnvironmentFault
            ``pacs.unauthorized``, ``pacs.forbidden``, ``pacs.certificate``, ``pacs.not_an_archive``.
        """
        told = _object(self._json("GET", "system"))
        if "ApiVersion" not in told:
            raise EnvironmentFault("pacs.not_an_archive")
        counted = _object(self._json("GET", "statistics"))
        plugins = self._json("GET", "plugins")
        return System(
            version=str(told.get("Version", "")),
            name=str(told.get("Name", "")),
            plugins=tuple(str(name) for name in plugins) if isinstance(plugins, list) else (),
            instances=_count(counted.get("CountInstances")),
            disk_bytes=_count(counted.get("TotalDiskSize")),
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        if not is_private(str(self._client.base_url)):
            yield "pacs.plain"
        if self._lets_in(None):
            yield "pacs.no_password"
        elif self._lets_in(_FIRST_PASSWORD):
            yield "pacs.default_password"
        there = self._ask("GET", "tools/now")
        try:
            told = datetime.strptime(there.text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return
        if abs((told - utc_now()).total_seconds()) > _CLOCK_S:
            yield "pacs.clock"

    def _lets_in(self, auth: tuple[str, str] | None) -> bool:
        """Whether somebody else gets in, with this name and password or with none."""
        with translated(), httpx.Client(verify=self._verify, timeout=_PROBE_TIMEOUT) as stranger:
            return stranger.get(f"{self._client.base_url}system", auth=auth).is_success

    def store(self, path: Path) -> Stored:
        """Send one DICOM file.

        Raises
        ------
        TransientFault, EnvironmentFault
            As :meth:`system`; ``pacs.full``; ``pacs.refused`` (fact ``status``) for a file it does not take.
        """
        size = path.stat().st_size
        headers = {"Content-Type": "application/dicom", "Content-Length": str(size)}
        told = _object(self._json("POST", "instances", content=_blocks(path), headers=headers))
        status, instance = told.get("Status"), told.get("ID")
        if status not in {"Success", "AlreadyStored"} or not isinstance(instance, str):
            raise EnvironmentFault("pacs.refused", status=str(status))
        return Stored(instance, status == "Success")

    def md5(self, instance: str) -> str | None:
        """Return the MD5 of an instance's file as it lies there; ``None`` when it is not there."""
        response = self._ask("GET", f"instances/{instance}/attachments/dicom/md5")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        self._require_well(response)
        answer: str = response.text
        return answer.strip().strip('"').lower()

    def remove(self, instance: str) -> bool:
        """Remove an instance; false when it was not there. What gets empty by it goes too, by Orthanc's own rule."""
        response = self._ask("DELETE", f"instances/{instance}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        self._require_well(response)
        return True

    def _json(self, method: str, path: str, **more: Any) -> Any:
        response = self._ask(method, path, **more)
        self._require_well(response)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError) as error:
            # A login page, a router, something else that listens there.
            raise EnvironmentFault("pacs.not_an_archive") from error

    def _ask(self, method: str, path: str, *, timeout: httpx.Timeout = _TIMEOUT, **more: Any) -> httpx.Response:
        """Ask and read the whole answer, which may neither be long nor take for ever to come."""
        with translated(), self._client.stream(method, path, timeout=timeout, **more) as response:
            deadline = time.monotonic() + (timeout.read or 0.0)
            answer = bytearray()
            for block in response.iter_bytes():
                answer += block
                if len(answer) > _LONGEST_ANSWER:
                    raise EnvironmentFault("pacs.not_an_archive")
                if time.monotonic() > deadline:
                    raise TransientFault("pacs.slow")
            return httpx.Response(response.status_code, headers=_plain(response.headers), content=bytes(answer))

    def _require_well(self, response: httpx.Response) -> None:
        fault = fault_of(response)
        if fault is not None:
            raise fault


def instance_id(key: str) -> str:
    """Return the id that Orthanc gives an instance, known before it is sent.

    SHA-1 of Patient ID, Study, Series and SOP Instance UID with bars between them (Orthanc Book, "Orthanc IDs").
    """
    digest = hashlib.sha1(key.encode("utf-8"), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def _plain(headers: httpx.Headers) -> dict[str, str]:
    """Return the headers of an answer that has been unpacked already."""
    packed = {"content-encoding", "content-length", "transfer-encoding"}
    return {name: value for name, value in headers.items() if name.lower() not in packed}


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise EnvironmentFault("pacs.not_an_archive")
    return answer


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _trust(ca: str) -> ssl.SSLContext | bool:
    if not ca:
        return True
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise UserError("pacs.bad_ca", path=ca) from error
