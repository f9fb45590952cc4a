"""A library that shares by a bucket behind a front which checks signatures; one moto for all tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.sync.report import ImportArgs
from tests import planted
from tests.signed_front import SignedFront, signed_front
from tests.store_servers import S3Server, moto

QUIET = JobContext.silent()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    # Its signatures are the front's business: a moto that looks at rights knows no signed links.
    with moto(tmp_path_factory.mktemp("moto") / "s3", checks_rights=False) as server:
        yield server


@pytest.fixture(scope="module")
def _front(s3: S3Server) -> Iterator[SignedFront]:
    with signed_front(s3) as front:
        yield front


@pytest.fixture
def front(_front: SignedFront) -> SignedFront:
    _front.__init__(_front.server, _front.port)  # type: ignore[misc]
    return _front


def set_up(library: Library, front: SignedFront, prefix: str) -> None:
    values = {
        "kind": "s3",
        "bucket": front.server.bucket,
        "access_key": front.server.access_key,
        "endpoint": front.endpoint,
        "region": "us-east-1",
        "path": prefix,
        "path_style": True,
    }
    actor = library.owner()
    library.settings.set_destination(actor, "mirror", "cloud", values, {"secret_key": front.server.secret_key})
    library.settings.set(actor, "share.destination", "cloud")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be tried twice: these tests are not about patience."""
    monkeypatch.setattr("app.services.sharing.places._ATTEMPTS", 1)


@pytest.fixture
def prefix() -> str:
    return f"clinic-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def library(tmp_path: Path, front: SignedFront, prefix: str) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        set_up(opened, front, prefix)
        yield opened
        opened.decoders.close()


@pytest.fixture
def images(library: Library, tmp_path: Path) -> list[str]:
    """Two images of one patient, each with identifiers planted in it."""
    source = tmp_path / "source"
    source.mkdir()
    planted.planted_jpeg(source / f"{planted.word(0)}.jpg")
    planted.planted_png(source / "b.png")
    patient = library.patients.add(library.owner(), PatientDraft(planted.word(0), planted.word(1), planted.word(2)))
    args = ImportArgs((source / f"{planted.word(0)}.jpg", source / "b.png"), Filing(patient.id))
    ids: list[str] = []
    library.imports.run(library.owner(), args, QUIET, lambda item: ids.append(item.image_id or ""))
    return ids


def left_there(s3: S3Server, prefix: str) -> list[str]:
    """Return the names that lie in the bucket."""
    client = s3.client()
    try:
        told = client.list_objects_v2(Bucket=s3.bucket, Prefix=f"{prefix}/")
    finally:
        client.close()
    return [item["Key"].removeprefix(f"{prefix}/") for item in told.get("Contents", ())]
