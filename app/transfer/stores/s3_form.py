"""HTTP forms by which anybody sends files into a folder of a bucket, and whether a server takes them at all.

Amazon's POST policies: signed once, good for any number of names below the folder, and the server itself refuses
what is too large. Some servers that speak S3 know no such forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from app.core.errors import TransientFault
from app.transfer.http_errors import BUSY, translated
from app.transfer.stores.s3_client import S3Args
from app.transfer.tls import parse_trust

# What the sender puts a name of their own for.
ANY_NAME = "${filename}"


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a form is sent and what it says besides the file; its ``key`` ends in :data:`ANY_NAME`."""

    url: str
    fields: Mapping[str, str] = field(repr=False)


def post(form: UploadForm, name: str, body: bytes, args: S3Args) -> bool:
    """Send a file by a form, as a stranger would; whether the server took it.

    Raises
    ------
    TransientFault
        ``store.unreachable`` and its kin; ``store.busy``.
    EnvironmentFault
        ``store.certificate``.
    """
    fields = {**form.fields, "key": form.fields["key"].replace(ANY_NAME, name)}
    with (
        translated("store", "failed"),
        httpx.Client(verify=parse_trust(args.trust).context(), timeout=args.timeout_s) as http,
    ):
        told = http.post(form.url, data=fields, files={"file": ("file", body)})
    if told.status_code in BUSY:
        raise TransientFault("store.busy")
    return told.is_success
