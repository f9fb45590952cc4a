"""What a restored catalogue takes over: faults of the old one are no faults, ours are."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.storage import carrying
from app.storage.catalogue import Catalogue
from app.storage.database import Database


@pytest.fixture
def restored(catalogue: Catalogue, tmp_path: Path) -> Database:
    catalogue.database.backup_to(tmp_path / "restored.db")
    return Database(tmp_path / "restored.db")


def library_of(catalogue: Catalogue) -> str:
    return str(catalogue.database.value("SELECT id FROM library"))


def test_a_damaged_one_gives_what_can_be_read(catalogue: Catalogue, restored: Database, tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    found = carrying.carry_over(restored, tmp_path / "damaged.db", library_of(catalogue))
    assert found.unreadable == tuple(carrying._PARTS)
    assert carrying.carry_over(restored, catalogue.database.path, "another library") == carrying.Carried()


def test_a_mistake_of_ours_is_told(catalogue: Catalogue, restored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"wrong": lambda new, _old, _tally: new.execute("SELECT * FROM what_is_not_there")}
    monkeypatch.setattr(carrying, "_PARTS", wrong)
    with pytest.raises(sqlite3.OperationalError):
        carrying.carry_over(restored, catalogue.database.path, library_of(catalogue))
