"""Turns what httpx and Google say into the program's own errors: what passes, what a person must mend.

Texts of Google's answers are never passed on: they may hold addresses, tokens and names.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any

import httpx

from app.core.errors import BitewingError, EnvironmentFault, TransientFault, UserError
from app.transfer import http_errors
from app.transfer.http_errors import BUSY, LONGEST_RETRY_S, retry_after

_BUSY_REASONS = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded", "backendError", "internalError"}
)
_FULL_REASONS = frozenset(
    {"storageQuotaExceeded", "quotaExceeded", "teamDriveFileLimitExceeded", "numChildrenExceeded"}
    | {"numChildrenInNonRootLimitExceeded", "activeItemCreationLimitExceeded"}
)
_CLIENT_ERRORS = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "redirect_uri_mismatch"})


def translated() -> AbstractContextManager[None]:
    """Raise what httpx raises inside as the program's own errors."""
    return http_errors.translated("drive", "not_drive")


def require_well(response: httpx.Response) -> None:
    """Raise what an answer of the Drive API means that is no success."""
    fault = fault_of(response)
    if fault is not None:
        raise fault


def fault_of(response: httpx.Response) -> BitewingError | None:
    """Return what an answer of the Drive API means; ``None`` when it says that all is well."""
    status, reasons = response.status_code, _reasons(response)
    if response.is_success:
        return None
    if reasons & _FULL_REASONS:
        return EnvironmentFault("drive.full")
    if status in BUSY or reasons & _BUSY_REASONS:
        return TransientFault("drive.busy", retry_after(response))
    if "dailyLimitExceeded" in reasons:
        return TransientFault("drive.busy", LONGEST_RETRY_S)
    if "accessNotConfigured" in reasons:
        return UserError("drive.api_disabled")
    codes = {401: "drive.revoked", 403: "drive.forbidden", 404: "drive.not_there", 410: "drive.not_there"}
    if status in codes:
        return EnvironmentFault(codes[status])
    return EnvironmentFault("drive.failed", status=status)


def token_fault(response: httpx.Response) -> BitewingError:
    """Return what a refusal of the token endpoint means (RFC 6749 section 5.2)."""
    code = _body(response).get("error")
    if code == "invalid_grant":
        return EnvironmentFault("drive.revoked")
    if code in _CLIENT_ERRORS:
        return UserError("drive.bad_client")
    if response.status_code in BUSY:
        return TransientFault("drive.busy", retry_after(response))
    return EnvironmentFault("drive.failed", status=response.status_code)


def mapping(response: httpx.Response) -> dict[str, Any]:
    """Return an answer that must be an object. Raises ``drive.not_drive``."""
    try:
        told = json.loads(response.content)
    except (ValueError, RecursionError) as error:
        # A login page of the network, a proxy, something else that listens there.
        raise EnvironmentFault("drive.not_drive") from error
    if not isinstance(told, dict):
        raise EnvironmentFault("drive.not_drive")
    return told


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        return mapping(response)
    except EnvironmentFault:
        return {}


def _reasons(response: httpx.Response) -> set[str]:
    told = _body(response).get("error") if not response.is_success else None
    listed = told.get("errors") if isinstance(told, dict) else None
    return {str(one.get("reason")) for one in listed if isinstance(one, dict)} if isinstance(listed, list) else set()
