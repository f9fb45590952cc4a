"""An archive that breaks off, lies, dawdles or means harm: said in words, and nothing of it in the library."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.roles import owner
from app.services.archiving.fetching import Wanted
from app.transfer import retrieval
from app.transfer.found import StudyQuery
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_browse import STUDY, nothing_left, put, series
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer, meddling_proxy, raw_answer

OWNER, QUIET = owner("test"), JobContext.silent()
KIND = 'multipart/related; type="application/dicom"; boundary=xyz'
Change = Callable[[httpx.Response], Iterator[bytes] | list[bytes] | None]


def is_files(path: str) -> bool:
    """Whether a request is for files, not for words about them."""
    return "/studies/" in path and not path.split("?")[0].endswith(("/series", "/instances", "/rendered"))


def cut(answer: httpx.Response) -> list[bytes]:
    """Break off in the middle."""
    head, body = raw_answer(answer.content, answer)
    return [head, body[: len(body) // 2]]


def cut_between_parts(answer: httpx.Response) -> list[bytes]:
    """Send one part of several and close the line as if that were all."""
    boundary = answer.headers["Content-Type"].split("boundary=")[1].encode()
    first = answer.content.split(b"--" + boundary)[1]
    return raw_answer(b"--" + boundary + first, answer)


def fewer(answer: httpx.Response) -> list[bytes]:
    """Leave the last part out, properly."""
    boundary = b"--" + answer.headers["Content-Type"].split("boundary=")[1].encode()
    parts = answer.content.split(boundary)
    return raw_answer(boundary.join([*parts[:-2], b"--\r\n"]), answer)


def login_page(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"<html>Sign in</html>", kind="text/html")


def no_dicom(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"--xyz\r\n\r\n" + b"MZ" * 5000 + b"\r\n--xyz--", kind=KIND)


def empty(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"--xyz--", kind=KIND)


def gone(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"{}", status=404)


def busy(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"", status=503)


def stranger(_answer: httpx.Response) -> list[bytes]:
    return raw_answer(b"", status=401)


def away(_answer: httpx.Response) -> list[bytes]:
    return [b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (cut, "pacs.cut_off"),
        (cut_between_parts, "pacs.cut_off"),
        (fewer, "pacs.incomplete"),
        (login_page, "pacs.not_an_archive"),
        (no_dicom, "pacs.not_an_archive"),
        (empty, "pacs.incomplete"),
        (gone, "pacs.gone"),
        (busy, "pacs.busy"),
        (stranger, "pacs.unauthorized"),
        (away, "pacs.not_an_archive"),
    ],
)
def test_files_that_do_not_come_as_they_should(
    library: Library, server: OrthancServer, tmp_path: Path, change: Change, code: str
) -> None:
    put(server, [*series(tmp_path, 1, 3), *series(tmp_path, 2, 3)])

    def meddle(_method: str, path: str, answer: httpx.Response) -> Iterator[bytes] | list[bytes] | None:
        return change(answer) if is_files(path) and f"{STUDY}.2" in path else None

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        with pytest.raises(BitewingError) as caught:
            library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
        assert caught.value.code == code
        # The first series came whole; it is not in the library as if it were all of the study.
        assert nothing_left(library)
        opened = library.browsing.open(OWNER, STUDY)
        if change not in {cut_between_parts, fewer}:
            with pytest.raises(BitewingError) as caught:
                opened.path(f"{STUDY}.2.1")
            assert not isinstance(caught.value, Cancelled)
        assert opened.path(f"{STUDY}.1.1").exists()
    # The line is good again.
    library.settings.set(OWNER, "orthanc.url", server.url)
    assert library.browsing.fetch(OWNER, QUIET, Wanted(STUDY)).fetched == 6


def test_an_image_of_somebody_else_under_this_address(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    put(server, series(tmp_path, 1, 2))
    other = radiograph(tmp_path / "other.dcm", 77, PatientName="Roe^Rick", PatientID="99", StudyInstanceUID="1.2.9")
    body = b"--xyz\r\n\r\n" + other.read_bytes() + b"\r\n--xyz\r\n\r\n" + other.read_bytes() + b"\r\n--xyz--"

    def meddle(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        return raw_answer(body, kind=KIND) if is_files(path) else None

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        for use in (
            lambda: library.browsing.fetch(OWNER, QUIET, Wanted(STUDY)),
            lambda: library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, (f"{STUDY}.1",), f"{STUDY}.1.1")),
        ):
            with pytest.raises(BitewingError) as caught:
                use()
            assert caught.value.code == "pacs.something_else"
        opened = library.browsing.open(OWNER, STUDY)
        with pytest.raises(BitewingError):
            opened.path(f"{STUDY}.1.1")
        assert not opened.holds(f"{STUDY}.1.1")
    library.browsing.leave()
    assert nothing_left(library)


def test_more_than_there_is_room_for(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    put(server, series(tmp_path, 1, 3))
    connect(library, server.url)
    library.settings.set(OWNER, "storage.reserve_bytes", str(1 << 60))
    with pytest.raises(BitewingError) as caught:
        library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
    assert caught.value.code == "pacs.too_large"
    assert nothing_left(library)


def test_bytes_without_end_are_not_waited_for(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    put(server, series(tmp_path, 1, 1))
    sent = []

    def endless(_method: str, path: str, _answer: httpx.Response) -> Iterator[bytes] | None:
        def pieces() -> Iterator[bytes]:
            yield f"HTTP/1.1 200 X\r\nContent-Type: {KIND}\r\nConnection: close\r\n\r\n--xyz\r\n\r\n".encode()
            while True:
                sent.append(1 << 20)
                yield b"x" * (1 << 20)

        return pieces() if is_files(path) else None

    with meddling_proxy(server.http_port, endless) as url:
        connect(library, url)
        token = CancelToken()
        threading.Timer(0.5, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            library.browsing.fetch(OWNER, JobContext(token), Wanted(STUDY))
        assert time.monotonic() - began < 5
    assert sent
    assert nothing_left(library)


@pytest.mark.parametrize("stopped", [True, False], ids=["stopped by a person", "given up"])
def test_a_line_that_dawdles(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    put(server, series(tmp_path, 1, 1))
    monkeypatch.setattr(retrieval, "_PATIENCE_S", 1.0)

    def slowly(_method: str, path: str, answer: httpx.Response) -> Iterator[bytes] | None:
        def pieces() -> Iterator[bytes]:
            head, body = raw_answer(answer.content, answer)
            yield head
            for byte in body:
                time.sleep(0.05)
                yield bytes([byte])

        return pieces() if is_files(path) else None

    with meddling_proxy(server.http_port, slowly) as url:
        connect(library, url)
        token = CancelToken()
        if stopped:
            threading.Timer(0.3, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(BitewingError) as caught:
            library.browsing.fetch(OWNER, JobContext(token), Wanted(STUDY))
        assert caught.value.code == ("cancelled" if stopped else "pacs.slow")
        assert time.monotonic() - began < 5
    assert nothing_left(library)


def test_who_stops_does_not_wait_for_a_server_that_is_silent(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    put(server, series(tmp_path, 1, 1))
    done = threading.Event()

    def silent(_method: str, path: str, _answer: httpx.Response) -> Iterator[bytes] | None:
        def pieces() -> Iterator[bytes]:
            yield f"HTTP/1.1 200 X\r\nContent-Type: {KIND}\r\n\r\n--xyz\r\n".encode()
            done.wait(20)

        return pieces() if is_files(path) else None

    with meddling_proxy(server.http_port, silent) as url:
        connect(library, url)
        token = CancelToken()
        threading.Timer(0.5, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            library.browsing.fetch(OWNER, JobContext(token), Wanted(STUDY))
        assert time.monotonic() - began < 3
        done.set()
    assert nothing_left(library)


def study(**tags: object) -> dict[str, object]:
    return {"0020000D": {"vr": "UI", "Value": ["1.2.3"]}, **tags}


WORDS: dict[str, tuple[bytes, str | None]] = {
    "a login page": (b"<html>", "pacs.not_an_archive"),
    "an object": (b'{"a": 1}', "pacs.not_an_archive"),
    "a list of texts": (b'["a", "b"]', "pacs.not_an_archive"),
    "a depth of lists": (b"[" * 200_000, "pacs.not_an_archive"),
    "half an answer": (json.dumps([study()]).encode()[:-5], "pacs.not_an_archive"),
    "wrong types": (
        json.dumps([study(**{"00100010": 5, "00100020": {"Value": {"a": 1}}, "00201208": {"Value": [[]]}})]).encode(),
        None,
    ),
    "numbers that are none": (
        json.dumps([study(**{"00201208": {"Value": ["9" * 5000]}, "00201206": {"Value": [-1.5e300]}})]).encode(),
        None,
    ),
    "no number": (json.dumps([{"00100010": {"Value": ["x"]}}]).encode(), None),
    "a number that is an address": (json.dumps([study(**{"0020000D": {"Value": ["../../x?y"]}})]).encode(), None),
    "texts that turn around": (
        json.dumps([study(**{"00081030": {"Value": ["a\u202eb\x00\x1b[31m\n" + "x" * 9999]}})]).encode(),
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WORDS)
def test_words_that_are_not_what_they_should_be(library: Library, server: OrthancServer, name: str) -> None:
    body, code = WORDS[name]

    def meddle(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        return raw_answer(b"[]" if "tools/find" in path else body)

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        if code is not None:
            with pytest.raises(BitewingError) as caught:
                library.browsing.search(OWNER, StudyQuery())
            assert caught.value.code == code
            return
        found = [study.found for study in library.browsing.search(OWNER, StudyQuery()).studies]
    assert [one.study_uid for one in found] in ([], ["1.2.3"])
    for one in found:
        assert len(one.description) <= 200
        assert not set(one.description) & set("\u202e\x00\x1b\n")
        assert 0 <= one.instances < 10**9


def test_words_without_end(library: Library, server: OrthancServer) -> None:
    def meddle(_method: str, _path: str, _answer: httpx.Response) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n["
        while True:
            yield b" " * (1 << 20)

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        with pytest.raises(BitewingError) as caught:
            library.browsing.search(OWNER, StudyQuery())
        assert caught.value.code in {"pacs.not_an_archive", "pacs.slow"}


def test_changes_that_never_end(library: Library, server: OrthancServer) -> None:
    asked = []

    def meddle(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        if "changes" not in path:
            return None
        asked.append(path)
        last = 5 if len(asked) == 1 else 7
        return raw_answer(
            json.dumps({"Changes": [{"ChangeType": "NewStudy", "ID": "../x"}], "Done": False, "Last": last}).encode()
        )

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        assert library.news.look(OWNER) == 0
        assert library.news.look(OWNER) == 0
    assert len(asked) < 10


def test_pictures_that_are_none(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    put(server, series(tmp_path, 1, 1))
    bomb = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00" + b"\x00" * 64

    def meddle(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        return raw_answer(bomb, kind="image/jpeg") if "rendered" in path else None

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        with pytest.raises(BitewingError):
            library.browsing.thumbnail(OWNER, STUDY)
    assert nothing_left(library)


def test_an_archive_without_dicomweb_or_that_is_no_orthanc(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    put(server, series(tmp_path, 1, 1))

    def without(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        return raw_answer(b"{}", status=404) if path.startswith("/dicom-web") else None

    def other(_method: str, path: str, _answer: httpx.Response) -> list[bytes] | None:
        return None if path.startswith("/dicom-web") else raw_answer(b"{}", status=404)

    with meddling_proxy(server.http_port, without) as url:
        connect(library, url)
        with pytest.raises(BitewingError) as caught:
            library.browsing.search(OWNER, StudyQuery())
        assert caught.value.code == "pacs.no_dicomweb"
    with meddling_proxy(server.http_port, other) as url:
        connect(library, url)
        assert len(library.browsing.search(OWNER, StudyQuery(name="jane")).studies) == 1
        assert library.browsing.fetch(OWNER, QUIET, Wanted(STUDY)).fetched == 1


def test_a_long_series_whose_stream_breaks_comes_image_by_image(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    paths = series(tmp_path, 1, 15)
    put(server, paths)
    asked: list[str] = []

    def meddle(_method: str, path: str, answer: httpx.Response) -> list[bytes] | None:
        if is_files(path):
            asked.append(path)
        return cut(answer) if path.endswith(f"/series/{STUDY}.1") else None

    with meddling_proxy(server.http_port, meddle) as url:
        connect(library, url)
        opened = library.browsing.open(OWNER, STUDY)
        assert opened.fill(QUIET) == 15
        # About half came by the stream.
        assert 5 < len(asked) < 14
        for image, path in zip(opened.instances, paths, strict=True):
            assert opened.path(image.sop_uid).read_bytes() == path.read_bytes()
