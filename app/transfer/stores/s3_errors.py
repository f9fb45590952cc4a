"""Turns what boto3 and S3-compatible servers say into the program's own errors."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

_NOT_THERE = {"NoSuchKey", "404", "NotFound"}
_BY_CODE = {
    "NoSuchBucket": "store.missing",
    "PermanentRedirect": "store.missing",
    "AccessDenied": "store.forbidden",
    "AllAccessDisabled": "store.forbidden",
    "AccountProblem": "store.forbidden",
    "InvalidAccessKeyId": "store.unauthorized",
    "SignatureDoesNotMatch": "store.unauthorized",
    "InvalidToken": "store.unauthorized",
    "ExpiredToken": "store.unauthorized",
    "AuthorizationHeaderMalformed": "store.unauthorized",
    "AuthFailure": "store.unauthorized",
    "RequestTimeTooSkewed": "store.clock",
    "QuotaExceeded": "store.full",
    "XMinioStorageFull": "store.full",
    "KeyTooLongError": "store.bad_name",
    "InvalidURI": "store.bad_name",
}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "OperationAborted", "RequestLimitExceeded", "Throttling"}
_ALTERED = {"BadDigest", "InvalidDigest", "IncompleteBody", "XAmzContentSHA256Mismatch"}
_BY_STATUS = {401: "store.unauthorized", 403: "store.forbidden", 507: "store.full"}
_BUSY_STATUS = frozenset({429, 500, 502, 503, 504})
_DEFAULT_RETRY_S = 2.0


@contextmanager
def translated(name: str = "") -> Iterator[None]:
    """Raise what boto3 raises inside as the program's own errors."""
    from boto3.exceptions import Boto3Error
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise fault_of(error.response, name) from error
    except exceptions.SSLError as error:
        raise EnvironmentFault("store.certificate", reason=_reason(error)) from error
    except (exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError) as error:
        raise TransientFault("store.slow") from error
    except exceptions.EndpointConnectionError as error:
        raise TransientFault("store.unreachable") from error
    except exceptions.ParamValidationError as error:
        raise EnvironmentFault("store.bad_name", name=name) from error
    except exceptions.NoCredentialsError as error:
        raise EnvironmentFault("store.unauthorized") from error
    except (
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        ResponseParserError,
        OSError,
    ) as error:
        raise TransientFault("store.cut_off") from error
    except (exceptions.BotoCoreError, Boto3Error) as error:
        raise EnvironmentFault("store.failed", detail=type(error).__name__) from error


def fault_of(response: dict[str, Any], name: str = "") -> BitewingError:
    """Return what an answer with an error means."""
    told = response.get("Error", {})
    code, status = str(told.get("Code", "")), int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _BY_CODE:
        return EnvironmentFault(_BY_CODE[code], name=name)
    if code in _NOT_THERE:
        return EnvironmentFault("store.not_there", name=name)
    if code in _ALTERED:
        return TransientFault("store.altered", name=name)
    if code in _BUSY or status in _BUSY_STATUS:
        return TransientFault("store.busy", _DEFAULT_RETRY_S)
    if code == "RequestTimeout":
        return TransientFault("store.slow")
    return EnvironmentFault(_BY_STATUS.get(status, "store.failed"), name=name, detail=f"{code} {status}".strip())


def is_not_there(response: dict[str, Any]) -> bool:
    """Whether an answer says that there is no such object (and not that there is no such bucket)."""
    return str(response.get("Error", {}).get("Code", "")) in _NOT_THERE


def _reason(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""
