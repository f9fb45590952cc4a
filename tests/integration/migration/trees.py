"""Legacy trees made by code: three layouts, lists as CSV, SQLite or JSON, and what must come of them."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TYPES = ("before", "after", "xray", "clinical", "other")
PER_PATIENT = 20


@dataclass
class Expected:
    """What one legacy file must become."""

    chart_number: str
    tooth: str
    image_type: str
    caption: str
    treatment: str | None


@dataclass
class Tree:
    """A tree with its truth, by SHA-256."""

    root: Path
    files: dict[str, Expected] = field(default_factory=dict)
    treatments: dict[str, tuple[str, str]] = field(default_factory=dict)

    def fingerprint(self) -> dict[str, tuple[str, int]]:
        """Return every file with its hash and time: what must be the same afterwards."""
        return {
            path.relative_to(self.root).as_posix(): (digest(path), path.stat().st_mtime_ns)
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make(root: Path, count: int, layout: str, lists: str) -> Tree:
    """Make a tree of ``count`` images: ``layout`` is flat, patient or tooth; ``lists`` csv, sqlite, json or none."""
    tree, images, links = Tree(root), [], []
    root.mkdir(parents=True)
    rng = np.random.default_rng(7)
    patients = [
        {
            "id": str(1000 + number),
            "last_name": f"Family{number}",
            "first_name": f"Given{number}",
            "dob": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 9}",
            "gender": "FM"[number % 2],
        }
        for number in range(-(-count // PER_PATIENT))
    ]
    for number in range(count):
        patient = patients[number // PER_PATIENT]
        tooth, kind = str(1 + number % 32), TYPES[number % 5]
        name = f"{patient['id']}_{number:05}.png" if layout == "flat" else f"image-{number:05}.png"
        folder = {"flat": "", "patient": patient["id"], "tooth": f"{patient['id']}/{tooth}/{kind}"}[layout]
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).save(path)
        treatment = f"T{number // 4}" if number % 4 < 2 and lists != "none" else None
        caption = f"Note {number}" if number % 3 == 0 and lists != "none" else ""
        says = lists != "none"
        tree.files[digest(path)] = Expected(
            patient["id"],
            tooth if says or layout == "tooth" else "general",
            kind if says or layout == "tooth" else "clinical",
            caption,
            treatment,
        )
        row = {"id": f"I{number}", "filename": name, "patient_id": patient["id"], "tooth": tooth, "image_type": kind}
        images.append({**row, "directory": folder, "notes": caption})
        if treatment:
            tree.treatments[treatment] = (patient["id"], f"Procedure {treatment}")
            links.append({"treatment_id": treatment, "image_id": f"I{number}"})
    treatments = [
        {"id": key, "patient_id": patient, "procedure": what, "date": "2019-05-06", "status": "done", "tooth": "14"}
        for key, (patient, what) in tree.treatments.items()
    ]
    if lists != "none":
        tables = {"patients": patients, "dental_images": images, "treatments": treatments, "treatment_images": links}
        _WRITERS[lists](root, tables)
    return tree


def _csv(root: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    for name, rows in tables.items():
        with (root / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _json(root: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    (root / "clinic.json").write_text(json.dumps(tables), "utf-8")


def _sqlite(root: Path, tables: dict[str, list[dict[str, Any]]]) -> None:
    with sqlite3.connect(root / "dental.db") as database:
        for name, rows in tables.items():
            columns = ", ".join(rows[0])
            database.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {name} VALUES ({places})", [tuple(row.values()) for row in rows])
    database.close()


_WRITERS = {"csv": _csv, "json": _json, "sqlite": _sqlite}
