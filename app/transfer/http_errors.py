"""Turns what HTTP and its libraries say into our own errors: what passes, what blocks, what is one file's."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import httpx

from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.transfer.http_pool import Answer

# Nothing more is sent until a person has acted: the next file would only meet the same.
BLOCKING = frozenset({"pacs.unauthorized", "pacs.forbidden", "pacs.full", "pacs.certificate", "pacs.not_an_archive"})
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
# What httpcore raises when a line breaks or what comes over it is no HTTP.
LINE_ERRORS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ProxyError,
    httpcore.TimeoutException,
)
_DEFAULT_RETRY_S = 2.0
LONGEST_RETRY_S = 900.0


@contextmanager
def translated(room: str = "pacs", something_else: str = "not_an_archive") -> Iterator[None]:
    """Raise what httpx or httpcore raises inside as the program's own errors, with codes of ``room``.

    ``something_else`` ends the code for an answer that cannot be the server's that is meant.
    """
    try:
        yield
    except (httpx.ConnectError, httpcore.ConnectError) as error:
        if _is_about_certificates(error):
            raise EnvironmentFault(f"{room}.certificate") from error
        raise TransientFault(f"{room}.unreachable") from error
    except (httpx.TimeoutException, httpcore.TimeoutException) as error:
        raise TransientFault(f"{room}.slow") from error
    except httpx.DecodingError as error:
        raise EnvironmentFault(f"{room}.{something_else}") from error
    except (httpx.RequestError, httpx.StreamError, *LINE_ERRORS) as error:
        raise TransientFault(f"{room}.cut_off") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise EnvironmentFault(f"{room}.{something_else}") from error


def fault_of(response: Answer | httpx.Response) -> BitewingError | None:
    """Return what a response means, or ``None`` when it says that all is well."""
    status = response.status_code
    if httpx.codes.is_success(status):
        return None
    if httpx.codes.is_redirect(status):
        return EnvironmentFault("pacs.not_an_archive", status=status)
    if status == httpx.codes.UNAUTHORIZED:
        return EnvironmentFault("pacs.unauthorized")
    if status == httpx.codes.FORBIDDEN:
        return EnvironmentFault("pacs.forbidden")
    if status == httpx.codes.INSUFFICIENT_STORAGE:
        return EnvironmentFault("pacs.full")
    if status in BUSY:
        return TransientFault("pacs.busy", retry_after(response), status=status)
    return EnvironmentFault("pacs.refused", status=status)


def retry_after(response: Answer | httpx.Response) -> float:
    """Return the seconds that the server asks for, where it asks in seconds (RFC 9110 section 10.2.3)."""
    try:
        return min(max(float(response.headers.get("retry-after", "")), 0.0), LONGEST_RETRY_S)
    except ValueError:
        return _DEFAULT_RETRY_S


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
