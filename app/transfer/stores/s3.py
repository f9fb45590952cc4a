"""A store in a bucket of an S3-compatible server. An object appears as a whole, so no other name is needed.

Proof: each request carries the MD5 of its bytes, which the server compares; the ETag it answers with is compared
here where it is one. The whole file's SHA-256 goes along as metadata, so that a later look can tell it.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.core.files import sha256_file
from app.transfer.stores.blocks import Source, receiving, require_digest, require_size, sending
from app.transfer.stores.checking import try_out
from app.transfer.stores.names import checked, checked_folder
from app.transfer.stores.s3_client import S3Args, certificate_of, make_client
from app.transfer.stores.s3_errors import is_not_there, translated
from app.transfer.stores.s3_public import is_public, is_readable_by_strangers
from app.transfer.stores.store import Capabilities, Digest, Entry, OnBlock, Stat, System

# Below: one request. Above: parts of this size, which is in memory; S3 allows 10,000 of them.
PART_BYTES = 8 << 20
_MOST_PARTS = 10_000
_READ_BYTES = 256 << 10
_MD5 = re.compile(r"[0-9a-f]{32}")


class S3Store:
    """A bucket, or a folder in one. Any thread. Keeps :class:`app.transfer.stores.store.Store`."""

    capabilities = Capabilities(has_hash=True, atomic_rename=False, any_thread=True, signed_links=True)

    def __init__(self, args: S3Args) -> None:
        """Make ready; nothing is asked yet. Raises as :func:`app.transfer.stores.s3_client.make_client`."""
        self._args = args
        self._client: Any = make_client(args)
        self._prefix = f"{checked_folder(args.prefix.strip('/'))}/" if args.prefix.strip("/") else ""

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Upload a file, as one request or as parts; proven by hash. See the protocol."""
        checked(name)
        with sending(source, ctx, on_block, "sha256") as reader:
            first = reader.read(PART_BYTES)
            with self._session(name, ctx):
                if len(first) < PART_BYTES:
                    self._put_whole(name, first, reader)
                else:
                    self._put_parts(name, first, reader, source, ctx)
            return Stat(name, reader.sent, digest=Digest("sha256", reader.digest("sha256")))

    def _put_whole(self, name: str, body: bytes, reader: Source) -> None:
        digest = hashlib.md5(body, usedforsecurity=False)
        told = self._client.put_object(
            Body=body,
            ContentMD5=b64encode(digest.digest()).decode("ascii"),
            Metadata={"sha256": reader.digest("sha256")},
            **self._at(name),
            **self._shown(name),
            **self._kept(),
        )
        etag = str(told.get("ETag", "")).strip('"')
        # An ETag is the MD5 unless the server encrypts with a key of its key service.
        if _MD5.fullmatch(etag) and self._args.encryption != "aws:kms":
            require_digest(name, digest.hexdigest(), etag)
        if body:
            reader.passed(len(body))

    def _put_parts(self, name: str, first: bytes, reader: Source, source: Path, ctx: JobContext) -> None:
        size = source.stat().st_size
        part_bytes = max(PART_BYTES, -(-size // _MOST_PARTS))
        # Metadata goes ahead of the parts, so the hash has to be known before.
        whole, size = sha256_file(source, lambda _size: ctx.check())
        upload = self._client.create_multipart_upload(
            Metadata={"sha256": whole}, **self._at(name), **self._shown(name), **self._kept()
        )
        named = {"UploadId": upload["UploadId"], **self._at(name)}
        try:
            parts: list[dict[str, Any]] = []
            block = first
            while block:
                parts.append(self._put_part(named, len(parts) + 1, block))
                reader.passed(len(block))
                block = reader.read(part_bytes)
            require_size(name, size, reader.sent)
            require_digest(name, whole, reader.digest("sha256"))
            ctx.check()
            self._client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **named)
        except BaseException:
            # What is left of it costs money until it is aborted; where that fails too, sweep() does it.
            with suppress(BitewingError), translated(name):
                self._client.abort_multipart_upload(**named)
            raise
        found = self.stat(name)
        require_size(name, size, found.size if found else -1)

    def _put_part(self, named: dict[str, Any], part: int, block: bytes) -> dict[str, Any]:
        digest = hashlib.md5(block, usedforsecurity=False).digest()
        told = self._client.upload_part(
            PartNumber=part, Body=block, ContentMD5=b64encode(digest).decode("ascii"), **named
        )
        return {"PartNumber": part, "ETag": told["ETag"]}

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Download an object; proven by size, and by the hash where one came along. See the protocol."""
        checked(name)
        with self._session(name, ctx):
            told = self._client.get_object(**self._at(name))
            with closing(told["Body"]) as body, receiving(target, ctx, on_block) as sink:
                for block in body.iter_chunks(_READ_BYTES):
                    sink.write(block)
                require_size(name, int(told["ContentLength"]), sink.received)
                known = _digest(told)
                if known is not None:
                    require_digest(name, known.value, sink.digest(known.algorithm))
            return Stat(name, sink.received, told.get("LastModified"), Digest("sha256", sink.digest("sha256")))

    def stat(self, name: str) -> Stat | None:
        """Return what is known of an object, its hash included. See the protocol."""
        checked(name)
        with self._session(name):
            told = self._head(name)
        if told is None:
            return None
        return Stat(name, int(told["ContentLength"]), told.get("LastModified"), _digest(told))

    def _head(self, name: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            told: dict[str, Any] = self._client.head_object(**self._at(name))
        except ClientError as error:
            if is_not_there(error.response):
                return None
            raise
        return told

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder, a thousand a request. See the protocol."""
        prefix = self._prefix + (f"{checked_folder(folder)}/" if folder else "")
        more: dict[str, Any] = {} if recursive else {"Delimiter": "/"}
        for page in self._pages(folder, prefix, **more):
            for item in page.get("CommonPrefixes", ()):
                yield Entry(item["Prefix"].removeprefix(self._prefix).rstrip("/"), 0, is_folder=True)
            for item in page.get("Contents", ()):
                # Other programs mark folders by empty objects.
                if not item["Key"].endswith("/"):
                    name = item["Key"].removeprefix(self._prefix)
                    yield Entry(name, int(item["Size"]), modified=item.get("LastModified"))

    def _pages(self, folder: str, prefix: str, **more: Any) -> Iterator[dict[str, Any]]:
        while True:
            with self._session(folder):
                page: dict[str, Any] = self._client.list_objects_v2(Bucket=self._args.bucket, Prefix=prefix, **more)
            yield page
            if not page.get("IsTruncated"):
                return
            more["ContinuationToken"] = page["NextContinuationToken"]

    def delete(self, name: str) -> bool:
        """Delete an object. See the protocol."""
        checked(name)
        with self._session(name):
            # S3 says "fine" for what was not there.
            if self._head(name) is None:
                return False
            self._client.delete_object(**self._at(name))
            return True

    def rename(self, old: str, new: str) -> None:
        """Copy an object to its new name, on the server, then delete the old one. See the protocol."""
        checked(old), checked(new)
        with self._session(old):
            if self._head(old) is None:
                raise EnvironmentFault("store.not_there", name=old)
            # Of more than 5 GB only parts can be copied; this knows when.
            self._client.copy(CopySource=self._at(old), ExtraArgs=self._kept(), **self._at(new))
            self._client.delete_object(**self._at(old))

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._session():
            self._client.list_objects_v2(Bucket=self._args.bucket, Prefix=self._prefix, MaxKeys=1)

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small object, and warn of a bucket that is open to all. See the protocol."""
        try_out(self, ctx)
        with self._session():
            warnings = ["store.public"] if is_public(self._client, self._args) else []
        if not self._args.is_private:
            warnings.append("store.plain")
        met = certificate_of(self._args) if self._args.is_encrypted else ""
        return System("s3", fingerprint=met, warnings=tuple(warnings))

    def sweep(self, older_than: timedelta) -> int:
        """Abort uploads in parts that nobody finished. See the protocol."""
        oldest, removed = utc_now() - older_than, 0
        more: dict[str, Any] = {}
        while True:
            with self._session():
                page = self._client.list_multipart_uploads(Bucket=self._args.bucket, Prefix=self._prefix, **more)
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] <= oldest:
                        self._client.abort_multipart_upload(
                            Bucket=self._args.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        removed += 1
            if not page.get("IsTruncated"):
                return removed
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def lets_strangers_read(self, name: str) -> bool:
        """Whether anybody can fetch an object without a link: its bucket is open to all. Raises as every call."""
        with self._session(name):
            return is_readable_by_strangers(self._args, self._at(checked(name)))

    def close(self) -> None:
        """Close the connections. See the protocol."""
        self._client.close()

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self._args.bucket, "Key": self._prefix + name}

    def _kept(self) -> dict[str, str]:
        """Return how objects are kept: for the owner alone by what is left unsaid, encrypted where asked for.

        Without an ACL an object is private; many servers refuse to hear of ACLs at all.
        """
        kept = {"ServerSideEncryption": self._args.encryption} if self._args.encryption else {}
        return {**kept, **({"SSEKMSKeyId": self._args.kms_key} if self._args.kms_key else {})}

    @staticmethod
    def _shown(name: str) -> dict[str, str]:
        """Return what is told to whoever is shown an object, where its bucket lets strangers see it.

        Its kind, without which browsers offer a picture for download; and that caches ask before they show it again,
        so that what was taken back does not live on in them.
        """
        kind = mimetypes.guess_type(name)[0]
        return {"CacheControl": "no-cache", **({"ContentType": kind} if kind else {})}

    @contextmanager
    def _session(self, name: str = "", ctx: JobContext | None = None) -> Iterator[None]:
        """Translate what goes wrong; say which certificate was met where that is the reason."""
        try:
            with translated(name):
                yield
        except TransientFault:
            if ctx is not None:
                ctx.check()
            raise
        except EnvironmentFault as fault:
            if fault.code == "store.certificate":
                with suppress(BitewingError):
                    fault.facts["fingerprint"] = certificate_of(self._args)
            raise


def _digest(told: dict[str, Any]) -> Digest | None:
    """Return the hash that came along, else the MD5 where the ETag is one."""
    sha256 = str(told.get("Metadata", {}).get("sha256", ""))
    if re.fullmatch(r"[0-9a-f]{64}", sha256):
        return Digest("sha256", sha256)
    etag = str(told.get("ETag", "")).strip('"')
    if _MD5.fullmatch(etag) and told.get("ServerSideEncryption") != "aws:kms":
        return Digest("md5", etag)
    return None
