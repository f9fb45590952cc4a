"""Storing over the web (STOW-RS, PS3.18 section 10.5): one instance, streamed, and what the answer says of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from app.core.errors import EnvironmentFault
from app.core.files import proven_blocks
from app.transfer.connection import Connection, mapping, require_well

_REFERENCED, _FAILED, _REASON = "00081199", "00081198", "00081197"
# PS3.18 table 10.5.3-1: some were stored, some were not (409: none; 202: stored, with warnings).
_TOLD = frozenset({httpx.codes.OK, httpx.codes.ACCEPTED, httpx.codes.CONFLICT})
# PS3.4 table B.2-1.
_OUT_OF_RESOURCES = 0xA700


def stow(server: Connection, path: Path, sha256: str) -> None:
    """Send one DICOM file that has this digest.

    Raises
    ------
    BitewingError
        As :meth:`Connection.ask` and :func:`proven_blocks`; ``pacs.full``; ``pacs.refused`` with the ``status``
        that the answer gives.
    """
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Content-Length": str(len(head) + path.stat().st_size + len(tail)),
        "Accept": "application/dicom+json",
    }
    response = server.ask("POST", "dicom-web/studies", content=_body(head, path, sha256, tail), headers=headers)
    if response.status_code not in _TOLD:
        require_well(response)
    try:
        told = mapping(json.loads(response.content))
    except (ValueError, RecursionError) as error:
        raise EnvironmentFault("pacs.not_an_archive") from error
    if response.status_code == httpx.codes.CONFLICT or not _has_items(told, _REFERENCED):
        reason = _reason(told)
        if reason is not None and reason & 0xFF00 == _OUT_OF_RESOURCES:
            raise EnvironmentFault("pacs.full")
        raise EnvironmentFault("pacs.refused", status=hex(reason) if reason is not None else response.status_code)


def _body(head: bytes, path: Path, sha256: str, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from proven_blocks(path, sha256)
    yield tail


def _values(told: dict[str, Any], tag: str) -> list[Any]:
    element = told.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _has_items(told: dict[str, Any], tag: str) -> bool:
    return any(isinstance(item, dict) for item in _values(told, tag))


def _reason(told: dict[str, Any]) -> int | None:
    for item in _values(told, _FAILED):
        for reason in _values(item, _REASON) if isinstance(item, dict) else []:
            if isinstance(reason, int) and not isinstance(reason, bool):
                return reason
    return None
