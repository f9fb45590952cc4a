"""Backups that were made, and the dates on which restoring was tried.

Frozen: whatever changes later gets a script of its own. Times are milliseconds since 1970 in UTC.
"""

STATEMENTS = (
    """
    CREATE TABLE backups (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        path TEXT NOT NULL,
        form TEXT NOT NULL CHECK (form IN ('zip', 'folder')),
        contents TEXT NOT NULL CHECK (contents IN ('images', 'database')),
        created_at INTEGER NOT NULL,
        verified_at INTEGER,
        bytes INTEGER NOT NULL,
        images INTEGER NOT NULL,
        encrypted INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('good', 'damaged', 'missing', 'deleted')),
        started_by TEXT NOT NULL
    )""",
    "CREATE INDEX backups_by_state ON backups (state, number)",
    """
    CREATE TABLE drills (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        backup_path TEXT NOT NULL,
        backup_created_at INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        files INTEGER NOT NULL,
        different INTEGER NOT NULL,
        ok INTEGER NOT NULL,
        code TEXT,
        facts TEXT NOT NULL
    )""",
)


def up(execute):
    """Make the tables."""
    for statement in STATEMENTS:
        execute(statement)
