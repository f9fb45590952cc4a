"""What servers refuse: wrong passwords, missing rights, full disks, missing buckets; and stores of a kind's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.core.errors import BitewingError, EnvironmentFault, TransientFault, UserError
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.opening import StoreArgs, open_store
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_bucket import S3Bucket
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.sftp_wire import Wire
from app.transfer.stores.store import Store
from tests.certificates import Authority
from tests.integration.stores.conftest import QUIET, Files, Place, digest, ftp_args, s3_args, sftp_args, unique
from tests.store_servers import FtpServer, S3Server, SshServer, vsftpd


def code_of(store: Store, files: Files, name: str = "x.bin", size: int = 3000) -> str:
    with pytest.raises(BitewingError) as caught:
        store.put(files.make(size), name, QUIET)
    store.close()
    return caught.value.code


def test_wrong_passwords(
    ftp_server: FtpServer,
    ftps_server: FtpServer,
    ssh_server: SshServer,
    s3_server: S3Server,
    authority: Authority,
    files: Files,
    tmp_path: Path,
) -> None:
    wrong: list[Store] = [
        FtpStore(ftp_args(ftp_server, secure=False, allow_plain=True, password="wrong")),
        FtpStore(ftp_args(ftps_server, trust=str(authority.pem), password="wrong")),
        SftpStore(sftp_args(ssh_server, key_file="", password="wrong")),
        SftpStore(sftp_args(ssh_server, username="nobody-of-this-name")),
        S3Store(s3_args(s3_server, secret_key="wrong")),
        S3Store(s3_args(s3_server, access_key="AKIAWRONG")),
    ]
    for store in wrong:
        assert code_of(store, files) == "store.unauthorized", store
    broken = tmp_path / "key"
    broken.write_text("no key")
    assert code_of(SftpStore(sftp_args(ssh_server, key_file=str(broken))), files) == "store.bad_key"
    assert code_of(SftpStore(sftp_args(ssh_server, key_file=str(tmp_path / "gone"))), files) == "store.bad_key"


def test_keys_of_an_agent(ssh_server: SshServer, files: Files, monkeypatch: pytest.MonkeyPatch, tool) -> None:  # type: ignore[no-untyped-def]
    started = subprocess.run([tool("ssh-agent"), "-s"], check=True, capture_output=True, text=True).stdout
    told = dict(part.split("=", 1) for part in started.replace("\n", "").split(";") if "=" in part and " " not in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", told["SSH_AUTH_SOCK"])
    try:
        args = sftp_args(ssh_server, key_file="")
        assert code_of(SftpStore(args), files) == "store.unauthorized"
        subprocess.run([tool("ssh-add"), "-q", str(ssh_server.key)], check=True, capture_output=True)
        store = SftpStore(args)
        store.put(files.make(), "x.bin", QUIET)
        store.close()
    finally:
        os.kill(int(told["SSH_AGENT_PID"]), 15)


def test_a_key_with_a_pass_phrase(ssh_server: SshServer, files: Files, tmp_path: Path, tool) -> None:  # type: ignore[no-untyped-def]
    key = tmp_path / "locked"
    shutil.copy(ssh_server.key, key)
    key.chmod(0o600)
    command = [tool("ssh-keygen"), "-q", "-p", "-P", "", "-N", "a pass phrase", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    for phrase in ("", "wrong"):
        assert code_of(SftpStore(sftp_args(ssh_server, key_file=str(key), password=phrase)), files) == "store.bad_key"
    store = SftpStore(sftp_args(ssh_server, key_file=str(key), password="a pass phrase"))
    store.put(files.make(), "x.bin", QUIET)
    store.close()


def test_files_go_to_the_very_server_whatever_address_it_names(tmp_path: Path, files: Files) -> None:
    # An address that is nobody's (RFC 5737): a server, or whoever speaks in its place, may name anybody's.
    with vsftpd(tmp_path / "plain", pasv_address="192.0.2.1") as server:
        store = FtpStore(ftp_args(server, secure=False, allow_plain=True, connect_timeout_s=2.0, timeout_s=2.0))
        source = files.make()
        assert store.put(source, "x.bin", QUIET).size == source.stat().st_size
        store.close()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for four megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=777", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only the superuser may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disks(
    tiny: Path,
    tmp_path: Path,
    ssh_server: SshServer,
    authority: Authority,
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settled, settle = list[int](), Wire.settle
    monkeypatch.setattr(Wire, "settle", lambda wire: (settle(wire), settled.append(1)))
    with vsftpd(tmp_path / "plain") as plain, vsftpd(tmp_path / "tls", authority.sign().both) as tls:
        stores: list[Store] = [
            FolderStore(FolderArgs(tiny)),
            SftpStore(sftp_args(ssh_server, path=str(tiny))),
            FtpStore(ftp_args(plain, path=str(tiny), secure=False, allow_plain=True)),
            FtpStore(ftp_args(tls, path=str(tiny), trust=str(authority.pem))),
        ]
        for store in stores:
            store.put(files.make(1 << 20), "kept.bin", QUIET)
            assert code_of(store, files, "big.bin", 9 << 20) == "store.full", store
            assert settled == ([1] if isinstance(store, SftpStore) else []), "hung up at once it would be luck"
            settled.clear()
            # What did not fit was taken away again, before the error was told: there is room for something smaller.
            assert [path.name for path in tiny.iterdir()] == ["kept.bin"], store
            assert {entry.name for entry in store.list()} == {"kept.bin"}
            store.put(files.make(1 << 20), "small.bin", QUIET)
            assert store.delete("small.bin")
            store.close()


def test_a_folder_that_is_away_is_never_made(tmp_path: Path, files: Files) -> None:
    base = tmp_path / "mount point"
    base.mkdir()
    marker = FolderStore(FolderArgs(base)).adopt()
    assert FolderStore(FolderArgs(base)).adopt() == marker
    store = FolderStore(FolderArgs(base, marker))
    store.put(files.make(), "a/x.bin", QUIET)
    assert {entry.name for entry in store.list(recursive=True)} == {"a/x.bin"}
    # Unplugged: first an empty mount point is left, then none, then another drive is there.
    base.rename(tmp_path / "drive")
    for state in ("none", "empty", "another"):
        if state == "empty":
            base.mkdir()
        if state == "another":
            FolderStore(FolderArgs(base)).adopt()
        before = {path.name for path in base.iterdir()} if base.exists() else None
        for use in (
            lambda: store.put(files.make(), "a/y.bin", QUIET),
            lambda: store.stat("a/x.bin"),
            lambda: list(store.list(recursive=True)),
            lambda: store.delete("a/x.bin"),
            lambda: store.rename("a/x.bin", "b"),
            lambda: store.get("a/x.bin", tmp_path / "back", QUIET),
            store.probe,
            lambda: store.sweep(timedelta(0)),
        ):
            with pytest.raises(TransientFault) as caught:
                use()
            assert caught.value.code == ("store.unreachable" if state == "none" else "store.other_drive")
        assert ({path.name for path in base.iterdir()} if base.exists() else None) == before


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path, files: Files) -> None:
    base, outside = tmp_path / "base", tmp_path / "outside"
    base.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (base / "link").symlink_to(outside, target_is_directory=True)
    store = FolderStore(FolderArgs(base))
    for use in (
        lambda: store.put(files.make(), "link/x.bin", QUIET),
        lambda: store.get("link/secret", tmp_path / "back", QUIET),
        lambda: store.delete("link/secret"),
    ):
        with pytest.raises(EnvironmentFault) as caught:
            use()
        assert caught.value.code == "store.bad_name"
    assert list(store.list(recursive=True)) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_server_without_utf8_gets_ascii_names_only(tmp_path: Path, files: Files) -> None:
    with vsftpd(tmp_path / "old", utf8=False) as server:
        store = FtpStore(ftp_args(server, secure=False, allow_plain=True))
        store.put(files.make(), "plain.bin", QUIET)
        assert code_of(store, files, "صورة.bin") == "store.bad_name"
        assert {entry.name for entry in store.list(recursive=True)} == {"plain.bin"}
        store.close()


def test_many_threads_share_few_connections(place: Place, files: Files, tmp_path: Path) -> None:
    single = place.open()
    store = open_store(args_of(single), connections=3)
    source = files.make(50_000)
    names = [f"{number % 5}/{number}.bin" for number in range(60)]
    with ThreadPoolExecutor(8) as threads:
        sizes = list(threads.map(lambda name: store.put(source, name, QUIET).size, names))
        assert sizes == [50_000] * 60
        assert {entry.name for entry in store.list(recursive=True)} == set(names)
        back = list(threads.map(lambda pair: store.get(pair[1], tmp_path / f"back-{pair[0]}", QUIET), enumerate(names)))
        assert len(back) == 60
        assert all(threads.map(store.delete, names))
    assert {digest(tmp_path / f"back-{number}") for number in range(60)} == {digest(source)}
    assert store.capabilities.any_thread
    assert list(store.list(recursive=True)) == []
    store.close()


def args_of(store: Store) -> StoreArgs:
    return store._args if hasattr(store, "_args") else FolderArgs(store._base)  # type: ignore[attr-defined]


def test_missing_buckets(s3_server: S3Server, files: Files) -> None:
    store = S3Store(s3_args(s3_server, bucket="no-such-bucket"))
    assert code_of(store, files) == "store.missing"
    with pytest.raises(EnvironmentFault) as caught:
        store.probe()
    assert caught.value.code == "store.missing"


def test_public_buckets_are_warned_of(s3_server: S3Server) -> None:
    store = S3Store(s3_args(s3_server))
    assert store.check(QUIET).warnings == ()
    client = s3_server.client()
    client.create_bucket(Bucket="open-to-all", ACL="public-read")
    assert S3Store(s3_args(s3_server, bucket="open-to-all")).check(QUIET).warnings == ("store.public",)
    client.close()


def test_objects_are_private_and_encrypted_where_asked_for(open_s3_server: S3Server, files: Files) -> None:
    store = S3Store(s3_args(open_s3_server, prefix="kept", encryption="AES256"))
    store.put(files.make(), "x.bin", QUIET)
    store.put(files.make(9 << 20), "large.bin", QUIET)
    store.put(files.make(), "y.bin", QUIET)
    store.rename("y.bin", "renamed.bin")
    client = open_s3_server.client()
    for key in ("kept/x.bin", "kept/renamed.bin", "kept/large.bin"):
        assert client.head_object(Bucket=open_s3_server.bucket, Key=key)["ServerSideEncryption"] == "AES256"
    client.close()
    for key in ("kept/x.bin", "kept/renamed.bin"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{open_s3_server.port}/{open_s3_server.bucket}/{key}")
        with caught.value:
            assert caught.value.code == 403


def test_parts_that_nobody_finished_are_aborted(s3_server: S3Server) -> None:
    prefix = unique()
    store, client = S3Store(s3_args(s3_server, prefix=prefix)), s3_server.client()
    for number in range(3):
        client.create_multipart_upload(Bucket=s3_server.bucket, Key=f"{prefix}/{number}")
    # To moto each of them began in 2010.
    assert store.sweep(timedelta(days=365 * 100)) == 0
    assert store.sweep(timedelta(hours=24)) == 3
    assert store.sweep(timedelta(hours=24)) == 0
    client.close()


def test_links_that_expire(open_s3_server: S3Server, files: Files) -> None:
    store, source = S3Bucket(s3_args(open_s3_server)), files.make()
    store.put(source, "x.bin", QUIET)
    with urllib.request.urlopen(store.link_to_get("x.bin", 60, "image.bin")) as answer:
        assert answer.read() == source.read_bytes()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="image.bin"'
        assert answer.headers["Cache-Control"] == "no-store"
    form = store.form_to_post("sent", 60, 1000)
    said = {**form.fields, "key": form.fields["key"].replace("${filename}", "a.bin")}
    told = httpx.post(form.url, data=said, files={"file": ("file", b"from a specialist")})
    assert told.is_success
    assert store.takes(form)
    assert [entry.name for entry in store.everything("sent")] == ["sent/a.bin"]
    found = store.stat("sent/a.bin")
    assert found is not None
    assert found.size == len(b"from a specialist")
    # moto does not look at it; that it is signed with the rest is what makes servers keep it.
    assert "X-Amz-Expires=90&" in store.link_to_get("x.bin", 90)
    for expires in (0, -1, 7 * 24 * 3600 + 1):
        with pytest.raises(UserError, match=r"store\.bad_expiry"):
            store.link_to_get("x.bin", expires)
        with pytest.raises(UserError, match=r"store\.bad_expiry"):
            store.form_to_post("sent", expires, 1000)


def test_what_another_program_stored_has_its_own_hash(s3_server: S3Server) -> None:
    prefix = unique()
    client = s3_server.client()
    client.put_object(Bucket=s3_server.bucket, Key=f"{prefix}/foreign.bin", Body=b"foreign")
    client.put_object(Bucket=s3_server.bucket, Key=f"{prefix}/folder/", Body=b"")
    client.close()
    store = S3Store(s3_args(s3_server, prefix=prefix))
    found = store.stat("foreign.bin")
    assert found is not None
    assert found.digest is not None
    assert found.digest.algorithm == "md5"
    assert [entry.name for entry in store.list(recursive=True)] == ["foreign.bin"]
    assert found.size == 7
