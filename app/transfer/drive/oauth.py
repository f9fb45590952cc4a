"""Signing in with the system's browser: PKCE, state, and an answer on a loopback port (RFC 8252, RFC 7636).

Not google-auth-oauthlib: its waiting cannot be stopped by a person, it prints, it takes another endpoint only
when an environment variable switches off its own guard, and it brings five packages for these few lines.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.transfer.drive.endpoints import SCOPE, Endpoints
from app.transfer.drive.errors import translated
from app.transfer.drive.line import Client, http_client, post_form
from app.transfer.drive.loopback import Loopback

WAIT_S = 600.0
_STEP_S = 0.2


@dataclass(frozen=True, slots=True)
class Pages:
    """What the browser shows at the end, in the person's language: texts without markup."""

    done: str
    denied: str


def sign_in(endpoints: Endpoints, client: Client, show: Callable[[str], object], pages: Pages, ctx: JobContext) -> str:
    """Let a person allow it in the browser and return the refresh token.

    ``show`` gets the address to open; it may only open it.

    Raises
    ------
    UserError
        ``drive.denied``, ``drive.no_answer``, ``drive.scope_missing``, ``drive.bad_client``.
    TransientFault, EnvironmentFault
        As :meth:`app.transfer.drive.line.Line.ask`; ``drive.not_drive`` when no refresh token comes.
    Cancelled
        When the person gave up waiting.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    with contextlib.closing(Loopback(state, pages.done, pages.denied)) as loopback:
        show(_address(endpoints, client, loopback.address, verifier, state))
        code = _awaited(loopback, ctx)
        with http_client() as http:
            told = post_form(
                http,
                endpoints.token,
                {
                    "client_id": client.id,
                    "client_secret": client.secret,
                    "code": code,
                    "code_verifier": verifier,
                    "grant_type": "authorization_code",
                    "redirect_uri": loopback.address,
                },
            )
    # People can untick what is asked for: what was not granted is not there.
    if SCOPE not in str(told.get("scope", "")).split():
        raise UserError("drive.scope_missing")
    token = told.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise EnvironmentFault("drive.not_drive")
    return token


def revoke(endpoints: Endpoints, refresh_token: str) -> bool:
    """Tell Google that the token is not needed any more; false when it knew already.

    Raises
    ------
    TransientFault
        ``drive.unreachable``, …: the token lives on at Google's.
    """
    with translated(), http_client() as http:
        return http.post(endpoints.revoke, data={"token": refresh_token}).is_success


def _address(endpoints: Endpoints, client: Client, redirect: str, verifier: str, state: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
    asked = {
        "client_id": client.id,
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": SCOPE,
        "code_challenge": challenge.decode("ascii"),
        "code_challenge_method": "S256",
        "state": state,
        # Without these two Google gives no refresh token the second time somebody signs in.
        "access_type": "offline",
        "prompt": "consent",
    }
    return f"{endpoints.authorize}?{urlencode(asked)}"


def _awaited(loopback: Loopback, ctx: JobContext) -> str:
    deadline = time.monotonic() + WAIT_S
    while loopback.answer is None:
        if time.monotonic() > deadline:
            raise UserError("drive.no_answer")
        ctx.wait(_STEP_S)
    if loopback.answer.code:
        return loopback.answer.code
    raise UserError("drive.denied")
