"""The two commands of the README: what they decide, and that they hold to the standard library."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INSTALLER = ROOT / "installer"
sys.path.append(str(INSTALLER))
preparing = __import__("preparing")
system_packages = __import__("system_packages")
beside = __import__("beside")
run = __import__("run")


def _load_test_command() -> object:
    # By path: "test" is also the name of a package of Python's own.
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("installer_test", INSTALLER / "test.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_the_standard_library_is_needed() -> None:
    own = {path.stem for path in INSTALLER.glob("*.py")}
    for path in INSTALLER.glob("*.py"):
        if path.name == "translations.py":
            continue  # for developers, in the environment
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] in {*sys.stdlib_module_names, *own}, f"{path.name}: {name}"


def test_constraints_pin_everything_and_name_no_host() -> None:
    lines = [line for line in (INSTALLER / "constraints.txt").read_text("utf-8").splitlines() if line[:1] != "#"]
    assert len(lines) > 40
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line
    pinned = {re.sub(r"[._-]+", "-", line.partition("==")[0]).lower() for line in lines}
    for wanted in preparing.requirements(ROOT / "pyproject.toml", with_tests=True):
        name = re.match(r"[A-Za-z0-9._-]+", wanted)
        assert name is not None
        assert re.sub(r"[._-]+", "-", name[0]).lower() in pinned, wanted


def test_requirements_are_pyprojects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    alone = preparing.requirements(ROOT / "pyproject.toml", with_tests=False)
    assert set(project["dependencies"]) < set(alone)
    more = preparing.requirements(ROOT / "pyproject.toml", with_tests=True)
    assert set(more) - set(alone) == set(project["optional-dependencies"]["dev"])


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A made-up environment that seems to have an interpreter."""
    folder = tmp_path / ".venv"
    monkeypatch.setattr(preparing, "ENVIRONMENT", folder)
    python = preparing.environment_python(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(preparing, "environment_python", lambda: python)
    return folder


def test_the_stamp_tells_whether_there_is_something_to_do(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not preparing.is_prepared(with_tests=False)
    stamp = environment / preparing.STAMP
    stamp.write_text(preparing.stamp_text(with_tests=False))
    assert preparing.is_prepared(with_tests=False)
    assert not preparing.is_prepared(with_tests=True)
    stamp.write_text(preparing.stamp_text(with_tests=True))
    assert preparing.is_prepared(with_tests=False)
    changed = tmp_path / "constraints.txt"
    changed.write_bytes(preparing.CONSTRAINTS.read_bytes() + b"# another pin\n")
    monkeypatch.setattr(preparing, "CONSTRAINTS", changed)
    assert not preparing.is_prepared(with_tests=True)


def test_a_failing_step_says_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(preparing.PreparationFailed, match="no such luck"):
        preparing._run([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], "It failed.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that end a process")
def test_a_step_that_a_signal_ends_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert not _load_test_command()._step("tests", killed, dict(os.environ))
    assert "tests: ended by signal 9 (SIGKILL)" in capsys.readouterr().out


def test_packages_that_stand_in_for_others_count() -> None:
    listing = (
        "ii \tlibegl1\t\n"
        "ii \tlibglib2.0-0t64\tlibglib2.0-0 (= 2.80.0-6)\n"
        "ii \tfonts-noto-core\tfonts-arabic:any, fonts-other\n"
        "rc \tlibgl1\t\n"
        "un \txvfb\t\n"
    )
    there = system_packages.parse(listing)
    assert {"libegl1", "libglib2.0-0", "fonts-arabic", "fonts-noto-core"} <= there
    assert system_packages.missing(["libegl1", "libglib2.0-0", "libgl1", "xvfb"], there) == ["libgl1", "xvfb"]


def test_libraries_that_are_not_there_are_fetched_too() -> None:
    listing = (
        "proftpd-core\n"
        "  Depends: adduser\n"
        " |Depends: <debconf-2.0>\n"
        "  Depends: libhiredis0.14\n"
        "  Depends: libc6\n"
        "libhiredis0.14\n"
        "  Depends: libsasl2-2\n"
        "  Recommends: libsasl2-modules\n"
    )
    assert beside.parse(listing, {"libc6"}) == ["libhiredis0.14", "libsasl2-2"]


def test_without_root_one_line_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("Debian and Ubuntu only")
    monkeypatch.setattr(system_packages.shutil, "which", lambda _name: "/usr/bin/dpkg-query")
    monkeypatch.setattr(system_packages, "installed", set)
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 1000)
    with pytest.raises(preparing.PreparationFailed) as caught:
        system_packages.ensure(with_tests=True)
    (line,) = [line for line in str(caught.value).splitlines() if "sudo" in line]
    assert line.strip().startswith("sudo apt-get install --yes")
    assert " xvfb" in line
    assert " fonts-noto-core" in line


def test_no_display_is_said_with_a_way_out(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run, "has_display", lambda _environment: False)
    assert run.main(["--demo"]) == 1
    said = capsys.readouterr().err
    assert "no display" in said
    assert "--screenshot" in said


def test_a_screenshot_is_passed_on_and_needs_no_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "bitewing.db").touch()
    started = []

    def record(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        started.append((command, more["env"]))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(run, "has_display", lambda _environment: False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setattr(run.system_packages, "ensure", lambda **_: None)
    monkeypatch.setattr(run.preparing, "prepare", lambda **_: Path("python"))
    monkeypatch.setattr(run.subprocess, "run", record)
    picture = tmp_path / "a.png"
    assert run.main(["--demo", "--library", str(library), "--screenshot", str(picture), "--tooth", "8"]) == 0
    ((command, environment),) = started
    assert command[1:5] == ["-P", "-m", "app", "gui"]
    assert command[command.index("--library") + 1] == str(library)
    assert command[command.index("--screenshot") + 1] == str(picture)
    assert command[-2:] == ["--tooth", "8"]
    assert environment["QT_QPA_PLATFORM"] == "offscreen"


def test_made_up_patients_never_go_to_the_clinics_own_library() -> None:
    options = run._parser().parse_args(["--demo"])
    assert run.library_of(options) == run.DEMO_LIBRARY
    assert run.library_of(run._parser().parse_args([])) is None


def test_every_check_is_run_by_the_test_command() -> None:
    command: object = _load_test_command()
    names = [name for name, _command in command.checks(Path("/x/bin/python"))]  # type: ignore[attr-defined]
    assert names == ["ruff", "format", "types", "architecture", "translations"]
    found = command.permission_tests(ROOT / "tests")  # type: ignore[attr-defined]
    assert ROOT / "tests" / "integration" / "test_cli_file_permissions.py" in found


def test_ci_has_nothing_of_its_own() -> None:
    script = ROOT / ".ci" / "run"
    lines = [line for line in script.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == ['cd "$(dirname "$0")/.." && exec python3 installer/test.py "$@"']
    assert sys.platform == "win32" or os.access(script, os.X_OK)
