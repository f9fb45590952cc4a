"""The rules that hold for every command: options anywhere, exit codes, one JSON document."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from app import __version__
from app.__main__ import DECODING_CHILD
from app.cli.main import bitewing as root
from app.core.errors import RefusedError
from app.imaging.child.launch import HIDDEN_ARGUMENT
from app.services.settings import SettingsService
from app.words import set_language
from tests.unit.cli.conftest import Run

# CLI.md: the commands that this version has.
COMMANDS = ("gui", "demo", "scan", "import", "inbox", "info", "render", "list", "patients", "images", "export")
COMMANDS += ("check", "settings", "status")


def test_every_command_of_the_contract_is_there(bitewing: Run) -> None:
    said = bitewing("--help")
    assert said.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in said.out, name


def _commands(command: click.Command) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    inner = [command.get_command(context, name) for name in command.list_commands(context)]
    return [command, *(found for item in inner if item is not None for found in _commands(item))]


def test_every_command_takes_json_and_library_after_its_name() -> None:
    for command in _commands(root):
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--library"} <= options, command.name


def test_options_count_before_and_after_the_command(bitewing: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for arguments in (
        ("--json", "--library", other, "settings", "set", "clinic.name", "Bright"),
        ("settings", "--json", "set", "--library", other, "clinic.name", "Bright"),
        ("settings", "set", "clinic.name", "Bright", "--library", other, "--json"),
    ):
        said = bitewing(*arguments)
        assert said.code == 0, said.errors
        assert said.json() == {"key": "clinic.name", "value": "Bright"}
    assert (other / "bitewing.db").is_file()
    assert bitewing("settings", "get", "clinic.name", "--json").code == 1


def test_version(bitewing: Run) -> None:
    assert __version__ in bitewing("--version").out


@pytest.mark.parametrize("arguments", [["fly"], ["info"], ["list", "cats"], ["render", "a.dcm"], ["patients", "fly"]])
def test_wrong_usage_is_2(arguments: list[str], bitewing: Run) -> None:
    said = bitewing(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.errors
    as_json = bitewing("--json", *arguments)
    assert as_json.code == 2
    assert as_json.json()["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "patients"],
        ["check"],
        ["status"],
        ["inbox", "list"],
        ["patients", "add", "--last", "Doe"],
        ["images", "delete", "x"],
        ["export", "x", "-o", "out"],
        ["settings", "list"],
        ["settings", "get", "clinic.name"],
        ["settings", "test", "orthanc"],
    ],
)
def test_a_missing_library_is_1_and_is_not_made(arguments: list[str], bitewing: Run, library: Path) -> None:
    said = bitewing(*arguments, "--json")
    assert said.code == 1
    assert said.json()["error"]["code"] == "library.none"
    assert said.json()["error"]["reason"]
    assert ": " in said.errors
    assert not library.exists()


def test_refusals_are_3(bitewing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bitewing("settings", "set", "display.language", "en")

    def refuse(*_: object) -> None:
        raise RefusedError("role.refused", action="settings.view", role="viewer")

    monkeypatch.setattr(SettingsService, "get", refuse)
    said = bitewing("settings", "get", "clinic.name", "--json")
    assert said.code == 3
    assert said.json()["error"]["code"] == "role.refused"
    assert "role does not allow" in said.errors


def test_a_bug_is_said_in_words_and_is_1(bitewing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bitewing("settings", "set", "display.language", "en")

    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(SettingsService, "get", break_down)
    said = bitewing("settings", "get", "clinic.name")
    assert said.code == 1
    assert "unexpected" in said.errors
    assert "Traceback" not in said.errors


def test_stopping_is_clean(bitewing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bitewing("settings", "set", "display.language", "en")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SettingsService, "get", interrupt)
    said = bitewing("settings", "get", "clinic.name", "--json")
    assert said.code == 1
    assert said.json()["error"]["code"] == "cancelled"


def test_reasons_are_translated_and_codes_are_not(bitewing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bitewing("settings", "set", "clinic.name", "A")
    english = bitewing("settings", "get", "no.such", "--json").json()["error"]
    set_language("ar")
    arabic = bitewing("settings", "get", "no.such", "--json").json()["error"]
    set_language("en")
    assert english["code"] == arabic["code"] == "settings.unknown_key"
    assert english["reason"] != arabic["reason"]


def test_the_librarys_own_language_is_spoken(bitewing: Run) -> None:
    assert bitewing("settings", "set", "display.language", "ar").code == 0
    reason = bitewing("settings", "get", "no.such", "--json").json()["error"]["reason"]
    set_language("en")
    assert any("\u0600" <= letter <= "\u06ff" for letter in reason)


def test_unknown_settings_and_values_are_refused(bitewing: Run) -> None:
    bitewing("settings", "set", "display.language", "en")
    for arguments, code in (
        (("set", "no.such", "1"), "settings.unknown_key"),
        (("set", "display.tooth_numbers", "roman"), "settings.invalid_value"),
        (("set", "storage.reserve_bytes", "-1"), "settings.invalid_value"),
        (("test", "somewhere"), "settings.no_connection"),
        (("test", "orthanc"), "pacs.not_set_up"),
    ):
        said = bitewing("settings", *arguments, "--json")
        assert (said.code, said.json()["error"]["code"]) == (1, code)


def test_a_value_left_out_is_read_from_standard_input(bitewing: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("Smile & Co\n"))
    assert bitewing("settings", "set", "clinic.name", "--json").json()["value"] == "Smile & Co"


def test_settings_list_shows_every_key(bitewing: Run) -> None:
    bitewing("settings", "set", "display.language", "en")
    rows = {row["key"]: row for row in bitewing("settings", "list", "--json").json()}
    assert rows["display.tooth_numbers"]["value"] == "fdi"
    assert rows["storage.reserve_bytes"]["value"] == 500_000_000
    assert "clinic.name = " in bitewing("settings", "list").out


def test_json_is_one_document_in_utf8(bitewing: Run) -> None:
    bitewing("settings", "set", "clinic.name", "عيادة الابتسامة")
    said = bitewing("settings", "get", "clinic.name", "--json")
    assert said.out.count("\n") == 1
    assert "عيادة" in said.out
    assert json.loads(said.out)["value"] == "عيادة الابتسامة"


def test_the_decoding_child_of_a_frozen_program_is_reached() -> None:
    assert DECODING_CHILD == HIDDEN_ARGUMENT
