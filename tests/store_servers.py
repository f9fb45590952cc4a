"""Real servers of files for the tests: vsftpd, ProFTPD, OpenSSH, moto. Started on free loopback ports, stopped after.

They run as whoever runs the tests, the superuser or not: vsftpd as its launching user with one anonymous account
that needs a password, sshd with its own host key and one authorised key.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.servers import PASSWORD, USER, free_port

sys.path.append(str(Path(__file__).resolve().parent.parent / "installer"))
beside = __import__("beside")

# vsftpd without PAM knows only these names.
FTP_USER, FTP_PASSWORD = "anonymous", "correct-horse-battery"
_START_S = 30.0
_DATA_PORTS = 40


def executable(name: str) -> str:
    """Return the path of a server; missing: fails in CI, skips elsewhere."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/lib/openssh")
    if path:
        return path
    if os.environ.get("CI") and sys.platform == "linux":
        pytest.fail(f"{name} is missing; installer/test.py should have installed it")
    pytest.skip(f"{name} is not installed")


def free_ports(count: int) -> int:
    """Return the first of ``count`` loopback ports in a row that nobody uses now."""
    while True:
        first = free_port()
        if first + count < 65536 and all(_is_free(first + offset) for offset in range(count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def running(
    command: list[str], log: Path, port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, from when its port answers."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=environment
        )
    try:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            else:
                break
        yield process
    finally:
        # A session of its own: its children (one a connection) go with it.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@dataclass(frozen=True)
class FtpServer:
    """A running vsftpd; ``root`` is the folder that its clients see as ``/``."""

    root: Path
    port: int
    data_ports: tuple[int, ...]


@contextmanager
def vsftpd(folder: Path, certificate: Path | None = None, *, utf8: bool = True, **more: str) -> Iterator[FtpServer]:
    """Run a vsftpd: with a certificate TLS is demanded, and session reuse on data connections with it."""
    program = executable("vsftpd")
    root = folder / "root"
    root.mkdir(parents=True)
    (folder / "passwords").write_text(f"{FTP_PASSWORD}\n")
    port, first = free_port(), free_ports(_DATA_PORTS)
    settings = {
        "listen": "YES",
        "listen_ipv6": "NO",
        "background": "NO",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "pasv_min_port": first,
        "pasv_max_port": first + _DATA_PORTS - 1,
        "run_as_launching_user": "YES",
        "ftp_username": getpass.getuser(),
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "anon_root": root,
        "secure_email_list_enable": "YES",
        "email_password_file": folder / "passwords",
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_world_readable_only": "NO",
        "anon_umask": "022",
        "connect_from_port_20": "NO",
        "utf8_filesystem": "YES" if utf8 else "NO",
        "seccomp_sandbox": "NO",
        "xferlog_enable": "NO",
    }
    settings |= more
    if certificate:
        settings |= {
            "ssl_enable": "YES",
            "allow_anon_ssl": "YES",
            "force_anon_logins_ssl": "YES",
            "force_anon_data_ssl": "YES",
            "require_ssl_reuse": "YES",
            "ssl_ciphers": "HIGH",
            "rsa_cert_file": certificate,
            "rsa_private_key_file": certificate,
        }
    configuration = folder / "vsftpd.conf"
    configuration.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    with running([program, str(configuration)], folder / "output.log", port):
        yield FtpServer(root, port, tuple(range(first, first + _DATA_PORTS)))


@dataclass(frozen=True)
class SshServer:
    """A running sshd with SFTP alone; ``root`` is an empty folder of ours, ``key`` gets in."""

    root: Path
    port: int
    key: Path
    fingerprint: str
    username: str


@contextmanager
def sshd(folder: Path, kind: str = "ed25519", *, umask: str = "022") -> Iterator[SshServer]:
    """Run OpenSSH's server for whoever runs the tests, with a new host key."""
    program = executable("sshd")
    root = folder / "root"
    root.mkdir(parents=True)
    fingerprint, _own = new_key(folder / "host", kind), new_key(folder / "client", kind)
    (folder / "authorised").write_bytes((folder / "client.pub").read_bytes())
    if os.geteuid() == 0:
        # Debian's service makes it; without it sshd does not start.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = free_port()
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": folder / "host",
        "PidFile": "none",
        "AuthorizedKeysFile": folder / "authorised",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "yes",
        "PermitRootLogin": "yes",
        "Subsystem": "sftp internal-sftp",
        "ForceCommand": f"internal-sftp -u {umask}",
        "MaxStartups": "100",
    }
    configuration = folder / "sshd_config"
    configuration.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    with running([program, "-D", "-e", "-f", str(configuration)], folder / "output.log", port):
        yield SshServer(root, port, folder / "client", fingerprint, getpass.getuser())


@dataclass(frozen=True)
class S3Server:
    """A running moto with one bucket, and somebody who may do anything in it."""

    port: int
    bucket: str
    access_key: str
    secret_key: str

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )


@contextmanager
def moto(folder: Path, bucket: str = "clinic", *, checks_rights: bool = True) -> Iterator[S3Server]:
    """Run moto as a server that checks signatures and rights; such a one knows neither strangers nor signed links."""
    folder.mkdir(parents=True)
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, **({"INITIAL_NO_AUTH_ACTION_COUNT": "4"} if checks_rights else {})}
    with running(command, folder / "output.log", port, environment):
        here = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
        anybody = {"aws_access_key_id": "first", "aws_secret_access_key": "first"}
        iam = boto3.client("iam", **here, **anybody)
        boto3.client("s3", **here, **anybody).create_bucket(Bucket=bucket)
        iam.create_user(UserName="clinic")
        key = iam.create_access_key(UserName="clinic")["AccessKey"]
        rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="clinic", PolicyName="all", PolicyDocument=json.dumps(rights))
        iam.close()
        yield S3Server(port, bucket, key["AccessKeyId"], key["SecretAccessKey"])


@dataclass(frozen=True)
class ProFtpServer:
    """A running ProFTPD; ``root`` is where its one user starts, ``fingerprint`` that of its host key with SFTP."""

    root: Path
    port: int
    data_ports: tuple[int, ...]
    fingerprint: str = ""


@contextmanager
def proftpd(folder: Path, certificate: Path | None = None, *, umask: str = "022") -> Iterator[ProFtpServer]:
    """Run a ProFTPD for whoever runs the tests: with a certificate it speaks FTPS, without one SFTP."""
    # Not on Windows, where this module is only read.
    import grp

    program = beside.PROFTPD if beside.PROFTPD.is_file() else Path(executable("proftpd"))
    root = folder / "root"
    root.mkdir(parents=True)
    user, uid, gid = getpass.getuser(), os.getuid(), os.getgid()
    command = [executable("openssl"), "passwd", "-6", "-stdin"]
    sealed = subprocess.run(command, input=PASSWORD, check=True, capture_output=True, text=True).stdout.strip()
    for name, line in (("users", f"{USER}:{sealed}:{uid}:{gid}::{root}:/bin/sh"), ("groups", f"{USER}:x:{gid}:")):
        (folder / name).write_text(f"{line}\n")
        (folder / name).chmod(0o600)
    port, first = free_port(), free_ports(_DATA_PORTS)
    settings = [
        f"ModulePath {program.parents[1] / 'lib' / 'proftpd'}",
        "LoadModule mod_tls.c",
        "LoadModule mod_sftp.c",
        "ServerType standalone",
        "DefaultAddress 127.0.0.1",
        "SocketBindTight on",
        "UseIPv6 off",
        "UseReverseDNS off",
        f"Port {port}",
        f"PassivePorts {first} {first + _DATA_PORTS - 1}",
        f"User {user}",
        f"Group {grp.getgrgid(gid).gr_name}",
        "RootLogin on",
        f"AuthUserFile {folder / 'users'}",
        f"AuthGroupFile {folder / 'groups'}",
        "AuthOrder mod_auth_file.c",
        "RequireValidShell off",
        "UseFtpUsers off",
        "AllowOverwrite on",
        f"Umask {umask} {umask}",
        "DelayEngine off",
        "WtmpLog off",
        "TransferLog none",
        f"PidFile {folder / 'pid'}",
        f"ScoreboardFile {folder / 'scoreboard'}",
        f"SystemLog {folder / 'system.log'}",
    ]
    fingerprint = ""
    if certificate:
        settings += ["TLSEngine on", "TLSRequired on", "TLSProtocol TLSv1.2 TLSv1.3"]
        settings += [f"TLSECCertificateFile {certificate}", f"TLSECCertificateKeyFile {certificate}"]
    else:
        fingerprint = new_key(folder / "host", "ed25519")
        settings += ["SFTPEngine on", f"SFTPHostKey {folder / 'host'}"]
    configuration = folder / "proftpd.conf"
    configuration.write_text("".join(f"{line}\n" for line in settings))
    environment = {**os.environ, "LD_LIBRARY_PATH": beside.library_path()}
    with running([str(program), "-n", "-c", str(configuration)], folder / "output.log", port, environment):
        yield ProFtpServer(root, port, tuple(range(first, first + _DATA_PORTS)), fingerprint)


def new_key(path: Path, kind: str) -> str:
    """Make an SSH key pair and return its fingerprint."""
    keygen = executable("ssh-keygen")
    subprocess.run([keygen, "-q", "-t", kind, "-N", "", "-f", str(path)], check=True, capture_output=True)
    command = [keygen, "-l", "-f", f"{path}.pub"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]
