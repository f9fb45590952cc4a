"""What a store writes to its files and folders on Google Drive, and reads there: their names and what they ought to be.

Drive names are no keys: several files may have one, people rename and move them, and a query by name finds whatever
lies anywhere. So a file says itself, in properties that only this program sees, what it is called in which store; the
folders and names that people see are for them alone. A property holds 124 bytes with its key, so that a long name is
written in pieces. ("Custom file properties", "Search query terms and operators".)
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.transfer.drive.remote import RemoteFile

_APP = {"app": "bitewing"}
_PIECE = "name"
# Two digits after the key's own four letters leave 118 bytes.
_PIECE_BYTES = 112


@dataclass(frozen=True, slots=True)
class Sent:
    """What a file is to be, known before it is sent."""

    size: int
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one store; ``base`` is the path of its folder."""

    base: str

    def file(self, name: str, turn: int, sent: Sent) -> dict[str, str]:
        """Return what a file says of itself. The one with the highest ``turn`` has the name."""
        told = {"sha256": sent.sha256, "md5": sent.md5, "bytes": str(sent.size), "turn": str(turn)}
        return {**self._named("file", name), **told}

    def renamed(self, before: Mapping[str, str], name: str, turn: int) -> dict[str, str | None]:
        """Return what changes when a file gets another name; ``None`` takes a property away."""
        gone: dict[str, str | None] = {key: None for key in before if key.startswith(_PIECE)}
        return {**gone, **self._named("file", name), "turn": str(turn)}

    def folder(self, name: str) -> dict[str, str]:
        """Return what a folder says of itself."""
        return self._named("folder", name)

    def root(self) -> dict[str, str]:
        """Return what the store's own folder, or one that it lies in, says of itself."""
        return {**_APP, "kind": "store-root", **self.to_root()}

    def to_root(self) -> dict[str, str]:
        """Return what finds the store's own folder."""
        return {"key": self._hash("root")}

    def to_file(self, name: str) -> dict[str, str]:
        """Return what finds every file of that name."""
        return {"key": self._hash("file", name)}

    def to_folder(self, name: str) -> dict[str, str]:
        """Return what finds every folder of that name."""
        return {"key": self._hash("folder", name)}

    def to_content(self, folder: str) -> dict[str, str]:
        """Return what finds files and folders that lie in a folder."""
        return {"within": self._hash("within", folder)}

    def to_all(self) -> dict[str, str]:
        """Return what finds every file."""
        return {"store": self._hash("store"), "kind": "store-file"}

    def _named(self, kind: str, name: str) -> dict[str, str]:
        pieces = {f"{_PIECE}{number}": piece for number, piece in enumerate(_pieces(name))}
        where = {"store": self._hash("store"), **self.to_content(posixpath.dirname(name))}
        return {**_APP, "kind": f"store-{kind}", "key": self._hash(kind, name), **where, **pieces}

    def _hash(self, *parts: str) -> str:
        return hashlib.sha256("\0".join((self.base, *parts)).encode()).hexdigest()


def name_of(file: RemoteFile) -> str:
    """Return what a file or folder is called in its store; empty where it does not say."""
    pieces: list[str] = []
    while (piece := file.properties.get(f"{_PIECE}{len(pieces)}")) is not None:
        pieces.append(piece)
    return "".join(pieces)


def is_folder(file: RemoteFile) -> bool:
    """Whether it is a folder of a store."""
    return file.properties.get("kind") == "store-folder"


def is_whole(file: RemoteFile) -> bool:
    """Whether the bytes there are those that were sent, by Google's digest: what broke on its way has no name."""
    told = file.properties
    size = told.get("bytes", "")
    return size.isdecimal() and file.is_whole(int(size), told.get("sha256", ""), told.get("md5", ""))


def turn_of(file: RemoteFile) -> int:
    """Return which turn a file has among those of its name."""
    turn = file.properties.get("turn", "")
    return int(turn) if turn.isdecimal() else 0


def in_order(files: Iterable[RemoteFile]) -> list[RemoteFile]:
    """Return files of one name so that the one that has it is last: broken ones first, then turn, then Google's clock.

    Everybody who looks comes to the same end, whoever wrote at the same time.
    """
    return sorted(files, key=lambda one: (is_whole(one), turn_of(one), one.created_at, one.id))


def holder(files: Iterable[RemoteFile]) -> RemoteFile | None:
    """Return the file that has a name among those that claim it."""
    ordered = in_order(files)
    return ordered[-1] if ordered and is_whole(ordered[-1]) else None


def _pieces(name: str) -> Iterator[str]:
    """Yield a name in pieces that fit into properties, no letter cut in two."""
    piece, length = "", 0
    for letter in name:
        more = len(letter.encode())
        if length + more > _PIECE_BYTES:
            yield piece
            piece, length = "", 0
        piece, length = piece + letter, length + more
    yield piece
