"""A bucket that more is asked of than to keep files: links that expire, forms to send by, deletion without a trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.core.errors import UserError
from app.transfer.stores.names import checked, checked_folder
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_errors import translated
from app.transfer.stores.s3_expiry import ensure_expiry
from app.transfer.stores.s3_form import ANY_NAME, UploadForm, post
from app.transfer.stores.s3_versions import erase_versions
from app.transfer.stores.store import Entry

LONGEST_LINK_S = 7 * 24 * 3600
_TRIAL = "trial"


class S3Bucket(S3Store):
    """What sharing needs of a bucket. Any thread."""

    def everything(self, folder: str) -> Iterator[Entry]:
        """Yield every object below a folder, whatever strangers called it. Raises as :meth:`list`."""
        for page in self._pages(folder, f"{self._prefix}{checked_folder(folder)}/"):
            for item in page.get("Contents", ()):
                name = item["Key"].removeprefix(self._prefix)
                yield Entry(name, int(item["Size"]), modified=item.get("LastModified"))

    def erase(self, name: str) -> None:
        """Delete an object with everything that a bucket with versions keeps of it, whatever it is called.

        Raises
        ------
        EnvironmentFault
            ``store.forbidden`` where versions may not be seen or deleted; as :meth:`delete`.
        """
        with self._session(name):
            told = self._client.delete_object(**self._at(name))
            # What a bucket without versions never says.
            if told.get("DeleteMarker") or told.get("VersionId"):
                erase_versions(self._client, self._at(name))

    def link_to_get(
        self, name: str, expires_s: int, filename: str = "", mime_type: str = "", *, to_look_at: bool = False
    ) -> str:
        """Return a link by which anybody can fetch an object until it expires, as a download of ``filename``.

        With ``to_look_at`` a browser shows it instead, as ``mime_type``.

        Raises
        ------
        UserError
            ``store.bad_expiry``.
        """
        shown = "attachment" + (f'; filename="{checked(filename)}"' if filename and filename.isascii() else "")
        shown = "inline" if to_look_at else shown
        how = {"ResponseContentDisposition": shown, "ResponseCacheControl": "no-store"}
        how |= {"ResponseContentType": mime_type} if mime_type else {}
        return self._link("get_object", {**self._at(checked(name)), **how}, expires_s)

    def form_to_post(self, folder: str, expires_s: int, limit_bytes: int) -> UploadForm:
        """Return what anybody can send objects into a folder with until it expires: an HTTP form (POST).

        Names below the folder are the sender's choice; the server takes nothing larger. Raises as above.
        """
        self._require_expiry(expires_s)
        start = f"{self._prefix}{checked_folder(folder)}/"
        kept = {f"x-amz-server-side-encryption{tail}": value for tail, value in self._said().items()}
        with translated():
            told = self._client.generate_presigned_post(
                self._args.bucket,
                start + ANY_NAME,
                Fields=dict(kept),
                Conditions=[["content-length-range", 1, limit_bytes], *({key: value} for key, value in kept.items())],
                ExpiresIn=expires_s,
            )
        return UploadForm(str(told["url"]), {str(key): str(value) for key, value in told["fields"].items()})

    def takes(self, form: UploadForm) -> bool:
        """Whether the server takes what comes by a form; not every one does. A byte is sent to find out.

        Raises
        ------
        TransientFault
            ``store.unreachable`` and its kin.
        EnvironmentFault
            As :meth:`erase`.
        """
        taken = post(form, _TRIAL, b"?", self._args)
        self.erase(form.fields["key"].removeprefix(self._prefix).replace(ANY_NAME, _TRIAL))
        return taken

    def _link(self, method: str, parameters: dict[str, Any], expires_s: int) -> str:
        self._require_expiry(expires_s)
        with translated():
            return str(self._client.generate_presigned_url(method, Params=parameters, ExpiresIn=expires_s))

    def _require_expiry(self, expires_s: int) -> None:
        if not 1 <= expires_s <= LONGEST_LINK_S:
            raise UserError("store.bad_expiry")

    def expires(self, folders: Sequence[str], days: int) -> bool:
        """Have the bucket itself delete what lies in these folders after so many days; whether it does now.

        Rules that somebody else made are left alone. Raises as every call.
        """
        with self._session():
            prefixes = [f"{self._prefix}{checked_folder(folder)}/" for folder in folders]
            return ensure_expiry(self._client, self._args.bucket, prefixes, days)

    def _said(self) -> dict[str, str]:
        """Return the same as an HTTP form says it, by the rest of its fields' names."""
        said = {"": self._args.encryption, "-aws-kms-key-id": self._args.kms_key}
        return {tail: value for tail, value in said.items() if value}
