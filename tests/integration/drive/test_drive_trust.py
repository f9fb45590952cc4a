"""Google is believed only with a certificate that holds (SEC-16): nothing is sent to anybody else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.transfer.drive.drive import Drive
from app.transfer.drive.endpoints import GOOGLE, Endpoints
from app.transfer.drive.line import Client
from tests.certificates import Authority, Certificate, self_signed
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn
from tests.servers import tls_before

QUIET = JobContext.silent()


@pytest.mark.parametrize("kind", ["good", "expired", "of another host", "self-signed", "unknown authority"])
def test_certificates_are_verified(
    google: DriveStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    authority = Authority(tmp_path / "pki")
    # What OpenSSL takes for the system's authorities.
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.pem))
    shown: Certificate = {
        "good": lambda: authority.sign(),
        "expired": lambda: authority.sign(days=-5),
        "of another host": lambda: authority.sign(("10.0.0.1",)),
        "self-signed": lambda: self_signed(tmp_path / "own"),
        "unknown authority": lambda: Authority(tmp_path / "other", "Other").sign(),
    }[kind]()
    google.refresh["token"] = google.now()
    with tls_before(urlsplit(google.url).port, shown.both) as port:
        endpoints = Endpoints.at(f"https://127.0.0.1:{port}")
        with closing(Drive(endpoints, Client(CLIENT_ID, CLIENT_SECRET), "token", lambda _tries: 0.0)) as drive:
            if kind == "good":
                assert drive.account(QUIET).email == "clinic@example.org"
                return
            with pytest.raises(EnvironmentFault, match=r"drive\.certificate"):
                drive.account(QUIET)
    assert google.requests == []


def test_google_is_only_spoken_to_encrypted() -> None:
    addresses = (GOOGLE.authorize, GOOGLE.token, GOOGLE.revoke, GOOGLE.api, GOOGLE.upload)
    assert {urlsplit(address).scheme for address in addresses} == {"https"}
