"""The search index on SQLite: FTS5 trigrams for three letters and more, word starts for fewer.

The only module with SQL that PostgreSQL will do otherwise (``pg_trgm``). Maps typed text to ranks of
patients in name order; knows nothing of what a patient looks like.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.domain.patient import Patient
from app.storage.database import Database
from app.storage.rows import sort_name
from app.storage.search_words import Query, parse, prefixes_of, words_of

# Up to this many hits are fetched and sorted; above, walking the names in order is quicker.
_FEW = 1500


def add_entry(database: Database, rank: int, patient: Patient) -> None:
    """Make a patient findable."""
    words, name = words_of(patient), sort_name(patient)
    database.execute("INSERT INTO patient_search (rowid, words) VALUES (?, ?)", (rank, " ".join(words)))
    database.execute_many(
        "INSERT INTO patient_prefixes (prefix, sort_name, rank) VALUES (?, ?, ?)",
        [(prefix, name, rank) for prefix in sorted(prefixes_of(words))],
    )


def remove_entry(database: Database, rank: int, patient: Patient) -> None:
    """Make a patient unfindable; ``patient`` as it was when it was added."""
    name = sort_name(patient)
    database.execute("DELETE FROM patient_search WHERE rowid = ?", (rank,))
    database.execute_many(
        "DELETE FROM patient_prefixes WHERE prefix = ? AND sort_name = ? AND rank = ?",
        [(prefix, name, rank) for prefix in prefixes_of(words_of(patient))],
    )


def matching_ranks(database: Database, text: str, limit: int) -> list[int]:
    """Return the ranks of matching patients in name order; nothing typed matches nobody."""
    query = parse(text)
    if query.is_empty:
        return []
    if not query.groups:
        return _by_prefix(database, query, limit)
    few = _few_hits(database, query)
    if few is None:
        return _walk_names(database, query, limit)
    return _sorted_hits(database, query, few, limit)


def _match(query: Query) -> str:
    """Return the FTS5 expression; tokens are letters and digits only, so quoting is enough."""
    return " AND ".join("(" + " OR ".join(f'"{word}"' for word in group) + ")" for group in query.groups)


def _few_hits(database: Database, query: Query) -> list[int] | None:
    rows = database.rows(
        "SELECT rowid FROM patient_search WHERE patient_search MATCH ? LIMIT ?", (_match(query), _FEW + 1)
    )
    return [row[0] for row in rows] if len(rows) <= _FEW else None


def _prefix_terms(prefixes: Iterable[str]) -> tuple[str, list[Any]]:
    """Return SQL that holds for patients with every prefix, and its parameters."""
    terms = [
        " AND EXISTS (SELECT 1 FROM patient_prefixes q WHERE q.prefix = ? AND q.sort_name = p.sort_name"
        " AND q.rank = p.rank)"
        for _prefix in prefixes
    ]
    return "".join(terms), list(prefixes)


def _by_prefix(database: Database, query: Query, limit: int) -> list[int]:
    terms, parameters = _prefix_terms(query.prefixes[1:])
    sql = f"SELECT p.rank FROM patient_prefixes p WHERE p.prefix = ?{terms} ORDER BY p.sort_name, p.rank LIMIT ?"  # noqa: S608 - our own text
    return [row[0] for row in database.rows(sql, [query.prefixes[0], *parameters, limit])]


def _sorted_hits(database: Database, query: Query, ranks: list[int], limit: int) -> list[int]:
    terms, parameters = _prefix_terms(query.prefixes)
    marks = ",".join("?" * len(ranks))
    sql = f"SELECT p.rank FROM patients p WHERE p.rank IN ({marks}){terms} ORDER BY p.sort_name, p.id LIMIT ?"  # noqa: S608 - our own text
    return [row[0] for row in database.rows(sql, [*ranks, *parameters, limit])]


def _walk_names(database: Database, query: Query, limit: int) -> list[int]:
    terms, parameters = _prefix_terms(query.prefixes)
    sql = (
        "SELECT p.rank FROM patients p INDEXED BY patients_by_name WHERE p.deleted_at IS NULL"  # noqa: S608 - our own text
        f" AND p.rank IN (SELECT rowid FROM patient_search WHERE patient_search MATCH ?){terms}"
        " ORDER BY p.sort_name, p.id LIMIT ?"
    )
    return [row[0] for row in database.rows(sql, [_match(query), *parameters, limit])]
