"""Finds overwritten texts that are too long for one page.

SQLite keeps such texts in overflow pages and checks how those hang together, not what is in them: the last page of
a text can be overwritten and ``integrity_check`` still says "ok" (measured: 8 of 191 pages).
"""

from __future__ import annotations

from app.core.errors import EnvironmentFault
from app.storage.database import Database

# The smallest payload that leaves a page of 4096 bytes: that of an index or a table WITHOUT ROWID
# (https://www.sqlite.org/fileformat2.html#b_tree_pages, (U-12)*64/255-23).
_LEAST = 1_000


def long_texts_are_sound(database: Database) -> bool:
    """Whether every long text is Unicode without zero bytes, which the program never stores."""
    tables = database.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return all(_are_sound_in(database, str(name)) for (name,) in tables)


def _are_sound_in(database: Database, table: str) -> bool:
    columns = [row[1] for row in database.rows(f"PRAGMA table_info({table})") if row[2] == "TEXT"]
    if not columns:
        return True
    # length() of a text ends at the first zero byte; of bytes it does not.
    length = " + ".join(f"IFNULL(length(CAST({name} AS BLOB)), 0)" for name in columns)
    try:
        rows = database.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE {length} >= {_LEAST}")  # noqa: S608 - from the schema
    except EnvironmentFault as error:
        if error.code != "database.corrupt":
            raise
        return False
    return not any(isinstance(text, str) and "\0" in text for row in rows for text in row)
