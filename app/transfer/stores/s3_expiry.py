"""Rules by which a bucket itself deletes what is old: the net below the program, for when no computer of ours is left.

Rules that others made are never touched: S3 replaces all of them at once, so ours are set only where no others are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

_OURS = "bitewing-"
_log = logging.getLogger(__name__)


def ensure_expiry(client: Any, bucket: str, prefixes: Sequence[str], days: int) -> bool:
    """Have a bucket delete what lies below each prefix after so many days; whether it does now.

    A bucket that does not tell, or takes no rules from us, does not. Raises boto3's errors for anything else.
    """
    from botocore.exceptions import ClientError

    try:
        rules = _rules(client, bucket)
        missing = [prefix for prefix in prefixes if not any(_covers(rule, prefix, days) for rule in rules)]
        if missing and all(str(rule.get("ID", "")).startswith(_OURS) for rule in rules):
            rules += [_rule(prefix, days) for prefix in missing]
            client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    except ClientError as error:
        _log.info("a bucket takes no rules: %s", error.response.get("Error", {}).get("Code", ""))
        return False
    return all(any(_covers(rule, prefix, days) for rule in rules) for prefix in prefixes)


def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    from botocore.exceptions import ClientError

    try:
        return list(client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules", ()))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchLifecycleConfiguration":
            return []
        raise


def _rule(prefix: str, days: int) -> dict[str, Any]:
    return {
        "ID": f"{_OURS}{prefix.rstrip('/').replace('/', '-')}"[:255],
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }


def _covers(rule: dict[str, Any], prefix: str, days: int) -> bool:
    told = rule.get("Filter", rule)
    # A filter by tags or sizes as well does not cover everything.
    is_plain = set(told) <= {"Prefix"} if "Filter" in rule else True
    after = rule.get("Expiration", {}).get("Days")
    starts = prefix.startswith(str(told.get("Prefix", "")))
    return bool(rule.get("Status") == "Enabled" and is_plain and starts and after is not None and after <= days)
