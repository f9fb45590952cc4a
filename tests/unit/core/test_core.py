"""Cancelling, progress, durable files, settings, secrets and logs."""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core import files, logs, paths, secrets, settings
from app.core.cancel import CancelToken
from app.core.clock import epoch_ms
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault, ItemError, TransientFault, UserError
from app.core.file_lock import exclusively
from app.core.files import BLOCK_BYTES, proven_blocks
from app.core.progress import Progress
from app.core.secrets import FileSecretStore, KeyringSecretStore, MemorySecretStore, Sealer


def test_cancel_wakes_a_waiter_and_calls_back_once() -> None:
    token, calls = CancelToken(), []
    token.on_cancel(lambda: calls.append("early"))
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(Cancelled):
        token.wait(10)
    token.cancel()
    token.on_cancel(lambda: calls.append("late"))
    assert calls == ["early", "late"]
    with pytest.raises(Cancelled):
        token.check()


@given(st.integers(-(2**42), 2**42))
@example(1_099_493_360_222)
def test_times_survive_storage_to_the_millisecond(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert epoch_ms(moment) == milliseconds


def test_progress_is_thinned_but_the_last_report_passes() -> None:
    seen: list[Progress] = []
    context = JobContext(on_progress=seen.append)
    for done in range(1, 1001):
        context.report(Progress(done, 1000))
    assert len(seen) < 20
    assert seen[-1].done == 1000


def test_copy_is_verified_and_claim_never_replaces(tmp_path: Path) -> None:
    source, target, final = tmp_path / "a", tmp_path / "b.part", tmp_path / "c"
    source.write_bytes(b"x" * 3_000_000)
    assert files.copy_durably(source, target) == hashlib.sha256(source.read_bytes()).hexdigest()
    final.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        files.claim(target, final)
    assert final.read_bytes() == b"mine"
    assert target.exists()
    files.claim(target, tmp_path / "d")
    assert not target.exists()
    assert (tmp_path / "d").stat().st_size == 3_000_000


def test_cancelled_copy_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x" * 3_000_000)

    def stop(_length: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        files.copy_durably(source, tmp_path / "b", stop)
    assert list(tmp_path.glob("b*")) == []


def _open_failing(monkeypatch: pytest.MonkeyPatch, name: str, mode: str, number: int) -> None:
    """Let opening a file fail as the system would: tests may run as root, who may read everything."""
    real = Path.open

    def refusing(self: Path, wanted: str = "r", *arguments: object, **more: object) -> object:
        if (self.name, wanted) == (name, mode):
            raise OSError(number, os.strerror(number))
        return real(self, wanted, *arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refusing)


@pytest.mark.parametrize(
    ("name", "mode", "number", "code"),
    [
        ("a", "rb", errno.EACCES, "file.permission"),
        ("a", "rb", errno.EPERM, "file.permission"),
        ("a", "rb", errno.ENOENT, "file.missing"),
        ("a", "rb", errno.EIO, "file.unreadable"),
        ("b", "xb", errno.EACCES, "disk.permission"),
        ("b", "xb", errno.ENOSPC, "disk.full"),
        ("b", "xb", errno.ENOENT, "disk.failed"),
        ("b", "xb", errno.EIO, "disk.failed"),
    ],
)
def test_a_copy_says_which_side_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, mode: str, number: int, code: str
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    _open_failing(monkeypatch, name, mode, number)
    with pytest.raises(EnvironmentFault) as caught:
        files.copy_durably(tmp_path / "a", tmp_path / "b")
    assert caught.value.code == code
    assert not (tmp_path / "b").exists()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens but cannot be read")
def test_a_source_that_breaks_off_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"file\.unreadable"):
        files.copy_durably(Path("/proc/self/mem"), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_target_that_fills_up_is_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r": real(Path("/dev/full"), "wb") if mode == "xb" else real(self, mode)
    )
    with pytest.raises(EnvironmentFault, match=r"disk\.full"):
        files.copy_durably(tmp_path / "a", tmp_path / "b")


def test_a_copy_leaves_what_has_the_name_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(EnvironmentFault, match=r"disk\.failed"):
        files.copy_durably(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"mine"


def test_space_is_refused_with_figures(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        files.require_space(tmp_path / "not" / "yet", 1 << 60, 1)
    assert caught.value.code == "disk.reserve"
    files.require_space(tmp_path, 1 << 60, 0)


def test_paths_stay_inside(tmp_path: Path) -> None:
    library = paths.LibraryPaths(tmp_path / "library")
    library.make()
    assert library.inside("dental_images/a/b.dcm").is_relative_to(tmp_path)
    for hostile in ("../x", "dental_images/../../x", "/etc/passwd"):
        with pytest.raises(ValueError, match="leaves"):
            library.inside(hostile)


@pytest.mark.skipif(os.name != "posix", reason="links need rights there")
def test_links_do_not_lead_out(tmp_path: Path) -> None:
    real = paths.LibraryPaths(tmp_path / "real")
    real.make()
    (tmp_path / "library").symlink_to(tmp_path / "real", target_is_directory=True)
    library = paths.LibraryPaths(tmp_path / "library")
    (real.images / "out").symlink_to(tmp_path, target_is_directory=True)
    (real.images / "p").mkdir()
    (real.images / "p" / "out.dcm").symlink_to(tmp_path / "elsewhere.dcm")
    (real.images / "in").symlink_to(real.images / "p", target_is_directory=True)

    assert library.inside("dental_images/p/a.dcm") == (real.images / "p" / "a.dcm").resolve()
    assert library.inside("dental_images/in/a.dcm") == (real.images / "p" / "a.dcm").resolve()
    for hostile in ("dental_images/out/x.dcm", "dental_images/p/out.dcm", "dental_images/in/../../../x"):
        with pytest.raises(ValueError, match="leaves"):
            library.inside(hostile)
    assert library.inside("dental_images/p/صورة.dcm") == (real.images / "p" / "صورة.dcm").resolve()
    for no_name in ("dental_images/a\0b", "dental_images/\ud800/x"):
        with pytest.raises(ValueError, match=r"null|surrogates"):
            library.inside(no_name)


def test_workstation_settings_round_trip_keeping_unknown_keys(tmp_path: Path) -> None:
    path = tmp_path / "workstation.toml"
    path.write_text('display.theme = "light"\nfuture.thing = [1, 2]\ndisplay.language = "klingon"\n')
    read = settings.read_workstation(path)
    assert (read.theme, read.language) == ("light", "")
    settings.write_workstation(path, read)
    again = settings.read_workstation(path)
    assert again.theme == "light"
    assert again.unknown == {"future.thing": [1, 2]}


def test_damaged_settings_file_gives_defaults(tmp_path: Path) -> None:
    path = tmp_path / "workstation.toml"
    path.write_bytes(b"\xff\xfe = = =")
    assert settings.read_workstation(path) == settings.WorkstationSettings()


@pytest.mark.parametrize("damage", ["not TOML", "not text", "not readable"])
def test_damaged_settings_file_is_kept_when_a_new_one_is_written(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "workstation.toml"
    for number in (1, 2):
        data = {"not TOML": b"display.theme = \n", "not text": b"\xff\xfe"}.get(damage, b"")
        if damage == "not readable":
            # Nobody, root included, can read a directory as text.
            path.unlink(missing_ok=True)
            path.mkdir()
        else:
            path.write_bytes(data + bytes([number + 48]))
        settings.write_workstation(path, settings.WorkstationSettings(theme="light"))
        assert settings.read_workstation(path).theme == "light"
    kept = sorted(item.name for item in tmp_path.iterdir() if item != path)
    assert kept == ["workstation.toml.damaged", "workstation.toml.damaged-2"]
    assert "workstation.toml.damaged-2" in caplog.text
    if damage != "not readable":
        assert [(tmp_path / name).read_bytes()[-1:] for name in kept] == [b"1", b"2"]


def test_a_good_settings_file_is_not_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "workstation.toml"
    for theme in ("light", "dark"):
        settings.write_workstation(path, settings.WorkstationSettings(theme=theme))
    assert list(tmp_path.iterdir()) == [path]


_LEAVES = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes()
    | st.dates()
    | st.times()
)
_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3))


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(_NAMES, st.lists(_VALUES, max_size=3) | _LEAVES, max_size=4))
@example({"weird key": 1, "a.b": 2, "a": {"b": 3}, "": 4, 'quote"': "\x7f"})
def test_unknown_settings_survive_whatever_they_are_called(tmp_path: Path, values: dict[str, object]) -> None:
    unknown = {key: value for key, value in settings._flatten(values).items() if not key.startswith(("display", "v"))}
    path = tmp_path / "workstation.toml"
    settings.write_workstation(path, settings.WorkstationSettings(unknown=unknown))
    assert settings.read_workstation(path).unknown == unknown
    assert [item for item in tmp_path.iterdir() if item != path] == []


@pytest.mark.parametrize(
    ("key", "text"),
    [("display.tooth_numbers", "roman"), ("storage.reserve_bytes", "-1"), ("display.touch_targets", "1")],
)
def test_settings_refuse_what_does_not_fit(key: str, text: str) -> None:
    with pytest.raises(UserError, match=r"settings\.invalid_value"):
        settings.setting_key(key).parse(text)
    with pytest.raises(UserError, match=r"settings\.unknown_key"):
        settings.setting_key("no.such")


def test_sealing_binds_value_to_name_and_library() -> None:
    store = MemorySecretStore()
    sealer = Sealer(store, "one")
    sealed = sealer.seal("orthanc.password", "s3cret")
    assert "s3cret" not in sealed
    assert sealer.unseal("orthanc.password", sealed) == "s3cret"
    with pytest.raises(EnvironmentFault, match=r"secrets\.wrong_key"):
        sealer.unseal("mirror.password", sealed)
    with pytest.raises(EnvironmentFault, match=r"secrets\.no_key"):
        Sealer(store, "two").unseal("orthanc.password", sealed)


@pytest.mark.skipif(os.name == "nt", reason="modes are not how Windows keeps files private")
def test_open_secrets_file_is_refused(tmp_path: Path) -> None:
    store = FileSecretStore(tmp_path / "secrets.json")
    store.set("a", "b")
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert store.get("a") == "b"
    (tmp_path / "secrets.json").chmod(0o644)
    with pytest.raises(EnvironmentFault, match=r"secrets\.file_open"):
        store.get("a")


SEAL = """
import sys
from pathlib import Path
from app.core.secrets import FileSecretStore, Sealer
sys.stdin.read(1)
print(Sealer(FileSecretStore(Path(sys.argv[1])), "one").seal("name", "value"))
"""


def test_processes_that_seal_first_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    command = [sys.executable, "-c", SEAL, str(path)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _number in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("x")
        child.stdin.flush()
    sealed = [child.communicate(timeout=60)[0].strip() for child in children]
    assert [Sealer(FileSecretStore(path), "one").unseal("name", text) for text in sealed] == ["value"] * 4


@pytest.mark.parametrize("kind", ["file", "memory", "keyring"])
def test_threads_that_seal_first_agree_on_one_key(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "state_directory", lambda: tmp_path / "state")
    store = {"file": lambda: FileSecretStore(tmp_path / "s.json"), "memory": MemorySecretStore, "keyring": _Ring}[
        kind
    ]()
    barrier, sealed = threading.Barrier(8), []

    def work() -> None:
        sealer = Sealer(store, "one")
        barrier.wait(30)
        sealed.append(sealer.seal("name", "value"))

    threads = [threading.Thread(target=work) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Sealer(store, "one").unseal("name", text) for text in sealed] == ["value"] * 8


class _Ring(KeyringSecretStore):
    """The keyring's store over a slow dictionary instead of the desktop's service."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        time.sleep(0.005)
        return self.values.get(name)

    def set(self, name: str, value: str) -> None:
        time.sleep(0.005)
        self.values[name] = value


def test_secrets_set_at_once_are_all_kept(tmp_path: Path) -> None:
    names = [f"name {number}" for number in range(12)]

    def work(name: str) -> None:
        FileSecretStore(tmp_path / "s.json").set(name, name)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = FileSecretStore(tmp_path / "s.json")
    assert [store.get(name) for name in names] == names
    store.delete(names[0])
    assert [store.get(name) for name in names[:2]] == [None, names[1]]


def test_a_lock_that_somebody_keeps_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with (
        exclusively(path),
        pytest.raises(TransientFault, match=r"disk\.busy"),
        exclusively(path, timeout_s=0.05),
    ):
        pytest.fail("two hold it")
    with exclusively(path, timeout_s=0):
        pass
    with pytest.raises(EnvironmentFault, match=r"file\.missing"), exclusively(tmp_path / "nowhere" / "x.lock"):
        pytest.fail("no such folder")


@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_no_safe_store_means_no_secret(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    import keyring.core

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    before = keyring.get_keyring()
    keyring.core.init_backend()
    try:
        with pytest.raises(EnvironmentFault, match=r"secrets\.no_store"):
            Sealer(KeyringSecretStore(), "one").seal("a", "b")
    finally:
        keyring.set_keyring(before)


def test_log_blanks_names_dates_and_secrets(tmp_path: Path) -> None:
    path = logs.set_up(tmp_path)
    log = logging.getLogger("app.test")
    log.warning("opened %s born %s with password=%s", "HASSAN^AHMED", "19850314", "hunter2")
    for handler in logging.getLogger("app").handlers:
        handler.flush()
    text = path.read_text("utf-8")
    for planted in ("HASSAN", "AHMED", "19850314", "hunter2"):
        assert planted not in text
    for handler in list(logging.getLogger("app").handlers):
        logging.getLogger("app").removeHandler(handler)
        handler.close()


@pytest.mark.parametrize("how", ["exception", "stack", "formatted before"])
def test_log_blanks_tracebacks_too(tmp_path: Path, how: str) -> None:
    path = logs.set_up(tmp_path / "logs")
    log = logging.getLogger("app.test")
    if how == "formatted before":
        # A handler in front that keeps its text in the record, as logging does.
        plain = logging.StreamHandler(io.StringIO())
        log.addHandler(plain)
    try:
        if how == "stack":
            code = compile("log.warning('x', stack_info=True)", "/data/SMITH^JOHN/scan_19850314.dcm", "exec")
            exec(code, {"log": log})  # noqa: S102 - a frame whose file has such a name
        else:
            try:
                (tmp_path / "SMITH^JOHN" / "scan_19850314.dcm").read_bytes()
            except OSError as error:
                raise ValueError("born 1985-03-14") from error
    except ValueError:
        log.exception("file not read")
    finally:
        log.handlers.clear()
        for handler in list(logging.getLogger("app").handlers):
            handler.close()
            logging.getLogger("app").removeHandler(handler)
    text = path.read_text("utf-8")
    assert "Traceback" in text or "Stack" in text
    for planted in ("SMITH", "JOHN", "19850314", "1985-03-14"):
        assert planted not in text
    assert text.startswith("20"), "a line's own time stays"


@pytest.mark.parametrize("place", [0, BLOCK_BYTES, 2 * BLOCK_BYTES + 5])
def test_the_last_block_of_a_rotten_file_is_never_given(tmp_path: Path, place: int) -> None:
    good = bytes(range(256)) * 4096 * 2 + b"the end"
    digest = hashlib.sha256(good).hexdigest()
    path = tmp_path / "file"
    path.write_bytes(good)
    assert b"".join(proven_blocks(path, digest)) == good
    path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    blocks = proven_blocks(path, digest)
    assert [len(next(blocks)), len(next(blocks))] == [BLOCK_BYTES, BLOCK_BYTES]
    with pytest.raises(ItemError, match=r"file\.corrupt"):
        next(blocks)
