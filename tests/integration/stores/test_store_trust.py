"""Whom a store's connection trusts: certificates and host keys that are wrong are refused, with their fingerprint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.store import Store
from tests.certificates import Authority, Certificate, self_signed
from tests.integration.stores.conftest import QUIET, Files, ftp_args, s3_args, sftp_args
from tests.servers import tls_before
from tests.store_servers import FtpServer, S3Server, SshServer, sshd, vsftpd

WRONG = ["expired", "self-signed", "of another host", "of another authority"]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("pki")
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs", "Another authority")
    return {
        "authority": ours,
        "right": ours.sign(),
        "expired": ours.sign(days=-5),
        "self-signed": self_signed(folder / "alone"),
        "of another host": ours.sign(("10.0.0.1",)),
        "of another authority": theirs.sign(),
    }


def colons(certificate: Certificate) -> str:
    digits = certificate.fingerprint.upper()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def refusal(store: Store) -> BitewingError:
    with pytest.raises(BitewingError) as caught:
        store.probe()
    store.close()
    return caught.value


@pytest.mark.parametrize("what", WRONG)
def test_ftps_refuses_what_is_wrong_and_takes_what_is_pinned(
    pki: dict[str, Any], files: Files, tmp_path: Path, what: str
) -> None:
    with vsftpd(tmp_path / "server", pki[what].both) as server:
        for trust in (str(pki["authority"].pem), ""):
            fault = refusal(FtpStore(ftp_args(server, trust=trust)))
            assert (fault.code, fault.facts["fingerprint"]) == ("store.certificate", colons(pki[what]))
        assert list(server.root.iterdir()) == []
        other = FtpStore(ftp_args(server, trust=pki["right"].fingerprint))
        fault = refusal(other)
        assert (fault.code, fault.facts["fingerprint"]) == ("store.certificate", colons(pki[what]))
        for pin in (pki[what].fingerprint, f"SHA256:{colons(pki[what])}"):
            pinned = FtpStore(ftp_args(server, trust=pin))
            pinned.put(files.make(), "x.bin", QUIET)
            assert pinned.check(QUIET).fingerprint == colons(pki[what])
            pinned.close()


def test_ftps_never_falls_back_to_plain(ftp_server: FtpServer, authority: Authority) -> None:
    args = ftp_args(ftp_server, trust=str(authority.pem), allow_plain=True)
    assert refusal(FtpStore(args)).code == "store.no_encryption"


def test_plain_ftp_needs_consent(ftp_server: FtpServer, files: Files) -> None:
    args = ftp_args(ftp_server, secure=False)
    assert refusal(FtpStore(args)).code == "store.plain_refused"
    store = FtpStore(replace(args, allow_plain=True))
    assert store.check(QUIET).warnings == ("store.plain",)
    store.close()


@pytest.mark.parametrize("what", WRONG)
def test_s3_refuses_what_is_wrong(pki: dict[str, Any], s3_server: S3Server, what: str) -> None:
    with tls_before(s3_server.port, pki[what].both) as port:
        for trust in (str(pki["authority"].pem), ""):
            args = s3_args(s3_server, endpoint=f"https://127.0.0.1:{port}", trust=trust)
            fault = refusal(S3Store(args))
            assert (fault.code, fault.facts["fingerprint"]) == ("store.certificate", colons(pki[what]))


def test_s3_over_tls(pki: dict[str, Any], s3_server: S3Server, files: Files) -> None:
    with tls_before(s3_server.port, pki["right"].both) as port:
        args = s3_args(s3_server, endpoint=f"https://127.0.0.1:{port}", trust=str(pki["authority"].pem))
        store = S3Store(args)
        store.put(files.make(), "x.bin", QUIET)
        told = store.check(QUIET)
        assert (told.fingerprint, told.warnings) == (colons(pki["right"]), ())
        store.close()


def test_s3_by_the_servers_own_certificate_and_not_by_a_fingerprint(
    pki: dict[str, Any], s3_server: S3Server, files: Files
) -> None:
    alone: Certificate = pki["self-signed"]
    with tls_before(s3_server.port, alone.both) as port:
        args = s3_args(s3_server, endpoint=f"https://127.0.0.1:{port}", trust=str(alone.public))
        store = S3Store(args)
        store.put(files.make(), "x.bin", QUIET)
        store.close()
        with pytest.raises(UserError) as caught:
            S3Store(replace(args, trust=alone.fingerprint))
        assert caught.value.code == "store.pin_refused"


def test_s3_without_tls_needs_consent_beyond_this_computer(s3_server: S3Server) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        S3Store(s3_args(s3_server, endpoint="http://store.invalid:9000"))
    assert caught.value.code == "store.plain_refused"
    S3Store(s3_args(s3_server, endpoint="http://store.invalid:9000", allow_plain=True)).close()


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[SshServer]:
    with sshd(tmp_path / "other") as server:
        yield server


def test_host_keys(ssh_server: SshServer, other_server: SshServer, files: Files) -> None:
    args = sftp_args(ssh_server)
    fault = refusal(SftpStore(replace(args, trust="")))
    assert (fault.code, fault.facts["fingerprint"]) == ("store.host_key_unknown", ssh_server.fingerprint)
    # The same address, another key behind it.
    fault = refusal(SftpStore(replace(args, port=other_server.port)))
    assert fault.code == "store.host_key_changed"
    assert fault.facts == {"fingerprint": other_server.fingerprint, "expected": ssh_server.fingerprint}
    assert list(other_server.root.iterdir()) == []
    both = f"{other_server.fingerprint}, {ssh_server.fingerprint}"
    store = SftpStore(replace(args, trust=both))
    store.put(files.make(), "x.bin", QUIET)
    assert store.check(QUIET).fingerprint == ssh_server.fingerprint
    store.close()


@pytest.mark.parametrize("trust", ["MD5:aa:bb", "SHA256:short", "/no/such/file"])
def test_trust_that_is_none(
    ssh_server: SshServer, ftps_server: FtpServer, s3_server: S3Server, tmp_path: Path, trust: str
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for make in (
        lambda: SftpStore(sftp_args(ssh_server, trust=trust)).probe(),
        lambda: FtpStore(ftp_args(ftps_server, trust=trust)).probe(),
        lambda: S3Store(s3_args(s3_server, trust=trust)),
        lambda: FtpStore(ftp_args(ftps_server, trust=str(empty))).probe(),
        lambda: S3Store(s3_args(s3_server, trust=str(empty))),
    ):
        with pytest.raises(UserError) as caught:
            make()
        assert caught.value.code == "store.bad_trust"
