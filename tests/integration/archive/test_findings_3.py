"""What a stranger who read the code found wrong with archives: each was a failing test first."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import BitewingError, UserError
from app.domain.roles import owner
from tests.certificates import self_signed
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_push_races import fill
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def test_a_certificate_file_that_was_away(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    library.settings.set(OWNER, "orthanc.ca", str(tmp_path / "ca.pem"))
    fill(library, tmp_path / "in", 1)
    with pytest.raises(UserError, match=r"pacs\.bad_ca"):
        library.sending.run(OWNER, QUIET, "orthanc")
    (tmp_path / "ca.pem").write_bytes(self_signed(tmp_path / "c").public.read_bytes())
    ctx = JobContext()

    def run() -> None:
        with pytest.raises(BitewingError):
            library.sending.run(OWNER, ctx, "orthanc")
        library.close_thread()

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(5)
    ctx.token.cancel()
    thread.join(20)
    assert len(server.instances()) == 1
