"""Whether strangers can read a bucket: asked of its settings and, since not every server tells them, by trying.

Not every server knows every question; one it does not know, or does not let us ask, says nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from app.transfer.stores.s3_client import S3Args, make_client

_log = logging.getLogger(__name__)
_CLOSED = frozenset({401, 403, 404})
_EVERYBODY = {
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
}


def is_public(client: Any, args: S3Args) -> bool:
    """Whether a bucket's settings open it to everybody, or a stranger can list it. Raises boto3's errors."""
    return (
        _asked(lambda: _policy_opens(client, args.bucket))
        or _asked(lambda: _list_of_rights_opens(client, args.bucket))
        or _asked(lambda: _lets_a_stranger_in(args))
    )


def _asked(question: Callable[[], bool]) -> bool:
    from botocore.exceptions import ClientError

    try:
        return question()
    except ClientError as error:
        _log.info("a bucket does not tell: %s", error.response.get("Error", {}).get("Code", ""))
        return False


def _policy_opens(client: Any, bucket: str) -> bool:
    told = client.get_bucket_policy_status(Bucket=bucket)
    return bool(told.get("PolicyStatus", {}).get("IsPublic"))


def _list_of_rights_opens(client: Any, bucket: str) -> bool:
    told = client.get_bucket_acl(Bucket=bucket)
    return any(grant.get("Grantee", {}).get("URI") in _EVERYBODY for grant in told.get("Grants", ()))


def _lets_a_stranger_in(args: S3Args) -> bool:
    """Ask for the list of objects without a signature."""
    stranger = make_client(args, signs=False)
    try:
        stranger.list_objects_v2(Bucket=args.bucket, MaxKeys=1)
    finally:
        stranger.close()
    return True


def is_readable_by_strangers(args: S3Args, where: dict[str, str]) -> bool:
    """Whether one object is given to whoever asks, without any signature.

    Only a clear no counts as one: whoever asks means to put a patient's file there next. Raises boto3's errors.
    """
    from botocore.exceptions import ClientError

    stranger = make_client(args, signs=False)
    try:
        stranger.head_object(**where)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _CLOSED:
            return False
        raise
    finally:
        stranger.close()
    return True
