"""At real servers of each kind, with a web server beside them; and what the mirror's own rounds make of it: nothing."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.library import Library
from app.domain.publication import FOLDER, PublicState
from tests.certificates import Authority
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo, publish, serve, switch_on
from tests.integration.publish.test_lifecycle import newest, public_files
from tests.store_servers import FTP_PASSWORD, FTP_USER, FtpServer, S3Server, SshServer, moto


@pytest.fixture
def at_ftps(
    library: Library,
    ftps_server: FtpServer,
    authority: Authority,
) -> Iterator[WebServer]:
    name = f"base-{uuid.uuid4().hex[:8]}"
    for web in serve(ftps_server.root / name / FOLDER, authority):
        settings = {"kind": "ftps", "host": "127.0.0.1", "port": ftps_server.port, "username": FTP_USER, "path": name}
        switch_on(library, web, settings, {"password": FTP_PASSWORD})
        yield web


@pytest.fixture
def at_sftp(library: Library, ssh_server: SshServer, authority: Authority) -> Iterator[WebServer]:
    base = ssh_server.root / f"base-{uuid.uuid4().hex[:8]}"
    # The host key is what is trusted, so there is no room for an authority that the computer does not know.
    for web in serve(base / FOLDER, authority, is_plain=True):
        settings = {
            "kind": "sftp",
            "host": "127.0.0.1",
            "port": ssh_server.port,
            "username": ssh_server.username,
            "key_file": str(ssh_server.key),
            "trust": ssh_server.fingerprint,
            "path": str(base),
        }
        switch_on(library, web, settings)
        yield web


@pytest.fixture(params=["ftps", "sftp"])
def at_server(request: pytest.FixtureRequest) -> WebServer:
    found: WebServer = request.getfixturevalue(f"at_{request.param}")
    return found


def test_at_a_server(library: Library, at_server: WebServer, tmp_path: Path) -> None:
    image = photo(library, patient(library), tmp_path / "in")
    publish(library, [image.id])
    assert library.publishing.send(OWNER, QUIET).drained.sent == 1
    copy = newest(library, image.id).publication
    address = f"{at_server.url}/{copy.remote_id.removeprefix(f'{FOLDER}/')}"
    assert (copy.state, copy.url, copy.how) == (PublicState.PUBLIC, address, "address")
    assert at_server.get(address)[0] == 200
    library.publishing.withdraw(OWNER, [image.id], QUIET)
    library.publishing.send(OWNER, QUIET)
    assert newest(library, image.id).publication.state is PublicState.PRIVATE
    assert at_server.get(address)[0] == 404


@pytest.fixture(scope="module")
def open_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server of S3 that knows strangers."""
    with moto(tmp_path_factory.mktemp("moto") / "open", "public", checks_rights=False) as server:
        yield server


def _stranger(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def website(open_s3: S3Server, tmp_path: Path, authority: Authority) -> Iterator[WebServer]:
    """A bucket as a web site shows it: what strangers may read, and no list; moto lists for everybody."""

    def answer(asked: SimpleHTTPRequestHandler) -> bool:
        status, body, kind = 403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml"
        if f"/{FOLDER}/" in asked.path and "?" not in asked.path and not asked.path.endswith("/"):
            there = http.client.HTTPConnection("127.0.0.1", open_s3.port, timeout=10)
            there.request("GET", asked.path)
            told = there.getresponse()
            status, body, kind = told.status, told.read(), str(told.headers["Content-Type"])
            there.close()
        asked.send_response(status)
        asked.send_header("Content-Type", kind)
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)
        return True

    for web in serve(tmp_path, authority, is_plain=True):
        web.answer = answer
        yield web


def test_in_a_bucket_that_is_not_opened_by_us(
    library: Library, open_s3: S3Server, website: WebServer, tmp_path: Path
) -> None:
    endpoint, prefix = f"http://127.0.0.1:{open_s3.port}", f"base-{uuid.uuid4().hex[:8]}"
    settings: dict[str, Any] = {
        "kind": "s3",
        "bucket": open_s3.bucket,
        "access_key": open_s3.access_key,
        "endpoint": endpoint,
        "region": "us-east-1",
        "path": prefix,
        "path_style": True,
        "public_url": f"{endpoint}/{open_s3.bucket}/{prefix}/{FOLDER}",
        "publish": True,
    }
    library.settings.set_destination(OWNER, "mirror", PLACE, settings, {"secret_key": open_s3.secret_key})
    image = photo(library, patient(library), tmp_path / "in")
    publish(library, [image.id])
    library.publishing.send(OWNER, QUIET)
    # Asked at the root of the bucket, by the beginning of the names, everybody is told them.
    assert newest(library, image.id).code == "publish.listed"
    library.publishing.withdraw(OWNER, [image.id], QUIET)
    shown = f"{website.url}/{open_s3.bucket}/{prefix}/{FOLDER}"
    library.settings.set(OWNER, f"mirror.{PLACE}.public_url", shown)
    publish(library, [image.id])
    library.publishing.send(OWNER, QUIET)
    # Whether anybody may read is the bucket's own business: no right is given silently, and it is said.
    entry = newest(library, image.id)
    assert (entry.publication.state, entry.code) == (PublicState.UNPROVEN, "publish.not_served")
    url = str(entry.publication.url)
    assert _stranger(url) == 403
    resource = f"arn:aws:s3:::{open_s3.bucket}/{prefix}/{FOLDER}/*"
    # More than the public folder, though the web site does not show it: the bucket's own address does.
    everything = f"arn:aws:s3:::{open_s3.bucket}/*"
    client = open_s3.client()
    for shown_to_all, code in ((everything, "publish.all_public"), (resource, None)):
        read = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": shown_to_all}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
        client.put_bucket_policy(Bucket=open_s3.bucket, Policy=policy)
        library.publishing.send(OWNER, QUIET)
        assert newest(library, image.id).code == code
    client.close()
    # Moto lists for everybody; what is said of it is fit for a bucket of which a part is meant to be open.
    assert library.mirrors.test(OWNER, PLACE, QUIET).warnings == ("publish.open_bucket",)
    assert newest(library, image.id).publication.how == "address"
    assert _stranger(url) == 200
    library.publishing.withdraw(OWNER, [image.id], QUIET)
    library.publishing.send(OWNER, QUIET)
    assert newest(library, image.id).publication.state is PublicState.PRIVATE
    assert _stranger(url) in {403, 404}


def test_the_mirror_never_touches_what_is_public(
    publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    publishing.settings.set(OWNER, f"mirror.{PLACE}.enabled", "true")
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8)]
    publishing.mirrors.sync(OWNER, QUIET)
    publish(publishing, [image.id for image in images])
    publishing.publishing.send(OWNER, QUIET)
    before = {path.name: path.read_bytes() for path in public_files(place)}
    assert len(before) == 2
    report = publishing.verification.run(OWNER, QUIET)
    assert (report.missing, report.different, report.extra, report.verified) == (0, 0, 0, 2)
    plan = publishing.mirror_preview.run(OWNER, QUIET, PLACE)
    assert (plan.uploads, plan.recalls, plan.unchanged) == (0, 0, 2)
    publishing.mirrors.sync(OWNER, QUIET)
    assert {path.name: path.read_bytes() for path in public_files(place)} == before
    # A deletion is called back from both, and neither takes more than its own.
    publishing.images.delete(OWNER, [images[0].id])
    publishing.mirrors.sync(OWNER, QUIET)
    assert len(public_files(place)) == 2
    publishing.publishing.send(OWNER, QUIET)
    assert [path.name for path in public_files(place)] == [
        newest(publishing, images[1].id).publication.remote_id.removeprefix(f"{FOLDER}/")
    ]
    assert len(list((place / "dental_images").rglob("*.jpg"))) == 1


def test_trying_a_place_out(publishing: Library, place: Path, web: WebServer) -> None:
    def warnings() -> tuple[str, ...]:
        return publishing.mirrors.test(OWNER, PLACE, QUIET).warnings

    assert warnings() == ()
    web.trouble = 403
    assert warnings() == ("publish.not_served",)
    web.trouble = 503
    assert warnings() == ("publish.busy",)
    web.trouble, web.lists = 0, True
    assert warnings() == ("publish.listed",)
    # The web server shows all of the mirror, of which the public folder is a part.
    web.folder, web.lists = place, False
    publishing.settings.set(OWNER, f"mirror.{PLACE}.public_url", f"{web.url}/{FOLDER}/")
    assert warnings() == ("publish.all_public",)
    # The same, with the address of the mirror entered as that of the public folder.
    publishing.settings.set(OWNER, f"mirror.{PLACE}.public_url", web.url)
    assert warnings() == ("publish.not_served", "publish.all_public")
    publishing.settings.set(OWNER, f"mirror.{PLACE}.public_url", "")
    assert warnings() == ("publish.no_address",)
    publishing.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    assert warnings() == ()
    assert [path for path in place.rglob("*") if path.is_file() and not path.name.startswith(".")] == []
