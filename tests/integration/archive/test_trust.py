"""What the connection is trusted for: certificates are verified, plain text needs somebody's recorded consent."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.sync.report import ImportArgs
from app.transfer.connection import is_private
from app.words.errors import words_for
from tests.integration.archive.conftest import connect
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer, tls_before

OWNER, QUIET = owner("test"), JobContext.silent()


def certificate(folder: Path, address: str, days: int = 30) -> tuple[Path, Path]:
    """Make a self-signed certificate for an IP address; return it, and it with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "archive")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    public, both = folder / "public.pem", folder / "both.pem"
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public.write_bytes(pem)
    both.write_bytes(pem + private)
    return public, both


@pytest.mark.parametrize(
    ("address", "days", "trusted", "code"),
    [
        ("127.0.0.1", 30, True, None),
        ("127.0.0.1", 30, False, "pacs.certificate"),
        ("127.0.0.1", -5, True, "pacs.certificate"),
        ("10.0.0.1", 30, True, "pacs.certificate"),
    ],
    ids=["our own authority", "self-signed", "expired", "of another host"],
)
def test_certificates_are_verified(
    library: Library, server: OrthancServer, tmp_path: Path, address: str, days: int, trusted: bool, code: str | None
) -> None:
    public, both = certificate(tmp_path / "pki", address, days)
    with tls_before(server.http_port, both) as port:
        connect(library, f"https://127.0.0.1:{port}")
        if trusted:
            library.settings.set(OWNER, "orthanc.ca", str(public))
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
        report = library.archive.push(OWNER, QUIET)
        assert report.drained.blocked == code
        assert report.drained.sent == (code is None)
    assert len(server.instances()) == (code is None)


def test_a_certificate_is_shown_compared_and_trusted_alone(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    """Even one that is over and of another host: an administrator compared it. Another one then is refused."""
    _public, both = certificate(tmp_path / "pki", "10.0.0.1", -5)
    _public, others = certificate(tmp_path / "other", "127.0.0.1")
    library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
    with tls_before(server.http_port, both) as port:
        connect(library, f"https://127.0.0.1:{port}")
        with pytest.raises(BitewingError) as refused:
            library.archive.test(OWNER)
        shown = refused.value.facts["fingerprint"]
        made = x509.load_pem_x509_certificate(both.read_bytes())
        assert shown.replace(":", "").lower() == made.fingerprint(hashes.SHA256()).hex()
        assert shown in words_for(refused.value).explanation
        library.settings.set(OWNER, "orthanc.ca", shown)
        assert library.archive.test(OWNER).name == "BITEWING-TEST"
        assert library.archive.push(OWNER, QUIET).drained.sent == 1
    with tls_before(server.http_port, others) as port:
        connect(library, f"https://127.0.0.1:{port}")
        with pytest.raises(BitewingError, match=r"pacs\.certificate"):
            library.archive.test(OWNER)
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "b.dcm", 2),)), QUIET)
        assert library.archive.push(OWNER, QUIET).drained.blocked == "pacs.certificate"
    assert len(server.instances()) == 1
    library.settings.set(OWNER, "orthanc.ca", "no such file")
    with pytest.raises(BitewingError, match=r"pacs\.bad_ca"):
        library.archive.test(OWNER)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://archive:8042", True),
        ("http://127.0.0.1:8042", True),
        ("http://localhost", True),
        ("http://archive:8042", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://[", False),
    ],
)
def test_where_nobody_can_read_along(url: str, private: bool) -> None:
    assert is_private(url) == private


def test_plain_text_to_another_computer_needs_consent_that_is_written_down(library: Library, tmp_path: Path) -> None:
    connect(library, "http://archive.invalid:8042")
    library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
    for use in (lambda: library.archive.push(OWNER, QUIET), lambda: library.archive.test(OWNER)):
        with pytest.raises(BitewingError) as caught:
            use()
        assert caught.value.code == "pacs.plain_refused"
    with pytest.raises(BitewingError):
        library.sending.run(OWNER, QUIET, "orthanc")
    assert library.outbox.queues(OWNER)[0].blocked_code == "pacs.plain_refused"
    library.settings.set(OWNER, "orthanc.allow_plain", "true")
    assert library.outbox.queues(OWNER)[0].blocked_code is None
    newest = library.store.audit.list(entity="setting")[0]
    assert (newest.entity_id, newest.actor_id) == ("orthanc.allow_plain", "owner")
    # Allowed now; nobody is there.
    assert library.archive.push(OWNER, QUIET).drained.away == "pacs.unreachable"
