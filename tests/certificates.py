"""Certificates for the tests' own servers: an authority, what it signs, and everything that can be wrong with one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = ("127.0.0.1", "127.0.0.2")


@dataclass
class Authority:
    """One that signs; ``pem`` is what to trust."""

    folder: Path
    common_name: str = "Test authority"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = _name(self.common_name)
        made = _certificate(self.name, self.name, self.key, self.key, HERE, 30, is_authority=True)
        self.pem = self.folder / "authority.pem"
        self.pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def sign(self, addresses: tuple[str, ...] = HERE, days: int = 30) -> Certificate:
        """Return a server's certificate for these addresses; negative days: expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name("server"), self.name, key, self.key, addresses, days, is_authority=False)
        return _written(self.folder / f"server-{made.serial_number:x}", made, key)


@dataclass
class Certificate:
    """A server's: its own file, the file with its key, and its fingerprint (SHA-256, hexadecimal)."""

    public: Path
    both: Path
    fingerprint: str


def self_signed(folder: Path) -> Certificate:
    """Return a certificate that nobody else vouches for."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    return _written(
        folder / "self", _certificate(_name("self"), _name("self"), key, key, HERE, 30, is_authority=False), key
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    addresses: tuple[str, ...],
    days: int,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _written(stem: Path, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certificate:
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public, both = stem.with_suffix(".pem"), stem.with_suffix(".both.pem")
    public.write_bytes(pem)
    both.write_bytes(pem + private)
    return Certificate(public, both, made.fingerprint(hashes.SHA256()).hex())
