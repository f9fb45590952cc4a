"""An Orthanc server over its REST API: storing with proof, looking up, removing (Orthanc Book, "REST API").

``AlreadyStored`` is no proof of anything: Orthanc keeps the older file of two with one SOP Instance UID and says so
(RELIABILITY, fact 1). What lies there is therefore always compared by its MD5.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.core.cancel import CancelToken
from app.core.clock import utc_now
from app.core.errors import EnvironmentFault
from app.core.files import proven_blocks
from app.transfer.connection import PROBE, QUICK, Connection, OrthancArgs, is_private, mapping, require_well
from app.transfer.found import is_uid
from app.transfer.retrieval import Allowance, retrieve_file
from app.transfer.stow import stow

# What Orthanc's own configuration file comes with.
_FIRST_PASSWORD = ("orthanc", "orthanc")
_CLOCK_S = 60.0
_CHANGES = 500
_ARRIVALS = frozenset({"NewStudy", "StableStudy"})
_ID = re.compile(r"[0-9a-f-]{1,64}")
# For answers of a few bytes, which packing only makes longer and slower.
_UNPACKED = {"Accept-Encoding": "identity"}


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


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since a number: studies that came or settled, by Orthanc's id; the last number seen.

    ``is_all`` is false while there is more to be asked for.
    """

    studies: tuple[str, ...]
    last: int
    is_all: bool


class Orthanc:
    """One server. Any thread; connections are kept and shared."""

    def __init__(self, args: OrthancArgs) -> None:
        """Make ready; nothing is asked yet. Raises as :class:`Connection`."""
        self._server = Connection(args)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def probe(self) -> None:
        """Ask for a sign of life, quickly. Raises as :meth:`system`."""
        self._server.json("GET", "system", timeout=PROBE)

    def system(self) -> System:
        """Return what the server says of itself.

        Raises
        ------
        TransientFault
            ``pacs.unreachable``, ``pacs.slow``, ``pacs.cut_off``, ``pacs.busy``.
        EnvironmentFault
            ``pacs.unauthorized``, ``pacs.forbidden``, ``pacs.certificate``, ``pacs.not_an_archive``.
        """
        told = mapping(self._server.json("GET", "system"))
        if "ApiVersion" not in told:
            raise EnvironmentFault("pacs.not_an_archive")
        counted = mapping(self._server.json("GET", "statistics"))
        plugins = self._server.json("GET", "plugins")
        return System(
            version=str(told.get("Version", "")),
            name=str(told.get("Name", "")),
            plugins=tuple(str(name) for name in plugins) if isinstance(plugins, list) else (),
            instances=_count(counted.get("CountInstances")),
            disk_bytes=_count(counted.get("TotalDiskSize")),
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        if not is_private(self._server.url):
            yield "pacs.plain"
        if self._server.lets_in("system", None):
            yield "pacs.no_password"
        elif self._server.lets_in("system", _FIRST_PASSWORD):
            yield "pacs.default_password"
        difference = self.clock_s()
        if difference is not None and abs(difference) > _CLOCK_S:
            yield "pacs.clock"

    def clock_s(self) -> float | None:
        """Return its clock minus this computer's, in seconds; ``None`` when it does not say.

        Raises
        ------
        BitewingError
            As :meth:`system`.
        """
        there = self._server.ask("GET", "tools/now", timeout=PROBE)
        try:
            told = datetime.strptime(there.text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            return None
        return (told - utc_now()).total_seconds()

    def store(self, path: Path, sha256: str) -> Stored:
        """Send one DICOM file that has this digest.

        Raises
        ------
        ItemError
            ``file.corrupt`` when it has another; the server then has not got the whole of it.
        TransientFault, EnvironmentFault
            As :meth:`system`; ``pacs.full``; ``pacs.refused`` (fact ``status``) for a file it does not take.
        """
        size = path.stat().st_size
        headers = {"Content-Type": "application/dicom", "Content-Length": str(size)} | _UNPACKED
        blocks = proven_blocks(path, sha256)
        told = mapping(self._server.json("POST", "instances", content=blocks, headers=headers))
        status, instance = told.get("Status"), told.get("ID")
        if status not in {"Success", "AlreadyStored"} or not isinstance(instance, str):
            raise EnvironmentFault("pacs.refused", status=str(status))
        if not _ID.fullmatch(instance):
            # It becomes part of an address.
            raise EnvironmentFault("pacs.not_an_archive")
        return Stored(instance, status == "Success")

    def stow(self, path: Path, sha256: str) -> None:
        """Send one DICOM file by STOW-RS, which does not say whether it was there before. Raises as :meth:`store`."""
        stow(self._server, path, sha256)

    def md5(self, instance: str) -> str | None:
        """Return the MD5 of an instance's file as it lies there; ``None`` when it is not there."""
        if not _ID.fullmatch(instance):
            return None
        response = self._server.ask("GET", f"instances/{instance}/attachments/dicom/md5", headers=_UNPACKED)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        require_well(response)
        answer: str = response.text
        return answer.strip().strip('"').lower()

    def present(self, uids: Sequence[str]) -> frozenset[str]:
        """Return the ids of the instances with these SOP Instance UIDs that are there. Raises as :meth:`system`."""
        asked = {"Level": "Instance", "Query": {"SOPInstanceUID": "\\".join(uids)}}
        found = self._server.json("POST", "tools/find", asked=asked)
        return frozenset(str(one) for one in found) if isinstance(found, list) else frozenset()

    def remove(self, instance: str) -> bool:
        """Remove an instance; false when it was not there. What gets empty by it goes too, by Orthanc's own rule."""
        if not _ID.fullmatch(instance):
            return False
        response = self._server.ask("DELETE", f"instances/{instance}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return False
        require_well(response)
        return True

    def fetch(
        self, instance: str, target: Path, most_bytes: int, token: CancelToken, on_bytes: Callable[[int], None]
    ) -> None:
        """Fetch an instance's file as it lies there to the new file ``target``; no more than ``most_bytes``.

        Raises
        ------
        EnvironmentFault
            As :func:`app.transfer.retrieval.retrieve_file`.
        """
        if not _ID.fullmatch(instance):
            raise EnvironmentFault("pacs.gone")
        retrieve_file(self._server, f"instances/{instance}/file", target, Allowance(most_bytes), token, on_bytes)

    def last_change(self) -> int:
        """Return the number of the newest change. Raises as :meth:`system`."""
        return _count(mapping(self._server.json("GET", "changes?last", timeout=QUICK)).get("Last"))

    def changes(self, since: int) -> Changes:
        """Return what happened after the change of that number, some at a time. Raises as :meth:`system`."""
        told = mapping(self._server.json("GET", f"changes?since={since}&limit={_CHANGES}", timeout=QUICK))
        rows = told.get("Changes")
        studies = {
            str(row["ID"]): None
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict) and row.get("ChangeType") in _ARRIVALS and _ID.fullmatch(str(row.get("ID")))
        }
        last = _count(told.get("Last"))
        # An answer that does not move on would be asked for for ever.
        return Changes(tuple(studies), last, told.get("Done") is not False or last <= since)

    def study_uid(self, study: str) -> str | None:
        """Return the Study Instance UID of a study by its id; ``None`` when it is not there any more."""
        response = self._server.ask("GET", f"studies/{study}", timeout=QUICK)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        require_well(response)
        try:
            tags = mapping(json.loads(response.content)).get("MainDicomTags")
        except (ValueError, RecursionError) as error:
            raise EnvironmentFault("pacs.not_an_archive") from error
        uid = tags.get("StudyInstanceUID") if isinstance(tags, dict) else None
        return uid if is_uid(uid) else None


def instance_id(key: str) -> str:
    """Return the id that Orthanc gives an instance, known before it is sent.

    SHA-1 of Patient ID, Study, Series and SOP Instance UID with bars between them (Orthanc Book, "Orthanc IDs").
    """
    digest = hashlib.sha1(key.encode("utf-8"), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0
