"""The Drive of one account as far as this program sees it (scope ``drive.file``): its own folder and files."""

from __future__ import annotations

import builtins
import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import BLOCK_BYTES
from app.domain.backoff import delay_s
from app.transfer.drive.downloading import Download, content
from app.transfer.drive.endpoints import Endpoints
from app.transfer.drive.errors import require_well
from app.transfer.drive.line import QUICK, USUAL, Client, Line
from app.transfer.drive.remote import FIELDS, FOLDER_TYPE, RemoteFile, parse_file
from app.transfer.drive.uploading import ATTEMPTS as UPLOAD_ATTEMPTS
from app.transfer.drive.uploading import Outgoing, Upload

PAGE = 200
# A server that always has one page more would be listened to for ever.
_MOST_PAGES = 5_000
_ATTEMPTS = 4
_GONE = frozenset({404, 410})
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Account:
    """Whose Drive it is, and its room in bytes; ``limit`` is ``None`` where there is none."""

    email: str
    limit: int | None
    used: int

    @property
    def free(self) -> int | None:
        """The bytes left, ``None`` without a limit."""
        return None if self.limit is None else max(self.limit - self.used, 0)


class Drive:
    """One account's Drive. Any thread."""

    def __init__(
        self,
        endpoints: Endpoints,
        client: Client,
        refresh_token: str,
        delay: Callable[[int], float] = lambda tries: delay_s(tries - 1, random.random()),
        *,
        tries_again: bool = True,
        timeout: httpx.Timeout = USUAL,
    ) -> None:
        """Make ready; nothing is asked yet. Without ``tries_again`` whoever asks sees to what may pass by itself."""
        self._line = Line(endpoints, client, refresh_token, timeout)
        self._delay = delay
        self._attempts, self._upload_attempts = (_ATTEMPTS, UPLOAD_ATTEMPTS) if tries_again else (1, 1)

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

    def account(self, ctx: JobContext) -> Account:
        """Return whose Drive it is and its room. Raises as :meth:`Line.ask`, and for whatever is no success."""
        told = self._json(ctx, "GET", "about", params={"fields": "user(emailAddress),storageQuota"}, timeout=QUICK)
        user, quota = told.get("user"), told.get("storageQuota")
        if not isinstance(user, dict) or not isinstance(quota, dict):
            raise EnvironmentFault("drive.not_drive")
        try:
            limit = None if quota.get("limit") is None else int(quota["limit"])
            return Account(str(user.get("emailAddress", "")), limit, int(quota.get("usage", 0)))
        except (TypeError, ValueError) as error:
            raise EnvironmentFault("drive.not_drive") from error

    def folder(self, name: str, ctx: JobContext) -> str:
        """Return the id of this program's folder of that name, made when there is none. Raises as :meth:`account`."""
        query = f"mimeType='{FOLDER_TYPE}' and name='{_quoted(name)}' and trashed=false"
        wanted = {"q": query, "fields": "files(id,createdTime)", "orderBy": "createdTime", "pageSize": "1"}
        found = self._json(ctx, "GET", "files", params=wanted).get("files")
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return str(found[0].get("id", ""))
        made = self._json(ctx, "POST", "files", params={"fields": "id"}, json={"name": name, "mimeType": FOLDER_TYPE})
        return str(made.get("id", ""))

    def make_folder(self, metadata: Mapping[str, Any], ctx: JobContext) -> str:
        """Make a folder and return its id. Raises as :meth:`account`; ``drive.not_there`` for an unknown parent."""
        wanted = {**metadata, "mimeType": FOLDER_TYPE}
        return str(self._json(ctx, "POST", "files", params={"fields": "id"}, json=wanted).get("id", ""))

    def list(self, properties: Mapping[str, str], ctx: JobContext, page: int = PAGE) -> Iterator[RemoteFile]:
        """Yield this program's files with these properties, newest first by Google's clock, ``page`` a request.

        Raises as :meth:`account`.
        """
        has = [f"appProperties has {{key='{key}' and value='{_quoted(value)}'}}" for key, value in properties.items()]
        query = " and ".join([*has, "trashed=false"])
        wanted = {
            "q": query,
            "fields": f"nextPageToken,files({FIELDS})",
            "orderBy": "createdTime desc",
            "pageSize": str(page),
        }
        for _page in range(_MOST_PAGES):
            told = self._json(ctx, "GET", "files", params=wanted)
            files = told.get("files")
            if not isinstance(files, list):
                raise EnvironmentFault("drive.not_drive")
            yield from map(parse_file, files)
            token = told.get("nextPageToken")
            if not token:
                return
            wanted["pageToken"] = str(token)
        raise EnvironmentFault("drive.not_drive")

    def get(self, file_id: str, ctx: JobContext) -> RemoteFile:
        """Return what is known of a file. Raises ``drive.not_there``, and as :meth:`account`."""
        return parse_file(self._json(ctx, "GET", f"files/{file_id}", params={"fields": FIELDS}))

    def change(
        self, file_id: str, metadata: Mapping[str, Any], ctx: JobContext, parents: tuple[str, str] = ("", "")
    ) -> RemoteFile:
        """Change what is said of a file, and its place from one folder to another where ``parents`` names them.

        Raises
        ------
        BitewingError
            ``drive.not_there`` for the file or the folder, and as :meth:`account`.
        """
        before, after = parents
        moved = {} if before == after else {"removeParents": before, "addParents": after}
        wanted = {"fields": FIELDS, **{key: value for key, value in moved.items() if value}}
        return parse_file(self._json(ctx, "PATCH", f"files/{file_id}", params=wanted, json=dict(metadata)))

    def delete(self, file_id: str, ctx: JobContext) -> bool:
        """Delete a file for good; false when it was not there. Raises as :meth:`account`."""

        def once() -> bool:
            answer = self._line.ask("DELETE", f"{self._line.endpoints.api}/files/{file_id}", ctx=ctx)
            if answer.status_code in _GONE:
                return False
            require_well(answer)
            return True

        return self._tried(once, ctx)

    def upload(
        self,
        outgoing: Outgoing,
        session: str,
        find: Callable[[], RemoteFile | None],
        ctx: JobContext,
        on_session: Callable[[str], object],
        on_bytes: Callable[[int], object],
    ) -> RemoteFile:
        """Send a file, or the rest of it, and return it as Drive describes it. Raises as :meth:`Upload.run`."""
        found: builtins.list[RemoteFile] = []

        def look() -> dict[str, Any] | None:
            one = find()
            if one is None:
                return None
            found.append(one)
            return {"id": one.id}

        told = Upload(self._line, outgoing, ctx, on_session, on_bytes, self._delay, self._upload_attempts).run(
            session, look
        )
        if found:
            return found[0]
        if "createdTime" in told and ("sha256Checksum" in told or "md5Checksum" in told):
            return parse_file(told)
        # The answer of a session may lack what is known a moment later: checksums.
        return self.get(str(told.get("id", "")), ctx)

    def download(
        self,
        remote: RemoteFile,
        target: Path,
        sha256: str,
        md5: str,
        ctx: JobContext,
        on_bytes: Callable[[int], object],
    ) -> None:
        """Fetch a file and prove it. Raises as :meth:`Download.run`."""
        Download(self._line, remote, target, ctx, on_bytes, self._delay).run(sha256, md5)

    @contextlib.contextmanager
    def content(self, file_id: str, ctx: JobContext) -> Iterator[Iterator[bytes]]:
        """Give a file's bytes, once: nothing is tried again. Raises as :meth:`get`."""
        with content(self._line, file_id, ctx) as answer:
            yield answer.iter_bytes(BLOCK_BYTES)

    def _json(self, ctx: JobContext, method: str, path: str, **more: Any) -> dict[str, Any]:
        address = f"{self._line.endpoints.api}/{path}"
        return self._tried(lambda: self._line.json(method, address, ctx=ctx, **more), ctx)

    def _tried(self, action: Callable[[], _T], ctx: JobContext) -> _T:
        for tries in range(1, self._attempts):
            try:
                return action()
            except TransientFault as fault:
                # Nobody is there: whoever asks wants to know now.
                if fault.code == "drive.unreachable":
                    raise
                ctx.wait(max(self._delay(tries), fault.retry_after_s if fault.code == "drive.busy" else 0.0))
        return action()


def _quoted(text: str) -> str:
    """Return text as a value in a query ("Search query terms and operators")."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
