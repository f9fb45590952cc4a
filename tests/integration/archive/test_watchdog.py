"""The watchdog over real destinations: a clock that is wrong, a certificate that ends, a queue that does not move."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.domain.roles import owner
from app.domain.watchdog import Light
from app.services import watchdog as watchdog_module
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_trust import certificate
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer, tls_before

OWNER, QUIET = owner("test"), JobContext.silent()


def said(library: Library) -> tuple[Light, list[str]]:
    [health] = library.watchdog.destinations(OWNER)
    return health.light, [one.code for one in health.concerns]


@pytest.mark.parametrize(
    ("days", "codes"), [(400, []), (12, ["watch.certificate_soon"]), (-3, ["watch.certificate_over"])]
)
def test_certificates(library: Library, server: OrthancServer, tmp_path: Path, days: int, codes: list[str]) -> None:
    _public, both = certificate(tmp_path / "pki", "127.0.0.1", days)
    with tls_before(server.http_port, both) as port:
        connect(library, f"https://127.0.0.1:{port}")
        library.settings.set(OWNER, "orthanc.ca", library.orthanc.certificate().fingerprint)
        library.watchdog.observe(OWNER, QUIET)
    assert said(library)[1] == codes
    # Away now: what was seen last is said still.
    library.watchdog.observe(OWNER, QUIET)
    assert said(library)[1] == codes


def test_a_clock_that_is_wrong(library: Library, server: OrthancServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.transfer import orthanc as orthanc_module

    connect(library, server.url)
    library.watchdog.observe(OWNER, QUIET)
    assert said(library) == (Light.GOOD, [])
    monkeypatch.setattr(orthanc_module, "utc_now", lambda: utc_now() + timedelta(seconds=300))
    library.watchdog.observe(OWNER, QUIET)
    assert said(library) == (Light.WAITING, ["watch.clock"])


def test_a_queue_that_does_not_move_and_a_silence(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(library, server.url)
    library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
    server.stop()
    library.archive.push(OWNER, QUIET)
    assert said(library) == (Light.WAITING, ["watch.offline"])
    now = utc_now()
    monkeypatch.setattr(watchdog_module, "utc_now", lambda: now + timedelta(hours=25))
    assert said(library) == (Light.WAITING, ["watch.waits_long", "watch.offline"])
    monkeypatch.setattr(watchdog_module, "utc_now", lambda: now + timedelta(days=8))
    assert said(library) == (Light.FAILED, ["watch.waits_long", "watch.offline"])
    last, silent = library.watchdog.arrivals(OWNER)
    assert last is not None
    assert abs(epoch_ms(last) - epoch_ms(now)) < 60_000
    assert silent == ()
    library.settings.set(OWNER, "receive.enabled", "true")
    assert [one.code for one in library.watchdog.arrivals(OWNER)[1]] == ["watch.quiet"]
