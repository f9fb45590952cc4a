"""A legacy tree as what it means: patients, treatments, and for each file whose it is and what it shows.

Three layouts, told per file by where it lies (T8): flat, a folder per patient, patient and tooth folders. Lists
win over folders; what neither says is left open.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from app.core.errors import UserError
from app.domain.folding import fold
from app.domain.image import ImageType
from app.domain.patient import CHART_NUMBER_LIMIT, PatientDraft
from app.domain.tooth import GENERAL, parse_tooth
from app.domain.treatment import TreatmentDraft, TreatmentStatus
from app.sync.migration.columns import keys_of_patient, kind_of, meanings, plain
from app.sync.migration.tables import LIST_SUFFIXES, Table, tables_of
from app.sync.patient_csv import CsvRow, parse_day, rows_of
from app.sync.sources import Found, find

_DONE = {"done", "complete", "finished", "performed", "closed", "مكتمل"}
_PLANNED = {"planned", "pending", "proposed", "scheduled", "open", "مخطط"}
_RUNNING = {"in progress", "started", "ongoing", "active", "جار"}
_STOPPED = {"cancelled", "canceled", "rejected", "ملغى"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be taken over as it stands; ``where`` is a file or a line of a list."""

    where: str
    code: str
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LegacyFile:
    """One file of the tree. ``key`` is whose it is there; ``None`` when nothing says so."""

    path: Path
    relative: str
    size: int
    mtime_ns: int
    key: str | None = None
    tooth: str | None = None
    image_type: ImageType | None = None
    caption: str = ""


@dataclass(frozen=True, slots=True)
class LegacyTreatment:
    """One treatment of the lists."""

    id: str
    key: str
    draft: TreatmentDraft


@dataclass(slots=True)
class _Row:
    """What the image list says of a file."""

    key: str | None = None
    tooth: str | None = None
    image_type: ImageType | None = None
    caption: str = ""
    treatments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LegacyTree:
    """What the lists say. ``patients`` and ``treatments`` are by their key there."""

    root: Path
    patients: dict[str, PatientDraft] = field(default_factory=dict)
    treatments: dict[str, LegacyTreatment] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _keys: dict[str, str] = field(default_factory=dict)
    _rows: dict[str, _Row] = field(default_factory=dict)

    def files(self) -> Iterator[LegacyFile]:
        """Yield every file but the lists, in depth and sorted; what cannot be read is among the problems."""
        for found in find([self.root]):
            relative = found.path.relative_to(self.root).as_posix()
            if found.problem is not None:
                self.problems.append(Problem(relative, found.problem.code, dict(found.problem.facts)))
            elif "/" in relative or found.path.suffix.casefold() not in LIST_SUFFIXES:
                yield self._file(found, relative)

    def treatments_of(self, file: LegacyFile) -> list[str]:
        """Return the treatments that a file belongs to, by their key."""
        row = self._row_of(file.relative)
        return [] if row is None else [key for key in row.treatments if key in self.treatments]

    def key_of(self, text: str) -> str | None:
        """Return the patient whom a text means; ``None`` when no list names one."""
        return self._keys.get(fold(text))

    def _file(self, found: Found, relative: str) -> LegacyFile:
        folders = PurePosixPath(relative).parts[:-1]
        row = self._row_of(relative) or _Row()
        key = row.key
        if key is None and folders:
            # A folder without a list is a patient by itself: never one of the same name.
            key = self.key_of(folders[0]) or f"folder:{folders[0]}"
        if key is None:
            key = self._by_prefix(PurePosixPath(relative).stem)
        tooth = row.tooth or next((tooth for name in folders[1:] if (tooth := tooth_of(name))), None)
        kind = row.image_type or next((kind for name in folders[1:] if (kind := type_of(name))), None)
        return LegacyFile(found.path, relative, found.size, found.mtime_ns, key, tooth, kind, row.caption)

    def _row_of(self, relative: str) -> _Row | None:
        found = self._rows.get(fold(relative))
        return found if found is not None else self._rows.get(f"/{fold(relative.rpartition('/')[2])}")

    def _by_prefix(self, stem: str) -> str | None:
        """Return whom a flat file's name begins with: ``17_14_before`` is of patient 17."""
        for mark in ("_", "-", " "):
            if mark in stem and (key := self.key_of(stem.split(mark, 1)[0])):
                return key
        return None


def read_tree(root: Path) -> LegacyTree:
    """Read the lists of a legacy tree.

    Raises
    ------
    UserError
        ``migrate.no_source`` when there is no such folder, ``migrate.unreadable_list``.
    """
    if not root.is_dir():
        raise UserError("migrate.no_source", path=str(root))
    tree = LegacyTree(root)
    tables: dict[str, list[Table]] = {}
    for table in tables_of(root):
        tables.setdefault(kind_of(table.name), []).append(table)
    for table in tables.get("patient", ()):
        _take_patients(tree, table)
    for table in tables.get("treatment", ()):
        _take_treatments(tree, table)
    ids: dict[str, _Row] = {}
    for table in tables.get("image", ()):
        _take_images(tree, table, ids)
    for table in tables.get("link", ()):
        _take_links(tree, table, ids)
    return tree


def _take_patients(tree: LegacyTree, table: Table) -> None:
    ids: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    rows = [row for row in table.rows if any(row.values())]
    for row, read in zip(rows, _read_patients(rows), strict=True):
        keys = keys_of_patient(row)
        where = f"{table.source}: {keys[0] if keys else read.line}"
        if read.code is not None or read.draft is None:
            tree.problems.append(Problem(where, read.code or "csv.damaged", dict(read.facts)))
        if read.draft is None:
            continue
        key, draft = keys[0] if keys else where, read.draft
        if keys and not draft.chart_number:
            draft = replace(draft, chart_number=key[:CHART_NUMBER_LIMIT])
        tree.patients[key] = draft
        for text in keys:
            ids.setdefault(fold(text), set()).add(key)
        if draft.family_name and draft.given_name:
            for text in (f"{draft.family_name}_{draft.given_name}", f"{draft.family_name}, {draft.given_name}"):
                names.setdefault(fold(text), set()).add(key)
    # Two whom one text means are nobody; an id is never lost to a name.
    for said in (names, ids):
        tree._keys.update({text: next(iter(meant)) for text, meant in said.items() if len(meant) == 1})
    for text, meant in ids.items():
        if len(meant) > 1:
            tree._keys.pop(text, None)


def _read_patients(rows: list[dict[str, str]]) -> list[CsvRow]:
    """Read rows with the patient list's own reader, which knows spellings, dates and sexes and wants a CSV."""
    if not rows:
        return []
    columns = list(rows[0])
    used = _with_one_number(columns)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([name if name in used else f"unused {number}" for number, name in enumerate(columns)])
    for row in rows:
        writer.writerow([row.get(name, "").replace("\0", "") for name in columns])
    return list(rows_of(stream.getvalue()))


def _with_one_number(columns: list[str]) -> set[str]:
    """Return the columns to read: with a chart number of its own, the row's id is no chart number."""
    named = {plain(column): column for column in columns}
    charts = [named[name] for name in ("chart number", "chart", "file number", "chart no", "mrn") if name in named]
    ids = [named[name] for name in ("id", "patient id", "patientid", "uuid", "patient uuid", "number") if name in named]
    return set(columns) - set(ids if charts else ids[1:])


def _take_treatments(tree: LegacyTree, table: Table) -> None:
    for number, row in enumerate(table.rows, 1):
        get = _reader("treatment", row)
        legacy_id = get("id") or f"{table.source}:{number}"
        key = tree.key_of(get("patient"))
        where = f"{table.source}: {legacy_id}"
        if key is None:
            tree.problems.append(Problem(where, "migrate.no_patient", {"text": get("patient")}))
            continue
        teeth = tuple(tooth for part in get("teeth").split(",") if (tooth := tooth_of(part)))
        day = parse_day(get("date"))
        if get("date") and day is None:
            tree.problems.append(Problem(where, "migrate.bad_date", {"text": get("date")[:40]}))
        draft = TreatmentDraft(
            get("procedure"), get("code"), teeth, day, get("dentist"), _status(get("status")), get("notes")
        )
        try:
            tree.treatments[legacy_id] = LegacyTreatment(legacy_id, key, draft.cleaned())
        except UserError as error:
            tree.problems.append(Problem(where, error.code, dict(error.facts)))


def _take_images(tree: LegacyTree, table: Table, ids: dict[str, _Row]) -> None:
    for number, row in enumerate(table.rows, 1):
        get = _reader("image", row)
        places = _places(get("path"), get("directory"), get("file"))
        if not places:
            tree.problems.append(Problem(f"{table.source}: {get('id') or number}", "migrate.no_file_name"))
            continue
        said = get("patient")
        key = tree.key_of(said) if said else None
        if said and key is None:
            tree.problems.append(Problem(f"{table.source}: {places[0]}", "migrate.no_patient", {"text": said}))
        made = _Row(key, tooth_of(get("tooth")), type_of(get("type")), get("caption"))
        if get("treatment"):
            made.treatments.append(get("treatment"))
        for place in places:
            tree._rows.setdefault(place, made)
        for text in (get("id"), get("file")):
            if text:
                ids.setdefault(text, made)


def _take_links(tree: LegacyTree, table: Table, ids: Mapping[str, _Row]) -> None:
    for row in table.rows:
        get = _reader("link", row)
        image = ids.get(get("image"))
        if image is None:
            tree.problems.append(Problem(f"{table.source}: {get('image')}", "migrate.no_such_image"))
        elif get("treatment") not in image.treatments:
            image.treatments.append(get("treatment"))


def _reader(kind: str, row: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that gives a row's text by its meaning."""
    columns = meanings(kind, row)
    return lambda meaning: row.get(columns.get(meaning, ""), "").strip()


def _places(path: str, directory: str, name: str) -> list[str]:
    """Return how a file may be found: by its path in the tree, then by its name alone (with a ``/`` before it)."""
    whole = path or (f"{directory.rstrip('/')}/{name}" if directory and name else name)
    parts = [part for part in whole.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    if not parts:
        return []
    tails = [fold("/".join(parts[start:])) for start in range(len(parts))]
    return [*tails, f"/{fold(parts[-1])}"]


def tooth_of(text: str) -> str | None:
    """Return the Universal number that a folder or a cell names: ``14``, ``tooth_14``, ``A``, ``general``."""
    word = plain(text).removeprefix("tooth").removeprefix("سن").strip()
    if not word:
        return None
    try:
        return parse_tooth(word)
    except UserError:
        return GENERAL if word in {"none", "all", "0", "whole mouth"} else None


def type_of(text: str) -> ImageType | None:
    """Return the image type that a folder or a cell names."""
    word = plain(text).replace(" ", "")
    names = {**{kind.value: kind for kind in ImageType}, "xrays": ImageType.XRAY, "radiograph": ImageType.XRAY}
    return names.get(word)


def _status(text: str) -> TreatmentStatus:
    word = plain(text)
    for words, status in (
        (_PLANNED, TreatmentStatus.PLANNED),
        (_RUNNING, TreatmentStatus.IN_PROGRESS),
        (_STOPPED, TreatmentStatus.CANCELLED),
        (_DONE, TreatmentStatus.COMPLETED),
    ):
        if word in words:
            return status
    return TreatmentStatus(word) if word in set(TreatmentStatus) else TreatmentStatus.COMPLETED


def grouped(files: Sequence[LegacyFile]) -> dict[str | None, list[LegacyFile]]:
    """Return files by whose they are there, in order."""
    groups: dict[str | None, list[LegacyFile]] = {}
    for file in files:
        groups.setdefault(file.key, []).append(file)
    return groups
