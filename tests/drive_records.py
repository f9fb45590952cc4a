"""What the stand-in for Google Drive keeps: files, uploads that go on, and faults it was told to have."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http.server import ThreadingHTTPServer
from typing import Any

ROOT = "0ARootOfMyDrive"
_HAS = re.compile(r"appProperties has \{key='((?:[^'\\]|\\.)*)' and value='((?:[^'\\]|\\.)*)'\}")
_EQUALS = re.compile(r"(mimeType|name)='((?:[^'\\]|\\.)*)'")
FOLDER = "application/vnd.google-apps.folder"


def require_properties(properties: dict[str, str | None]) -> None:
    """Refuse what the API refuses: "Custom file properties", limits of size and number."""
    assert len(properties) <= 30
    assert all(len(key.encode()) + len((value or "").encode()) <= 124 for key, value in properties.items())


@dataclass
class Stored:
    """One file or folder."""

    id: str
    name: str
    created: datetime
    content: bytes = b""
    kind: str = "application/zip"
    properties: dict[str, str] = field(default_factory=dict)
    parents: tuple[str, ...] = (ROOT,)
    trashed: bool = False

    @cached_property
    def digests(self) -> tuple[str, str]:
        """MD5 and SHA-256 of its bytes, which never change."""
        return hashlib.md5(self.content).hexdigest(), hashlib.sha256(self.content).hexdigest()

    def change(self, told: dict[str, Any], added: list[str], removed: list[str]) -> None:
        """Change what is said of it ("patch semantics"): what is not named stays, ``null`` takes away."""
        self.name = told.get("name", self.name)
        merged = {**self.properties, **told.get("appProperties", {})}
        self.properties = {key: value for key, value in merged.items() if value is not None}
        require_properties(self.properties)
        self.parents = tuple([parent for parent in self.parents if parent not in removed] + added)
        assert len(self.parents) == 1, "a file lies in exactly one folder"

    def told(self) -> dict[str, Any]:
        """Return it as the API does."""
        told = {
            "id": self.id,
            "name": self.name,
            "mimeType": self.kind,
            "createdTime": self.created.isoformat().replace("+00:00", "Z"),
            "appProperties": self.properties,
            "parents": list(self.parents),
        }
        if self.kind != FOLDER:
            md5, sha256 = self.digests
            told |= {"size": str(len(self.content)), "md5Checksum": md5, "sha256Checksum": sha256}
        return told


def only_asked(told: dict[str, Any], fields: str) -> dict[str, Any]:
    """Return what of a file is told by its ``fields``, or without any ("Return specific fields")."""
    inner = re.search(r"files\((.*)\)", fields)
    wanted = (inner[1] if inner else fields or "kind,id,name,mimeType").split(",")
    return {key: value for key, value in told.items() if key in wanted}


def is_trashed(files: Mapping[str, Stored], one: Stored) -> bool:
    """Whether a file is in the bin, by itself or with a folder it lies in."""
    return one.trashed or any(is_trashed(files, files[parent]) for parent in one.parents if parent in files)


def tree(files: Mapping[str, Stored]) -> dict[str, bytes]:
    """Return the bytes of all files by the names of folders and files that a person sees."""

    def path(one: Stored) -> str:
        above = files.get(one.parents[0])
        return f"{path(above)}/{one.name}" if above else one.name

    return {path(one): one.content for one in files.values() if one.kind != FOLDER and not is_trashed(files, one)}


@dataclass
class Query:
    """A question ("Search query terms and operators"), as far as the program asks any."""

    has: list[tuple[str, str]]
    equals: list[tuple[str, str]]

    @classmethod
    def parse(cls, text: str) -> Query:
        assert text.endswith("trashed=false"), "what is in the bin would be found"
        has, rest = _HAS.findall(text), _HAS.sub("", text.removesuffix("trashed=false"))
        equals, left = _EQUALS.findall(rest), _EQUALS.sub("", rest).replace(" and ", "").strip()
        assert left in {"", "and"}, f"a query the stand-in does not know: {left!r}"
        return cls([(key, _plain(value)) for key, value in has], [(key, _plain(value)) for key, value in equals])

    def fits(self, one: Stored) -> bool:
        return all(one.properties.get(key) == value for key, value in self.has) and all(
            (one.kind if key == "mimeType" else one.name) == value for key, value in self.equals
        )


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


@dataclass
class Session:
    """An upload that goes on."""

    metadata: dict[str, Any]
    size: int
    kind: str = "application/zip"
    asked: dict[str, str] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)
    made: Stored | None = None


@dataclass
class Fault:
    """What is answered instead, ``times`` times, to requests whose method and path match; ``skip`` go by first.

    Status 0 cuts the line. ``after``: a chunk is taken first, and then the answer goes wrong.
    """

    method: str
    path: str
    status: int
    reason: str = ""
    times: int = 1
    skip: int = 0
    after: bool = False
    retry_after: str = ""


class Server(ThreadingHTTPServer):
    """Keeps what a client did that Google would not take; one that is killed did nothing wrong."""

    daemon_threads = True
    problems: list[str]

    def handle_error(self, _request: object, _address: object) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.problems.append(repr(error))
